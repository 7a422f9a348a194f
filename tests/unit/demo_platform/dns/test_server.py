"""A name server on the wire, asked by the library that others use."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import dns.asyncquery
import dns.message
import dns.rcode
import pytest

from demo_platform.balancer import Peer
from demo_platform.dns.answering import RCODES
from demo_platform.dns.names import KnownRegion, Names
from demo_platform.dns.server import DnsServer
from demo_platform.errors import DemoError
from demo_platform.eureka.listing import Registered
from demo_platform.metrics import Meters

HOME = "127.0.0.1"
QUESTION = dns.message.make_query("edge.r.demo", "A")
MANY = [Peer(Registered(f"i-{n}", "edge", "r", "ra", f"10.1.1.{n}", 1, "UP")) for n in range(60)]


def serve(act: Callable[[int, Meters], Awaitable[None]]) -> None:
    async def live() -> None:
        meters = Meters({})
        server = DnsServer(Names({"r": KnownRegion(lambda _: MANY)}), meters)
        with socket.socket() as free:
            free.bind((HOME, 0))
            port = free.getsockname()[1]
        async with AsyncExitStack() as stack:
            await server.listen(HOME, port, stack)
            with pytest.raises(DemoError, match="cannot listen"):
                await server.listen(HOME, port, stack)
            await act(port, meters)

    asyncio.run(live())


def test_what_is_cut_over_udp_is_asked_again_over_tcp() -> None:
    async def act(port: int, meters: Meters) -> None:
        reply, is_tcp = await dns.asyncquery.udp_with_fallback(QUESTION, HOME, timeout=5, port=port)
        assert is_tcp
        assert len(reply.answer[0]) == 60
        counted = {dict(key)["rcode"]: n for key, n in queries(meters).items()}
        assert counted == {**dict.fromkeys(RCODES, 0), "noerror": 2}

    serve(act)


def queries(meters: Meters) -> dict[frozenset[tuple[str, str]], float]:
    samples = [sample for sample in meters.samples() if sample.name == "dns.queries"]
    return {frozenset(sample.tags.items()): sample.value for sample in samples}


def test_each_code_is_counted_from_the_first_step_on() -> None:
    async def act(port: int, meters: Meters) -> None:
        del port
        lines = [line for line in meters.take() if "dns.queries" in line]
        assert len(lines) == len(RCODES)
        assert all(line.endswith(":0") for line in lines)

    serve(act)


def test_a_connection_that_says_half_a_question_does_no_harm() -> None:
    async def act(port: int, meters: Meters) -> None:
        del meters
        _, writer = await asyncio.open_connection(HOME, port)
        writer.write(b"\0\x40half")
        writer.write_eof()
        reply = await dns.asyncquery.tcp(QUESTION, HOME, timeout=5, port=port)
        assert reply.rcode() == dns.rcode.NOERROR
        writer.close()

    serve(act)
