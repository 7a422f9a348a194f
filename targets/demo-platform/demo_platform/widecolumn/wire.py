"""The store's sockets: frames, many requests under way on each connection.

4 bytes  length of what follows, big endian
4 bytes  number of the request, chosen by who asks; its reply bears the same
message  MessagePack, see messages
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Awaitable, Callable
from typing import cast

import msgspec

from demo_platform.sockets import listening
from demo_platform.widecolumn.coordinator import Silent
from demo_platform.widecolumn.messages import (
    Reply,
    Request,
    decode_reply,
    decode_request,
    encode,
)
from demo_platform.widecolumn.node import Endpoint

FRAME_BYTES_MAX = 4 * 1024 * 1024
CONNECTIONS_MAX = 256
UNDER_WAY_MAX = 512
"""Requests on one connection."""

CONNECT_S = 0.3
REST_S = 0.25
"""After a failed try to connect, during which nobody waits for another."""

MUTE_S = 1.5
"""A peer that owes replies for so long, and says nothing at all, is given up."""

BACKLOG = 256
_HEAD = struct.Struct(">II")

Handle = Callable[[Request], Awaitable[Reply]]


class Frames:
    """Cuts a stream of bytes into frames. Raises ValueError when one is too long or too short."""

    def __init__(self) -> None:
        self._left = b""

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """The frames that are whole now, each a number and a message."""
        data = self._left + data if self._left else data
        at, found = 0, []
        while len(data) - at >= _HEAD.size:
            length, number = _HEAD.unpack_from(data, at)
            if not 4 < length <= FRAME_BYTES_MAX:
                raise ValueError(f"a frame of {length} bytes")
            if len(data) - at < 4 + length:
                break
            found.append((number, data[at + _HEAD.size : at + 4 + length]))
            at += 4 + length
        self._left = data[at:]
        return found


def frame(number: int, message: bytes) -> bytes:
    """A frame. Raises ValueError when the message is too long."""
    if len(message) + 4 > FRAME_BYTES_MAX:
        raise ValueError(f"a message of {len(message)} bytes")
    return _HEAD.pack(len(message) + 4, number) + message


class Listener:
    """Takes connections and answers what is asked on them."""

    def __init__(self, handle: Handle) -> None:
        self.handle = handle
        self.peers: set[_Peer] = set()

    async def listen(self, address: str, port: int) -> asyncio.Server:
        """Take connections from now on. Raises DemoError when the port is not to be had."""
        loop = asyncio.get_running_loop()
        return await loop.create_server(lambda: _Peer(self), sock=listening(address, port))

    def hang_up(self) -> None:
        """Close every connection."""
        for peer in tuple(self.peers):
            peer.abort()


class _Peer(asyncio.Protocol):
    """One connection from somebody who asks."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._frames = Frames()
        self._transport: asyncio.Transport | None = None
        self._under_way: set[asyncio.Task[None]] = set()
        self._is_full = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        if len(self._listener.peers) >= CONNECTIONS_MAX:
            self._transport.abort()
            return
        self._listener.peers.add(self)

    def connection_lost(self, _error: Exception | None) -> None:
        self._listener.peers.discard(self)
        for task in self._under_way:
            task.cancel()

    def data_received(self, data: bytes) -> None:
        loop = asyncio.get_running_loop()
        try:
            requests = [(n, decode_request(one)) for n, one in self._frames.feed(data)]
        except (ValueError, msgspec.MsgspecError):
            self.abort()  # whoever that is, it is none of ours
            return
        for number, request in requests:
            if self._is_full or len(self._under_way) >= UNDER_WAY_MAX:
                self.abort()
                return
            task = loop.create_task(self._answer(number, request))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    def pause_writing(self) -> None:
        self._is_full = True

    def resume_writing(self) -> None:
        self._is_full = False

    def abort(self) -> None:
        """Cut the connection."""
        if self._transport is not None:
            self._transport.abort()

    async def _answer(self, number: int, request: Request) -> None:
        reply = await self._listener.handle(request)
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(frame(number, encode(reply)))


class Connection(asyncio.Protocol):
    """A connection to one node, made when it is needed."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._frames = Frames()
        self._under_way: dict[int, asyncio.Future[Reply]] = {}
        self._number = 0
        self._connecting: asyncio.Task[bool] | None = None
        self._rests_until = 0.0
        self._heard_at = 0.0

    async def ask(self, request: Request, within_s: float) -> Reply:
        """What the node says. Raises Silent."""
        ends_at = self._loop.time() + within_s
        if self._transport is None and not await self._connect(within_s):
            raise Silent
        self._drop_if_mute()
        transport = self._transport
        if transport is None or len(self._under_way) >= UNDER_WAY_MAX:
            raise Silent
        if not self._under_way:
            self._heard_at = self._loop.time()
        self._number = number = (self._number + 1) % 2**32
        future: asyncio.Future[Reply] = self._loop.create_future()
        self._under_way[number] = future
        transport.write(frame(number, encode(request)))
        giving_up = self._loop.call_at(ends_at, _give_up, future)
        try:
            return await future
        finally:
            giving_up.cancel()
            self._under_way.pop(number, None)

    def close(self) -> None:
        """Hang up."""
        if self._connecting is not None:
            self._connecting.cancel()
        if self._transport is not None:
            self._transport.abort()
        self._forget()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Be connected."""
        self._transport = cast("asyncio.Transport", transport)
        self._frames = Frames()
        self._heard_at = self._loop.time()

    def connection_lost(self, _error: Exception | None) -> None:
        """Be cut off: nothing that was asked will be answered."""
        self._forget()

    def data_received(self, data: bytes) -> None:
        """Take replies."""
        self._heard_at = self._loop.time()
        try:
            replies = [(n, decode_reply(one)) for n, one in self._frames.feed(data)]
        except (ValueError, msgspec.MsgspecError):
            self.close()
            return
        for number, reply in replies:
            future = self._under_way.get(number)
            if future is not None and not future.done():
                future.set_result(reply)

    async def _connect(self, within_s: float) -> bool:
        if self._loop.time() < self._rests_until:
            return False
        if self._connecting is None:
            self._connecting = self._loop.create_task(self._dial())
            self._connecting.add_done_callback(self._connected)
        done, _ = await asyncio.wait([self._connecting], timeout=within_s)
        return bool(done) and self._transport is not None

    async def _dial(self) -> bool:
        try:
            async with asyncio.timeout(CONNECT_S):
                await self._loop.create_connection(lambda: self, *self.endpoint)
        except (OSError, TimeoutError):
            self._rests_until = self._loop.time() + REST_S
            return False
        return True

    def _connected(self, _task: asyncio.Task[bool]) -> None:
        self._connecting = None

    def _drop_if_mute(self) -> None:
        if self._under_way and self._loop.time() - self._heard_at > MUTE_S:
            self.close()
            self._rests_until = self._loop.time() + REST_S

    def _forget(self) -> None:
        self._transport = None
        under_way, self._under_way = self._under_way, {}
        for future in under_way.values():
            if not future.done():
                future.set_exception(Silent())


class Connections:
    """Connections by endpoint, for whoever asks several nodes."""

    def __init__(self) -> None:
        self._known: dict[Endpoint, Connection] = {}

    async def ask(self, endpoint: Endpoint, request: Request, within_s: float) -> Reply:
        """What the node there says. Raises Silent."""
        connection = self._known.get(endpoint)
        if connection is None:
            if len(self._known) >= CONNECTIONS_MAX:
                self._known.pop(next(iter(self._known))).close()
            connection = self._known[endpoint] = Connection(endpoint)
        return await connection.ask(request, within_s)

    def close(self) -> None:
        """Hang up on everybody."""
        for connection in self._known.values():
            connection.close()
        self._known.clear()


def _give_up(future: asyncio.Future[Reply]) -> None:
    if not future.done():
        future.set_exception(Silent())
