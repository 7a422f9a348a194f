"""The answerer: one process that stands in for the name servers of instances, and answers badly.

    instance's question ══ nat ══ this process ── (late) ── its real server

It is started by the helper in the world's user namespace, as
`python -m chaosctl.drivers.network.answerer <record> <orders as JSON>`, in a session of its own,
and has its sockets in each instance's network. It says `ready` once questions come to it. It lets
go, which means that the record's tables are deleted, at its own deadline, at SIGTERM, and when the
world has ended. If it is killed, questions are refused until the kernel ends the redirection at the
deadline, or the record is undone.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import struct
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import dns.exception
import dns.message
import dns.rcode
from pyroute2.netlink.exceptions import NetlinkError

from chaosctl.drivers.network import nft
from chaosctl.drivers.network.name_tables import DNS_PORT, MARK, Way, redirect
from chaosctl.drivers.network.namespaces import Denied, Door, Gone, Place
from chaosctl.procfs import open_process

READY = b"ready\n"
RCODES = {"servfail": dns.rcode.SERVFAIL, "nxdomain": dns.rcode.NXDOMAIN}

_HOME = "127.0.0.1"
_SO_MARK = 36
_SERVER_WITHIN_S = 5.0
_TRIES = 8
_LENGTH = struct.Struct("!H")


@dataclass(frozen=True, slots=True)
class _Post:
    """Where questions come to us. server: who was asked, where late answers are fetched."""

    place: Place
    server: str
    datagrams: socket.socket
    listener: socket.socket

    @property
    def port(self) -> int:
        """Of both sockets."""
        return int(self.datagrams.getsockname()[1])


def main(arguments: Sequence[str]) -> int:
    """Answer for a record's instances until told to let go."""
    record, orders = arguments[0], json.loads(arguments[1])
    deadline_s = time.monotonic() + orders["for_ms"] / 1000
    stop_fd = _stop_signal_fd()
    world = Place(orders["world_pid"], orders["world_ticks"])
    world_fd = open_process(world.pid, world.ticks)
    if world_fd is None:
        return 0
    door = Door()
    try:
        door.enter_world(world)
        posts = [post for each in orders["places"] for post in _take(door, record, orders, each)]
        os.write(1, READY)
        os.close(1)
        answerer = _Answerer(door, orders)
        asyncio.run(answerer.serve(posts, (stop_fd, world_fd), deadline_s))
    except (NetlinkError, OSError, Denied) as error:
        with suppress(OSError):
            os.write(1, f"{error}\n".encode())
        return 1
    except Gone:
        os.write(1, b"an instance is gone\n")
        return 1
    finally:
        for each in orders["places"]:
            with suppress(Gone, Denied, NetlinkError), door.network_of(_place(each)):
                nft.uncut(record)
    return 0


def _stop_signal_fd() -> int:
    """A descriptor that becomes readable at SIGTERM; the other polite signals are ignored."""
    read_fd, write_fd = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(write_fd)
    signal.signal(signal.SIGTERM, lambda *_: None)
    for ignored in (signal.SIGINT, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    return read_fd


def _take(door: Door, record: str, orders: dict[str, Any], told: dict[str, Any]) -> list[_Post]:
    """Listen in an instance's network, and have its questions come to us.

    A server that is known gets a port of its own: so a late answer is fetched where it was asked.
    """
    place = _place(told)
    servers = servers_of(place) if orders["answer"] == "late" else []
    with door.network_of(place):
        asks = [_listen(place, server, _HOME) for server in servers]
        asks.append(_listen(place, servers[0] if servers else "", _HOME))
        is_asked = _listen(place, told["address"], told["address"])
        ways = [Way(server, post.port) for server, post in zip([*servers, ""], asks, strict=True)]
        redirect(record, ways, Way("", is_asked.port), orders["for_ms"])
    return [*asks, is_asked]


def servers_of(place: Place) -> list[str]:
    """The IPv4 name servers that the process's C library asks, in order."""
    try:
        return servers_in(Path("/proc", str(place.pid), "root", "etc/resolv.conf").read_text())
    except OSError:
        return []


def servers_in(text: str) -> list[str]:
    """Those that a resolv.conf names.

    >>> servers_in("search .\\nnameserver 10.1.1.3\\nnameserver ::1\\n#nameserver 10.1.2.3")
    ['10.1.1.3']
    """
    words = [line.split() for line in text.splitlines()]
    named = [each[1] for each in words if len(each) > 1 and each[0] == "nameserver"]
    return [address for address in named if ":" not in address]


def _listen(place: Place, server: str, address: str) -> _Post:
    """Sockets of both kinds at one port that is free for both."""
    for _ in range(_TRIES):
        listener = socket.create_server((address, 0))
        datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            datagrams.bind((address, listener.getsockname()[1]))
        except OSError:
            datagrams.close()
            listener.close()
            continue
        for each in (listener, datagrams):
            each.setblocking(False)
        return _Post(place, server, datagrams, listener)
    raise OSError(f"no port is free at {address}")


def _place(told: dict[str, Any]) -> Place:
    return Place(told["pid"], told["ticks"])


class _Answerer:
    """What becomes of a question."""

    def __init__(self, door: Door, orders: dict[str, Any]) -> None:
        self._door = door
        self._answer = str(orders["answer"])
        self._delay_s = orders["delay_ms"] / 1000
        self._late: set[asyncio.Task[None]] = set()

    async def serve(self, posts: list[_Post], until: Sequence[int], deadline_s: float) -> None:
        """Until one of the descriptors is readable, or the deadline."""
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        for fd in until:
            loop.add_reader(fd, ended.set)
        async with AsyncExitStack() as stack:
            for post in posts:
                transport, _ = await loop.create_datagram_endpoint(
                    partial(_Datagrams, self, post), sock=post.datagrams
                )
                stack.callback(transport.close)
                converse = partial(self._converse, post)
                server = await asyncio.start_server(converse, sock=post.listener)
                stack.callback(server.close)
            with suppress(TimeoutError):
                await asyncio.wait_for(ended.wait(), max(0.0, deadline_s - time.monotonic()))

    def take(self, post: _Post, question: bytes, send: Any) -> None:
        """A datagram: answer it now or later."""
        task = asyncio.create_task(self._tell(post, question, send))
        self._late.add(task)
        task.add_done_callback(self._late.discard)

    async def _tell(self, post: _Post, question: bytes, send: Any) -> None:
        reply = await self._reply(post, question, is_stream=False)
        if reply:
            send(reply)

    async def _converse(
        self, post: _Post, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Questions over one connection."""
        try:
            while True:
                (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
                question = await reader.readexactly(length)
                reply = await self._reply(post, question, is_stream=True)
                if not reply:
                    break
                writer.write(_LENGTH.pack(len(reply)) + reply)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # who asks has gone
        finally:
            writer.close()

    async def _reply(self, post: _Post, question: bytes, *, is_stream: bool) -> bytes:
        if self._answer in RCODES:
            return refusal(question, self._answer)
        await asyncio.sleep(self._delay_s)
        try:
            async with asyncio.timeout(_SERVER_WITHIN_S):
                return await self._fetch(post, question, is_stream=is_stream)
        except (OSError, Gone, Denied, asyncio.IncompleteReadError):
            return b""  # its server does not answer us either

    async def _fetch(self, post: _Post, question: bytes, *, is_stream: bool) -> bytes:
        """The answer of the server that was asked, from the instance's own network."""
        if not post.server:
            return b""
        kind = socket.SOCK_STREAM if is_stream else socket.SOCK_DGRAM
        with self._door.network_of(post.place):
            asking = socket.socket(socket.AF_INET, kind)
        loop = asyncio.get_running_loop()
        with asking:
            asking.setblocking(False)
            asking.setsockopt(socket.SOL_SOCKET, _SO_MARK, MARK)
            await loop.sock_connect(asking, (post.server, DNS_PORT))
            if not is_stream:
                await loop.sock_sendall(asking, question)
                return await loop.sock_recv(asking, 65_535)
            reader, writer = await asyncio.open_connection(sock=asking.dup())
            try:
                writer.write(_LENGTH.pack(len(question)) + question)
                (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
                return await reader.readexactly(length)
            finally:
                writer.close()


class _Datagrams(asyncio.DatagramProtocol):
    """One post's questions over UDP."""

    def __init__(self, answerer: _Answerer, post: _Post) -> None:
        self._answerer = answerer
        self._post = post
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is ready."""
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """A question."""
        if self._transport is not None:
            transport = self._transport
            self._answerer.take(self._post, data, lambda reply: transport.sendto(reply, addr))


def refusal(question: bytes, answer: str) -> bytes:
    """The answer that says no, by the name of its code; none to what is no question."""
    try:
        reply = dns.message.make_response(dns.message.from_wire(question))
    except dns.exception.DNSException:
        return b""
    reply.set_rcode(RCODES[answer])
    return reply.to_wire()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
