"""HTTP/1.1 to instances, with as little as it takes: kept connections, one request at a time each.

A hop is paid hundreds of times a second, and a general client spends most of its time on what
nobody here asks for: 97 µs of processor time a request with aiohttp's, 26 µs with this. A request
is one write, and httptools reads the answer.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import Protocol, cast

import httptools

from demo_platform.balancer import Peer
from demo_platform.service import CAUSE_HEADER
from demo_platform.tracing.tracer import KEPT_HEADER
from demo_platform.transport import CONNECT_TIMEOUT_S, Ending, Reply, ending_of

IDLE_S = 30.0
"""A kept connection that nobody has used for so long is closed; below the servers' own limit."""

BODY_BYTES_MAX = 4 * 2**20

_CAUSE = CAUSE_HEADER.encode()
_KEPT = KEPT_HEADER.encode()
_TIMED_OUT = Reply(Ending.TIMED_OUT)
_UNREACHABLE = Reply(Ending.UNREACHABLE)


class HttpClient(Protocol):
    """Whoever can ask over HTTP, as HttpTransport does."""

    async def request(
        self,
        method: str,
        place: tuple[str, int],
        target: str,
        *,
        body: bytes,
        headers: Mapping[str, str],
        timeout_s: float,
    ) -> Reply:
        """See HttpTransport.request."""


class HttpTransport:
    """The connections of one process, by instance."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._idle: dict[tuple[str, int], deque[_Connection]] = {}

    async def post(
        self, peer: Peer, route: str, *, body: bytes, headers: Mapping[str, str], timeout_s: float
    ) -> Reply:
        """Call an instance's route and read its answer within `timeout_s` seconds."""
        place, target = (peer.address, peer.port), "/" + route
        return await self.request(
            "POST", place, target, body=body, headers=headers, timeout_s=timeout_s
        )

    async def request(
        self,
        method: str,
        place: tuple[str, int],
        target: str,
        *,
        body: bytes,
        headers: Mapping[str, str],
        timeout_s: float,
    ) -> Reply:
        """Ask who listens at an address and port, and read the answer within `timeout_s` seconds.

        target: path and query, as they go over the wire.
        """
        ends_at = self._loop.time() + timeout_s
        address, port = place
        request = _request(method, place, target, headers, body)
        while True:
            connection = self._take(address, port)
            is_kept = connection is not None
            if connection is None:
                connection = await self._connect(address, port, min(CONNECT_TIMEOUT_S, timeout_s))
                if connection is None:
                    return _UNREACHABLE
            reply = await connection.ask(request, ends_at)
            if connection.is_open:
                self._idle.setdefault((address, port), deque()).append(connection)
            # A kept connection that ends without a word was closed before the request came.
            if not (is_kept and reply is _UNREACHABLE and not connection.has_heard):
                return reply

    def close(self) -> None:
        """Close what is kept."""
        for kept in self._idle.values():
            for connection in kept:
                connection.close()
        self._idle.clear()

    def _take(self, address: str, port: int) -> _Connection | None:
        """The connection that was used last; those idle for too long are closed on the way."""
        kept = self._idle.get((address, port))
        if not kept:
            return None
        forgotten_before = self._loop.time() - IDLE_S
        while kept and (kept[0].used_at < forgotten_before or not kept[0].is_open):
            kept.popleft().close()
        while kept:
            connection = kept.pop()
            if connection.is_open:
                return connection
        return None

    async def _connect(self, address: str, port: int, timeout_s: float) -> _Connection | None:
        try:
            async with asyncio.timeout(timeout_s):
                _, connection = await self._loop.create_connection(
                    lambda: _Connection(self._loop), address, port
                )
        except OSError:  # a time-out too
            return None
        return connection


class _Connection(asyncio.Protocol):
    """One connection; httptools calls its on_… methods while it reads an answer."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._answer: asyncio.Future[Reply] | None = None
        self._parts: list[bytes] = []
        self._size_bytes = 0
        self._cause = b""
        self._is_kept = False
        self.used_at = loop.time()
        self.is_open = False
        self.has_heard = False

    async def ask(self, request: bytes, ends_at: float) -> Reply:
        """Send a request and wait for its answer until an instant of the loop's clock."""
        if self._transport is None:
            return _UNREACHABLE
        answer: asyncio.Future[Reply] = self._loop.create_future()
        self._answer = answer
        self.has_heard = False
        timer = self._loop.call_at(ends_at, self._give_up)
        self._transport.write(request)
        try:
            return await answer
        finally:
            timer.cancel()
            if not answer.done() or answer.cancelled():
                self.close()  # a late answer must not be taken for the next one's
            self._answer = None
            self.used_at = self._loop.time()

    def close(self) -> None:
        """Close it now."""
        self.is_open = False
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is there."""
        self._transport = cast("asyncio.Transport", transport)
        self.is_open = True

    def data_received(self, data: bytes) -> None:
        """A part of an answer."""
        self.has_heard = True
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._end(_UNREACHABLE)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone, and with it what was asked on it."""
        self.is_open = False
        self._resolve(_UNREACHABLE)

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header, in the case that it was sent in."""
        lower = name.lower()
        if lower == _CAUSE:
            self._cause = value
        elif lower == _KEPT:
            self._is_kept = True

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self._parts.append(body)
        self._size_bytes += len(body)
        if self._size_bytes > BODY_BYTES_MAX:
            self._end(_UNREACHABLE)

    def on_message_complete(self) -> None:
        """The answer is whole."""
        status = self._parser.get_status_code()
        if not self._parser.should_keep_alive():
            self.close()
        ending = ending_of(status)
        cause = "" if ending is Ending.ANSWERED else self._cause.decode("latin-1")
        reply = Reply(ending, b"".join(self._parts), cause, status, self._is_kept)
        self._parts, self._size_bytes, self._cause, self._is_kept = [], 0, b"", False
        self._resolve(reply)

    def _give_up(self) -> None:
        self._end(_TIMED_OUT)

    def _end(self, reply: Reply) -> None:
        self.close()
        self._resolve(reply)

    def _resolve(self, reply: Reply) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(reply)


def _request(
    method: str, place: tuple[str, int], target: str, headers: Mapping[str, str], body: bytes
) -> bytes:
    address, port = place
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    head = (
        f"{method} {target} HTTP/1.1\r\nHost: {address}:{port}\r\n{lines}"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode("latin-1", "replace") + body
