"""Frames on real sockets: who answers late, wrongly, never or no more."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from demo_platform.widecolumn.coordinator import Silent
from demo_platform.widecolumn.messages import Done, Failed, Reply, Request, Stream
from demo_platform.widecolumn.node import Endpoint
from demo_platform.widecolumn.wire import FRAME_BYTES_MAX, Connections, Frames, Listener, frame

ASKED = Stream("", b"", b"")


@contextlib.asynccontextmanager
async def listening(handle: Callable[[Request], Awaitable[Reply]]) -> AsyncIterator[Endpoint]:
    listener = Listener(handle)
    server = await listener.listen("127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()
    finally:
        server.close()
        listener.hang_up()
        await asyncio.sleep(0)


@pytest.fixture
def connections() -> Connections:
    return Connections()


def test_answers_come_to_whom_they_are_for(connections: Connections) -> None:
    async def handle(request: Request) -> Reply:
        assert isinstance(request, Stream)
        await asyncio.sleep(0.02 if request.table == "slow" else 0.0)
        return Failed(request.table)

    async def story() -> None:
        async with listening(handle) as endpoint:
            tables = ["slow", *(str(n) for n in range(50))]
            replies = await asyncio.gather(
                *(connections.ask(endpoint, Stream(one, b"", b""), 1.0) for one in tables)
            )
            assert replies == [Failed(one) for one in tables]
            connections.close()

    asyncio.run(story())


def test_nobody_there_is_silence_at_once(connections: Connections) -> None:
    async def story() -> None:
        async with listening(_done) as endpoint:
            pass
        began = asyncio.get_running_loop().time()
        for _ in range(3):
            with pytest.raises(Silent):
                await connections.ask(endpoint, ASKED, 1.0)
        assert asyncio.get_running_loop().time() - began < 0.2

    asyncio.run(story())


def test_who_does_not_answer_is_given_up_in_time(connections: Connections) -> None:
    async def handle(_request: Request) -> Reply:
        await asyncio.Event().wait()
        raise AssertionError

    async def story() -> None:
        async with listening(handle) as endpoint:
            with pytest.raises(Silent):
                await connections.ask(endpoint, ASKED, 0.05)
            connections.close()

    asyncio.run(story())


def test_who_dies_leaves_nobody_waiting_and_is_found_again(connections: Connections) -> None:
    async def story() -> None:
        began = asyncio.Event()

        async def handle(_request: Request) -> Reply:
            began.set()
            await asyncio.Event().wait()
            raise AssertionError

        async with listening(handle) as endpoint:
            asking = asyncio.create_task(connections.ask(endpoint, ASKED, 30.0))
            await began.wait()
        with pytest.raises(Silent):
            await asking
        listener = Listener(_done)
        server = await listener.listen(*endpoint)
        assert await connections.ask(endpoint, ASKED, 1.0) == Done()
        connections.close()
        server.close()

    asyncio.run(story())


@pytest.mark.parametrize(
    "said",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\0\0\0\0\0\0\0\0",
        (FRAME_BYTES_MAX + 1).to_bytes(4, "big") + b"\0\0\0\1",
        frame(1, b"\xc1"),
        frame(1, b"\x92\xa6Mutate\x01"),
        frame(1, b"\x91\xa7Nothing"),
    ],
)
def test_what_is_no_request_is_cut_off_and_others_are_served(
    connections: Connections, said: bytes
) -> None:
    async def story() -> None:
        async with listening(_done) as endpoint:
            reader, writer = await asyncio.open_connection(*endpoint)
            writer.write(said)
            with contextlib.suppress(ConnectionResetError):
                assert await asyncio.wait_for(reader.read(), 1.0) == b""
            writer.close()
            assert await connections.ask(endpoint, ASKED, 1.0) == Done()
            connections.close()

    asyncio.run(story())


def test_a_message_that_fits_no_frame_is_not_sent() -> None:
    with pytest.raises(ValueError, match="a message of"):
        frame(1, bytes(FRAME_BYTES_MAX))
    with pytest.raises(ValueError, match="a frame of"):
        Frames().feed(b"\xff" * 8)


async def _done(_request: Request) -> Reply:
    return Done()
