"""A proxy: a listener, what it forwards to, and the connections between the two.

Whoever connects is accepted at once and then connected through; where nobody listens upstream the
connection is reset. So a dead instance behind a proxy shows as a reset, not as a refusal.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import cast

from demo_platform.toxiproxy.link import Link, Toxic, reset

UPSTREAM, DOWNSTREAM = "upstream", "downstream"
CONNECT_WITHIN_S = 5.0
BACKLOG = 512


class Proxy:
    """One proxy and its life. listen, upstream: HOST:PORT."""

    def __init__(self, name: str, listen: str, upstream: str) -> None:
        self.name = name
        self.listen = listen
        self.upstream = upstream
        self.toxics: list[Toxic] = []
        self._server: asyncio.Server | None = None
        self._connections: set[_Connection] = set()

    @property
    def is_enabled(self) -> bool:
        """Whether it listens."""
        return self._server is not None

    async def open(self) -> None:
        """Listen. Raises OSError, or ValueError for what is no address."""
        if self._server is not None:
            return
        host, port = split(self.listen)
        split(self.upstream)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: _Side(_Connection(self, loop), is_client=True), host, port, backlog=BACKLOG
        )
        if port == 0:
            self.listen = f"{host}:{self._server.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        """Listen no more, and end every connection."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        for connection in tuple(self._connections):
            connection.close()
        if server is not None:
            # Its clients are gone in a moment; a proxy that is opened again needs the port.
            with suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await server.wait_closed()

    def toxic(self, name: str) -> Toxic | None:
        """The toxic of that name."""
        return next((each for each in self.toxics if each.name == name), None)

    def set_toxics(self, toxics: list[Toxic]) -> None:
        """These from now on, on open connections too."""
        self.toxics = toxics
        for connection in tuple(self._connections):
            connection.set_toxics(self)

    def toxics_of(self, stream: str) -> list[Toxic]:
        """Those of a direction, in the order in which they were added."""
        return [each for each in self.toxics if each.stream == stream]

    def joined(self, connection: _Connection) -> None:
        """A connection began."""
        self._connections.add(connection)

    def left(self, connection: _Connection) -> None:
        """A connection is over."""
        self._connections.discard(connection)


class _Connection:
    """A client, the upstream, and a link each way."""

    def __init__(self, proxy: Proxy, loop: asyncio.AbstractEventLoop) -> None:
        self._proxy = proxy
        self._loop = loop
        self.up = Link(loop, proxy.toxics_of(UPSTREAM), self._ended)
        self.down = Link(loop, proxy.toxics_of(DOWNSTREAM), self._ended)
        self._connecting: asyncio.Task[None] | None = None

    def client_made(self, transport: asyncio.Transport) -> None:
        """A client is there: connect it through."""
        self._proxy.joined(self)
        self.up.source = self.down.sink = transport
        self._connecting = self._loop.create_task(self._connect())

    def upstream_made(self, transport: asyncio.Transport) -> None:
        """The upstream is there: what came meanwhile can go."""
        self.up.sink = self.down.source = transport
        self.up.go_on()

    def lost(self) -> None:
        """One side is gone, and so is the other."""
        self._proxy.left(self)
        for link in (self.up, self.down):
            link.drop()
        self.close()

    def close(self) -> None:
        """End both sides."""
        if self._connecting is not None:
            self._connecting.cancel()
        self.up.close()
        self.down.close()

    def set_toxics(self, proxy: Proxy) -> None:
        """The toxics have changed."""
        self.up.set_toxics(proxy.toxics_of(UPSTREAM))
        self.down.set_toxics(proxy.toxics_of(DOWNSTREAM))

    def _ended(self) -> None:
        """One direction has ended; when both have, so has the connection."""
        if self.up.has_ended and self.down.has_ended:
            self.close()

    async def _connect(self) -> None:
        host, port = split(self._proxy.upstream)
        try:
            async with asyncio.timeout(CONNECT_WITHIN_S):
                await self._loop.create_connection(lambda: _Side(self, is_client=False), host, port)
        except OSError:  # nobody is there, or not in time
            if self.down.sink is not None:
                reset(self.down.sink)


class _Side(asyncio.Protocol):
    """One of the two sockets of a connection."""

    def __init__(self, connection: _Connection, *, is_client: bool) -> None:
        self._connection = connection
        self._is_client = is_client
        self._out = connection.up if is_client else connection.down
        self._in = connection.down if is_client else connection.up

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is connected."""
        made = cast("asyncio.Transport", transport)
        if self._is_client:
            self._connection.client_made(made)
        else:
            self._connection.upstream_made(made)

    def data_received(self, data: bytes) -> None:
        """Bytes for the other side."""
        self._out.feed(data)

    def eof_received(self) -> bool:
        """No more will come; the other way may still have something to say."""
        self._out.finish()
        return True

    def pause_writing(self) -> None:
        """This socket is full: whoever sends to it waits."""
        if self._in.source is not None:
            self._in.source.pause_reading()

    def resume_writing(self) -> None:
        """There is room again."""
        if self._in.source is not None:
            self._in.source.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is gone, in good order or by a reset."""
        if exc is not None and self._out.sink is not None:
            reset(self._out.sink)
        self._connection.lost()


def split(address: str) -> tuple[str, int]:
    """Host and port. Raises ValueError.

    >>> split("127.0.0.1:80"), split("[::1]:0")
    (('127.0.0.1', 80), ('::1', 0))
    """
    host, _, port = address.rpartition(":")
    if not (port.isdigit() and int(port) < 65536):
        raise ValueError(f"address {address}: missing port in address")
    return host.removeprefix("[").removesuffix("]"), int(port)
