"""A name server on the wire: over UDP, and over TCP for answers that do not fit in a datagram."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from contextlib import AsyncExitStack, suppress
from typing import cast

from demo_platform.dns.answering import RCODES, TCP_BYTES, answer
from demo_platform.dns.names import Names
from demo_platform.errors import DemoError
from demo_platform.metrics import Meters
from demo_platform.sockets import listening

IDLE_S = 5.0
"""How long a connection may be silent."""

CONNECTIONS_MAX = 64
_LENGTH = struct.Struct("!H")


class DnsServer:
    """Answers for one zone."""

    def __init__(self, names: Names, meters: Meters) -> None:
        self._names = names
        self._queries = {rcode: meters.counter("dns.queries", rcode=rcode) for rcode in RCODES}
        self._connections = 0

    def answer(self, question: bytes, *, limit_bytes: int = 0) -> bytes:
        """The answer to one question; see `answering.answer`."""
        return answer(question, self._names, self._count, limit_bytes=limit_bytes)

    async def listen(self, address: str, port: int, stack: AsyncExitStack) -> None:
        """Answer from now on. Raises DemoError when the port is not to be had."""
        loop = asyncio.get_running_loop()
        datagrams = _bound(address, port)
        transport, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self), sock=datagrams)
        stack.callback(transport.close)
        server = await asyncio.start_server(self._converse, sock=listening(address, port))
        stack.callback(server.close)

    def _count(self, rcode: str) -> None:
        self._queries[rcode].add()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer what comes over one connection, until it ends or is silent."""
        self._connections += 1
        try:
            while self._connections <= CONNECTIONS_MAX:
                async with asyncio.timeout(IDLE_S):
                    (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
                    question = await reader.readexactly(length)
                reply = self.answer(question, limit_bytes=TCP_BYTES)
                if not reply:
                    break
                writer.write(_LENGTH.pack(len(reply)) + reply)
                await writer.drain()
        except (TimeoutError, asyncio.IncompleteReadError, ConnectionError):
            pass  # who asks has gone, or has no more to ask
        finally:
            self._connections -= 1
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()


class _Datagrams(asyncio.DatagramProtocol):
    """One question each."""

    def __init__(self, server: DnsServer) -> None:
        self._server = server
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is ready."""
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answer it."""
        reply = self._server.answer(data)
        if reply and self._transport is not None:
            self._transport.sendto(reply, addr)


def _bound(address: str, port: int) -> socket.socket:
    """A socket for datagrams. Raises DemoError when it cannot be had."""
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        made.setblocking(False)
        made.bind((address, port))
    except OSError as error:
        made.close()
        raise DemoError(
            f"cannot listen on {address}:{port}: {os.strerror(error.errno or 0)}",
            where=f"{address}:{port}",
            fix="stop what listens there: `ss -lnup` shows it",
        ) from error
    return made
