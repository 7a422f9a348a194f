"""How a try ends in the platform's few words: the same by each protocol."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from demo_platform.balancer import Peer
from demo_platform.eureka.listing import Registered
from demo_platform.pool import Transport
from demo_platform.server import Answered
from demo_platform.service import Wire
from demo_platform.services import SERVICES
from demo_platform.topology import RPC_PORT_OFFSET
from demo_platform.transport import Ending, Reply
from demo_platform.wires.codec import codec_of
from demo_platform.wires.grpc_client import GrpcTransport
from demo_platform.wires.grpc_server import serve_grpc
from demo_platform.wires.rsocket_client import RSocketTransport
from demo_platform.wires.rsocket_server import serve_rsocket

HEADERS = {"Content-Type": "application/json", "x-request-id": "r-1", "x-retry-attempt": "1"}
ASKED = {Wire.GRPC: ("customer", "profile"), Wire.RSOCKET: ("history", "bookmark")}
BY = pytest.mark.parametrize("by", list(ASKED))


class Told:
    """In place of a service's server: answers as it was told, and keeps what came along."""

    def __init__(self, *answers: Answered, takes_s: float = 0.0) -> None:
        self.answers = list(answers)
        self.takes_s = takes_s
        self.headers: list[dict[str, str]] = []

    async def answer(self, name: str, body: object, headers: dict[str, str]) -> Answered:
        del name, body
        self.headers.append(headers)
        await asyncio.sleep(self.takes_s)
        return self.answers.pop(0)


class Caller:
    """Asks one instance by one protocol."""

    def __init__(self, transport: Transport, by: Wire, port: int) -> None:
        self.transport: Any = transport
        self.service, self.route = ASKED[by]
        at = port - RPC_PORT_OFFSET
        self.peer = Peer(Registered("i", self.service, "r", "a", "127.0.0.1", at, "UP"))
        self.codec = codec_of(self.service)

    async def ask(self, timeout_s: float = 2.0, route: str = "", **body: object) -> Reply:
        route = route or self.route
        data = self.codec.encode_request(route, body or {"member": 7})
        return await self.transport.post(
            self.peer, route, body=data, headers=HEADERS, timeout_s=timeout_s
        )

    def connections(self) -> int:
        kept = getattr(self.transport, "_channels", None)
        return len(self.transport._links if kept is None else kept)


def play(
    by: Wire, told: Told, scene: Callable[[Caller], Awaitable[None]], *, is_served: bool = True
) -> None:
    async def whole() -> None:
        async with AsyncExitStack() as stack:
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                port = int(free.getsockname()[1])
            service, server = SERVICES[ASKED[by][0]], told
            if is_served and by is Wire.GRPC:
                await serve_grpc(server, service.name, "127.0.0.1", port, stack)  # type: ignore[arg-type]
            elif is_served:
                await serve_rsocket(server, service, "127.0.0.1", port, stack)  # type: ignore[arg-type]
            transport = GrpcTransport() if by is Wire.GRPC else RSocketTransport(SERVICES)
            stack.push_async_callback(transport.close)
            await scene(Caller(transport, by, port))

    asyncio.run(whole())


@BY
@pytest.mark.parametrize(
    ("answered", "expected"),
    [
        (Answered({}, is_kept=True), (Ending.ANSWERED, "", 200, True)),
        (Answered({}, 503, "customer"), (Ending.SHED, "customer", 503, False)),
        (Answered({}, 502, "store", True), (Ending.FAILED, "store", 502, True)),
        (Answered({}, 504, "customer"), (Ending.FAILED, "customer", 504, False)),
    ],
    ids=["answered", "shed", "failed", "out of time"],
)
def test_a_status_is_one_of_the_endings(
    by: Wire, answered: Answered, expected: tuple[object, ...]
) -> None:
    async def scene(caller: Caller) -> None:
        reply = await caller.ask()
        assert (reply.ending, reply.cause, reply.status, reply.is_kept) == expected

    play(by, Told(answered), scene)


@BY
def test_what_travels_with_a_request_arrives(by: Wire) -> None:
    told = Told(Answered({}))

    async def scene(caller: Caller) -> None:
        await caller.ask()

    play(by, told, scene)
    (headers,) = told.headers
    carried = {key: value for key, value in HEADERS.items() if key != "Content-Type"}
    assert carried.items() <= headers.items()
    assert "Content-Type" not in headers


@BY
def test_nobody_there_is_unreachable(by: Wire) -> None:
    async def scene(caller: Caller) -> None:
        for _ in range(2):
            assert await caller.ask() == Reply(Ending.UNREACHABLE)
        assert caller.connections() == 0

    play(by, Told(), scene, is_served=False)


@BY
def test_no_answer_in_time_ends_the_connection(by: Wire) -> None:
    told = Told(Answered({}), Answered({}), Answered({}), takes_s=0.3)

    async def scene(caller: Caller) -> None:
        assert (await caller.ask()).ending is Ending.ANSWERED
        slower = asyncio.create_task(caller.ask())
        assert await caller.ask(timeout_s=0.1) == Reply(Ending.TIMED_OUT)
        assert caller.connections() == 0
        assert (await slower).ending is Ending.ANSWERED  # whoever was there before may end

    play(by, told, scene)


@BY
def test_a_connection_is_used_again(by: Wire) -> None:
    told = Told(Answered({}), Answered({}), Answered({}))

    async def scene(caller: Caller) -> None:
        both = await asyncio.gather(caller.ask(), caller.ask())
        assert {one.ending for one in both} == {Ending.ANSWERED}
        assert (await caller.ask()).ending is Ending.ANSWERED
        assert caller.connections() == 1

    play(by, told, scene)


def test_what_goes_one_way_is_answered_when_it_is_sent() -> None:
    told = Told(Answered({}, 503, "history"))

    async def scene(caller: Caller) -> None:
        assert await caller.ask(route="stop", member=7) == Reply(Ending.ANSWERED, b"{}", "", 200)
        while not told.headers:
            await asyncio.sleep(0.01)

    play(Wire.RSOCKET, told, scene)
    assert told.headers[0]["route"] == "stop"


@pytest.mark.parametrize("count", [0, 1, 4, 9])
def test_a_list_that_is_streamed_arrives_whole(count: int) -> None:
    watched = [{"title": n} for n in range(count)]

    async def scene(caller: Caller) -> None:
        reply = await caller.ask(route="watched")
        assert caller.codec.decode_reply("watched", reply.body) == {"watched": watched}

    play(Wire.RSOCKET, Told(Answered({"watched": watched})), scene)


def test_a_list_that_is_not_had_fails_as_any_other_answer() -> None:
    async def scene(caller: Caller) -> None:
        reply = await caller.ask(route="watched")
        assert reply == Reply(Ending.SHED, b"", "history", 503)

    play(Wire.RSOCKET, Told(Answered({}, 503, "history")), scene)
