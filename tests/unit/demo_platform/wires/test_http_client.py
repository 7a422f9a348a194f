"""The HTTP client, against servers that answer well, badly, late or not at all."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from demo_platform.balancer import Peer
from demo_platform.eureka.listing import Registered
from demo_platform.transport import Ending, Reply
from demo_platform.wires.http_client import HttpTransport

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[int]:
    """A real server's port."""
    runner = web.ServerRunner(web.Server(handler), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


@asynccontextmanager
async def saying(*answers: bytes) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A server that says these bytes, one a connection, and hangs up; and what it was asked."""
    left, asked = list(answers), list[bytes]()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.read(65536))
        writer.write(left.pop(0) if left else b"")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], asked


def peer_at(port: int) -> Peer:
    return Peer(Registered("i-1", "s", "r", "z", "127.0.0.1", port, "UP"))


async def post(connections: HttpTransport, port: int, *, timeout_s: float = 2.0) -> Reply:
    return await connections.post(
        peer_at(port), "play", body=b'{"a":1}', headers={"X-One": "1"}, timeout_s=timeout_s
    )


def test_asks_as_aiohttp_understands_and_keeps_the_connection() -> None:
    peers = []

    async def echo(request: web.BaseRequest) -> web.Response:
        assert request.transport is not None
        peers.append(request.transport.get_extra_info("peername"))
        said = [request.method, request.path, request.headers["X-One"], await request.json()]
        return web.json_response(said)

    async def scene() -> list[Reply]:
        connections = HttpTransport()
        async with serving(echo) as port:
            replies = [await post(connections, port) for _ in range(3)]
            replies += await asyncio.gather(*(post(connections, port) for _ in range(2)))
            connections.close()
        return replies

    replies = asyncio.run(scene())
    assert {(each.ending, each.status) for each in replies} == {(Ending.ANSWERED, 200)}
    assert json.loads(replies[0].body) == ["POST", "/play", "1", {"a": 1}]
    assert len(set(peers)) == 2


@pytest.mark.parametrize(
    ("status", "ending", "cause"),
    [
        (200, Ending.ANSWERED, ""),
        (404, Ending.FAILED, "playback"),
        (429, Ending.SHED, "playback"),
        (503, Ending.SHED, "playback"),
        (502, Ending.FAILED, "playback"),
    ],
)
def test_an_answer_says_how_it_ended_and_whom_it_blames(
    status: int, ending: Ending, cause: str
) -> None:
    async def blame(_: web.BaseRequest) -> web.Response:
        headers = {"X-Failed-Service": "playback", "X-Trace-Kept": "1"}
        return web.Response(status=status, body=b"no", headers=headers)

    async def scene() -> Reply:
        async with serving(blame) as port:
            return await post(HttpTransport(), port)

    assert asyncio.run(scene()) == Reply(ending, b"no", cause, status, True)


def test_an_answer_in_pieces_is_read_whole() -> None:
    async def stream(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(3):
            await response.write(b"x" * 100_000)
        return response

    async def scene() -> Reply:
        async with serving(stream) as port:
            return await post(HttpTransport(), port)

    assert asyncio.run(scene()).body == b"x" * 300_000


def test_nobody_there_is_unreachable() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))

        async def scene() -> Reply:
            return await post(HttpTransport(), unused.getsockname()[1])

        assert asyncio.run(scene()).ending is Ending.UNREACHABLE


def test_a_late_answer_times_out_and_is_not_taken_for_the_next() -> None:
    waits = iter([0.3, 0.0])

    async def late(_: web.BaseRequest) -> web.Response:
        wait_s = next(waits)
        await asyncio.sleep(wait_s)
        return web.Response(text=str(wait_s))

    async def scene() -> list[Reply]:
        connections = HttpTransport()
        async with serving(late) as port:
            replies = [await post(connections, port, timeout_s=0.1)]
            await asyncio.sleep(0.3)
            return [*replies, await post(connections, port)]

    first, second = asyncio.run(scene())
    assert (first.ending, second.body) == (Ending.TIMED_OUT, b"0.0")


@pytest.mark.parametrize(
    "said", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", b"SSH-2.0-x\r\n\r\n"]
)
def test_a_broken_answer_is_none(said: bytes) -> None:
    async def scene() -> Reply:
        async with saying(said) as (port, _):
            return await post(HttpTransport(), port)

    assert asyncio.run(scene()).ending is Ending.UNREACHABLE


def test_asks_again_when_a_kept_connection_was_closed_meanwhile() -> None:
    ok = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"

    async def scene() -> tuple[list[bytes], int]:
        connections = HttpTransport()
        async with saying(ok + b"11", ok + b"22") as (port, asked):
            first = await post(connections, port)
            second = await post(connections, port)
            return [first.body, second.body], len(asked)

    assert asyncio.run(scene()) == ([b"11", b"22"], 2)


def test_an_answer_that_closes_is_followed_by_a_new_connection() -> None:
    closes = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"

    async def scene() -> int:
        connections = HttpTransport()
        async with saying(closes, closes) as (port, asked):
            for _ in range(2):
                assert (await post(connections, port)).body == b"ok"
            return len(asked)

    assert asyncio.run(scene()) == 2
