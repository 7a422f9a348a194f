"""A node that hangs, talks nonsense, leaves or is not there: who waits, and for how long."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from demo_platform.evcache.connection import ConnectionRule, Failure, NodeConnection
from demo_platform.evcache.replies import Expect
from tests.unit.demo_platform.evcache.zones import PATIENT

HASTY = ConnectionRule(
    timeout_s=0.03, queue_max=8, stalled_s=0.1, give_up_s=0.3, connect_s=2.0, rest_s=0.05
)
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Puppet:
    """A node that says what it is told to, and can be made to hang."""

    def __init__(self) -> None:
        self.connections = 0
        self.answers = asyncio.Event()
        self.answers.set()
        self.nonsense = b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        while line := await reader.readline():
            await self.answers.wait()
            if line == b"version\r\n":
                writer.write(b"VERSION puppet\r\n")
            elif self.nonsense:
                writer.write(self.nonsense)
            else:
                writer.write(b"END\r\n")
        writer.close()


def play(scene: Callable[[Puppet, NodeConnection], Awaitable[None]], rule: ConnectionRule) -> None:
    async def whole() -> None:
        puppet = Puppet()
        server = await asyncio.start_server(puppet.serve, "127.0.0.1", 0)
        address, port = server.sockets[0].getsockname()
        connection = NodeConnection(address, port, rule)
        async with asyncio.timeout(20):
            await scene(puppet, connection)
        connection.close()
        puppet.answers.set()
        server.close()
        await asyncio.sleep(0.05)

    asyncio.run(whole())


def get(connection: NodeConnection) -> asyncio.Future[object]:
    return connection.ask(b"get a\r\n", Expect.VALUES)


def test_the_first_operations_wait_for_the_connection() -> None:
    async def scene(puppet: Puppet, connection: NodeConnection) -> None:
        assert await asyncio.gather(*(get(connection) for _ in range(5))) == [{}] * 5
        assert puppet.connections == 1

    play(scene, PATIENT)


def test_a_node_that_hangs_costs_little_and_is_used_again_when_it_goes_on() -> None:
    async def scene(puppet: Puppet, connection: NodeConnection) -> None:
        assert await get(connection) == {}
        puppet.answers.clear()
        assert await get(connection) is Failure.TIMED_OUT
        await asyncio.sleep(0.12)
        begins = asyncio.get_running_loop().time()
        assert [await get(connection) for _ in range(100)] == [Failure.FAST_FAIL] * 100
        assert asyncio.get_running_loop().time() - begins < 1.5  # and not 3 s of waiting
        puppet.answers.set()
        for _ in range(50):
            await asyncio.sleep(0.02)
            if await get(connection) == {}:
                break
        assert await get(connection) == {}
        assert puppet.connections == 1

    play(scene, replace(HASTY, give_up_s=20.0))


def test_more_than_may_be_under_way_fail_at_once() -> None:
    async def scene(puppet: Puppet, connection: NodeConnection) -> None:
        await get(connection)
        puppet.answers.clear()
        results = await asyncio.gather(*(get(connection) for _ in range(20)))
        assert results == [Failure.TIMED_OUT] * 8 + [Failure.FAST_FAIL] * 12

    play(scene, HASTY)


def test_a_node_that_hangs_for_long_is_let_go_and_must_prove_itself() -> None:
    async def scene(puppet: Puppet, connection: NodeConnection) -> None:
        await get(connection)
        puppet.answers.clear()
        assert await get(connection) is Failure.TIMED_OUT
        await asyncio.sleep(0.5)  # given up after 0.3 s
        for _ in range(5):  # it takes the new connection and says nothing: that is not enough
            assert await get(connection) is Failure.FAST_FAIL
            await asyncio.sleep(0.05)
        assert puppet.connections == 2
        puppet.answers.set()
        for _ in range(100):
            if await get(connection) == {}:
                return
            await asyncio.sleep(0.02)
        raise AssertionError("is not used again")

    play(scene, HASTY)


def test_nonsense_ends_the_connection_and_everybody_hears() -> None:
    async def scene(puppet: Puppet, connection: NodeConnection) -> None:
        await get(connection)
        puppet.nonsense = b"HTTP/1.1 400 Bad Request\r\n"
        results = await asyncio.gather(*(get(connection) for _ in range(3)))
        assert results == [Failure.UNREACHABLE] * 3
        assert await get(connection) is Failure.FAST_FAIL

    play(scene, PATIENT)


def test_an_answer_that_nobody_asked_for_is_nonsense_too() -> None:
    async def scene(puppet: Puppet, connection: NodeConnection) -> None:
        await get(connection)
        puppet.nonsense = b"END\r\nEND\r\n"
        assert await get(connection) == {}
        assert await get(connection) is Failure.FAST_FAIL

    play(scene, PATIENT)


def test_nobody_there_is_unreachable_and_then_left_alone_for_a_while() -> None:
    async def whole() -> None:
        connection = NodeConnection("127.0.0.1", 9, PATIENT)
        assert await get(connection) is Failure.UNREACHABLE
        assert await get(connection) is Failure.FAST_FAIL
        connection.close()

    asyncio.run(whole())


def test_a_closed_connection_stays_closed() -> None:
    async def scene(puppet: Puppet, connection: NodeConnection) -> None:
        await get(connection)
        waiting = get(connection)
        connection.close()
        assert await waiting is Failure.UNREACHABLE
        assert await get(connection) is Failure.FAST_FAIL
        assert puppet.connections == 1

    play(scene, PATIENT)
