"""One try by RSocket, and how it ended in the same few words as by HTTP.

A link is one connection to one instance, made when it is first needed and given up after a call
that nobody answered, as HTTP's connections are. Fire-and-forget has succeeded when it was sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any

import msgspec
from rsocket.awaitable.awaitable_rsocket import AwaitableRSocket
from rsocket.exceptions import RSocketError
from rsocket.payload import Payload
from rsocket.request_handler import BaseRequestHandler
from rsocket.rsocket_client import RSocketClient
from rsocket.transports.tcp import TransportTCP

from demo_platform.balancer import Peer
from demo_platform.service import Service
from demo_platform.topology import RPC_PORT_OFFSET
from demo_platform.tracing.tracer import KEPT_HEADER
from demo_platform.transport import CONNECT_TIMEOUT_S, Ending, Reply
from demo_platform.wires.rsocket_words import failure_in, headers_in, metadata_of

LINKS_MAX = 64
READ_BYTES = 16_384
CREDITS = 4
"""Elements of a list that are asked for at a time."""

KEEPALIVE = timedelta(seconds=5)
SILENCE = timedelta(seconds=15)
CLOSE_WITHIN_S = 2.0

_TAKEN = Reply(Ending.ANSWERED, b"{}", "", 200)


class RSocketTransport:
    """The links of one process. `post` does what transport.post does.

    services: what is known of those that are called so, by name.
    """

    def __init__(self, services: Mapping[str, Service]) -> None:
        self._services = services
        self._links: dict[tuple[str, int], asyncio.Task[RSocketClient]] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._is_over = asyncio.Event()

    async def post(
        self, peer: Peer, route: str, *, body: bytes, headers: Mapping[str, str], timeout_s: float
    ) -> Reply:
        """Send a request and wait for its answer for `timeout_s` seconds."""
        target = (peer.address, peer.port + RPC_PORT_OFFSET)
        payload = Payload(body, metadata_of(route, headers))
        is_connected = False
        link = self._link(target)
        try:
            async with asyncio.timeout(timeout_s):
                socket = await asyncio.shield(link)
                is_connected = True
                return await self._ask(socket, self._services[peer.service], route, payload)
        except TimeoutError:
            self._give_up(target, link)
            return Reply(Ending.TIMED_OUT if is_connected else Ending.UNREACHABLE)
        except (RSocketError, OSError):
            self._give_up(target, link)
            return Reply(Ending.UNREACHABLE)

    async def close(self) -> None:
        """Close every link, without grace."""
        self._is_over.set()
        for target, link in list(self._links.items()):
            self._give_up(target, link)
        await asyncio.gather(*self._closing, return_exceptions=True)

    async def _ask(
        self, socket: RSocketClient, service: Service, route: str, payload: Payload
    ) -> Reply:
        if route in service.one_way:
            await socket.fire_and_forget(payload)
            return _TAKEN
        try:
            if route in service.streamed:
                taken = await AwaitableRSocket(socket).request_stream(payload, CREDITS)
                elements = [msgspec.Raw(one.data) for one in taken if one.data]
                return Reply(Ending.ANSWERED, msgspec.json.encode({route: elements}), "", 200)
            answer = await socket.request_response(payload)
        except RuntimeError as error:  # which is what the library makes of an application's error
            return _failed(str(error))
        is_kept = KEPT_HEADER in headers_in(answer.metadata)
        return Reply(Ending.ANSWERED, bytes(answer.data or b"{}"), "", 200, is_kept)

    def _link(self, target: tuple[str, int]) -> asyncio.Task[RSocketClient]:
        known = self._links.get(target)
        if known is not None:
            return known
        if len(self._links) >= LINKS_MAX:
            self._give_up(*next(iter(self._links.items())))
        link = asyncio.get_running_loop().create_task(self._connect(target))
        self._links[target] = link
        return link

    async def _connect(self, target: tuple[str, int]) -> RSocketClient:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            reader, writer = await asyncio.open_connection(*target)

        async def one_transport() -> AsyncIterator[TransportTCP]:
            yield TransportTCP(reader, writer, READ_BYTES)

        client = RSocketClient(
            one_transport(),
            handler_factory=lambda: _Watcher(
                lambda: self._give_up(target, self._links.get(target))
            ),
            keep_alive_period=KEEPALIVE,
            max_lifetime_period=SILENCE,
        )
        await client.connect()
        return client

    def _give_up(self, target: tuple[str, int], link: asyncio.Task[RSocketClient] | None) -> None:
        """Let calls under way end, and have the next one connect anew."""
        if link is None or self._links.get(target) is not link:
            return
        del self._links[target]
        closing = asyncio.get_running_loop().create_task(self._close(link))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    async def _close(self, link: asyncio.Task[RSocketClient]) -> None:
        """Close a link after a while, once it is made; one that never was needs nothing."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._is_over.wait(), CLOSE_WITHIN_S)
        await asyncio.wait([link], timeout=CLOSE_WITHIN_S)
        if not link.done():
            link.cancel()
        elif not link.cancelled() and link.exception() is None:
            closing = asyncio.get_running_loop().create_task(link.result().close())
            await asyncio.wait([closing], timeout=CLOSE_WITHIN_S)


class _Watcher(BaseRequestHandler):  # type: ignore[misc]
    """Hears that a connection has ended."""

    def __init__(self, gone: Any) -> None:
        self._gone = gone

    async def on_close(self, rsocket: Any, exception: Exception | None = None) -> None:
        """It was closed."""
        del rsocket, exception
        self._gone()

    async def on_keepalive_timeout(self, time_since_last_keepalive: Any, rsocket: Any) -> None:
        """It is silent."""
        del time_since_last_keepalive, rsocket
        self._gone()

    async def on_error(self, error_code: Any, payload: Payload) -> None:
        """The other side refuses us."""
        del error_code, payload
        self._gone()


def _failed(text: str) -> Reply:
    failure = failure_in(text)
    ending = Ending.SHED if failure.status == 503 else Ending.FAILED
    return Reply(ending, b"", failure.failed, failure.status, failure.kept)
