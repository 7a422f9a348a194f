"""The HTTP server: asked well by aiohttp, and badly by hand."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
import pytest

from demo_platform.errors import DemoError
from demo_platform.http_message import Answer, Handler, HttpRequest, HttpResponse, HttpStream
from demo_platform.wires import http_server
from demo_platform.wires.http_server import BODY_BYTES_MAX, HEAD_BYTES_MAX, serve_http


async def echo(request: HttpRequest) -> HttpResponse:
    """What arrived, as JSON; paths that end in words do as they say."""
    match request.path:
        case "/broken":
            raise ValueError(request.path)
        case "/two-lines":
            return HttpResponse(headers={"X-Bad": "a\r\nX-Worse: b"})
        case "/nothing":
            return HttpResponse(status=204)
        case "/slow":
            await asyncio.sleep(0.1)
    said = {
        "method": request.method,
        "path": request.path,
        "query": request.query,
        "headers": dict(request.headers),
        "body": request.body.decode(),
        "remote": request.remote,
        "trouble": request.trouble,
    }
    return HttpResponse(json.dumps(said).encode(), content_type="application/json")


def with_server(
    scene: Callable[[int], Awaitable[Any]], handle: Handler = echo, *, within_s: float = 10.0
) -> Any:
    """What a scene makes of a server's port."""

    async def whole() -> Any:
        async with AsyncExitStack() as stack, asyncio.timeout(10):
            port = await serve_http(handle, "127.0.0.1", 0, stack, request_within_s=within_s)
            return await scene(port)

    return asyncio.run(whole())


LAST = b"GET /nothing HTTP/1.1\r\nConnection: close\r\n\r\n"
"""What a connection that goes on answers with 204, and then ends."""


def said_to(sent: bytes, handle: Handler = echo, *, within_s: float = 10.0) -> bytes:
    """All that is answered to bytes, until the server hangs up, as it must."""

    async def scene(port: int) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        heard = await reader.read()
        writer.close()
        return heard

    return with_server(scene, handle, within_s=within_s)


def test_a_general_client_is_understood_and_its_connection_kept() -> None:
    async def scene(port: int) -> None:
        base = f"http://127.0.0.1:{port}"
        connector = aiohttp.TCPConnector(limit=1)
        async with aiohttp.ClientSession(connector=connector) as session:
            url = f"{base}/a%20b?one=1&one=2&two=x+y&none="
            async with session.post(url, data=b"hello", headers={"X-Mixed-Case": "V"}) as answer:
                said = await answer.json()
                first = answer.connection
            assert said["method"] == "POST"
            assert said["path"] == "/a b"
            assert said["query"] == {"one": "1", "two": "x y", "none": ""}
            assert said["headers"]["x-mixed-case"] == "V"
            assert (said["body"], said["remote"], said["trouble"]) == ("hello", "127.0.0.1", 0)
            del first
            async with session.head(f"{base}/x") as answer:
                told = parsedate_to_datetime(answer.headers["Date"]).timestamp()
                assert abs(told - time.time()) < 5
                assert int(answer.headers["Content-Length"]) > 0
                assert await answer.read() == b""
            async with session.put(f"{base}/nothing") as answer:
                assert (answer.status, await answer.read()) == (204, b"")
            # A body of unknown length, in chunks.
            async with session.post(f"{base}/x", data=_parts()) as answer:
                assert (await answer.json())["body"] == "abc"

    with_server(scene)


async def _parts() -> AsyncGenerator[bytes, None]:
    for part in (b"a", b"b", b"c"):
        yield part


def bodies(heard: bytes) -> list[Any]:
    """The JSON answers in what was heard."""
    return [json.loads(part.split(b"\r\n\r\n", 1)[1]) for part in heard.split(b"HTTP/1.1 200")[1:]]


def test_requests_in_a_row_are_answered_in_their_order() -> None:
    sent = b"".join(
        b"POST /%b HTTP/1.1\r\nContent-Length: 1\r\n\r\n%d" % (b"slow" if n % 7 == 0 else b"x", n)
        for n in range(9)
    )
    for many in (1, 4):
        heard = said_to(sent * many + LAST).partition(b"HTTP/1.1 204")[0]
        assert [said["body"] for said in bodies(heard)] == [*"012345678"] * many


def test_a_request_may_come_byte_by_byte() -> None:
    async def scene(port: int) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for byte in b"POST /x HTTP/1.1\r\nX-A: 1\r\nX-A: 2\r\nContent-Length: 2\r\n\r\nhi":
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0)
        heard = await reader.read(65536)
        writer.close()
        return heard

    (said,) = bodies(with_server(scene))
    assert (said["body"], said["headers"]["x-a"]) == ("hi", "1, 2")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"SSH-2.0-x\r\n\r\n", b"400 Bad Request"),
        (b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n", b"400 Bad Request"),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * HEAD_BYTES_MAX + b"\r\n\r\n", b"431 "),
        (b"GET /broken HTTP/1.1\r\n\r\n", b"500 Internal Server Error"),
        (b"GET /two-lines HTTP/1.1\r\n\r\n", b"500 Internal Server Error"),
    ],
)
def test_what_cannot_be_answered_is_said_so(sent: bytes, status: bytes) -> None:
    heard = said_to(sent + LAST)
    assert heard.startswith(b"HTTP/1.1 " + status)
    assert b"X-Worse" not in heard


def test_after_a_mishap_the_connection_goes_on() -> None:
    heard = said_to(b"GET /broken HTTP/1.1\r\n\r\n" + LAST)
    assert heard.startswith(b"HTTP/1.1 500")
    assert b"HTTP/1.1 204" in heard


@pytest.mark.parametrize(
    ("sent", "hangs_up"),
    [
        (b"GET /x HTTP/1.1\r\n\r\n", False),
        (b"GET /x HTTP/1.1\r\nConnection: close\r\n\r\n", True),
        (b"GET /x HTTP/1.0\r\n\r\n", True),
        (b"GET /x HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n", True),
    ],
)
def test_hangs_up_when_asked_to(sent: bytes, hangs_up: bool) -> None:
    heard = said_to(sent + LAST)
    assert heard.startswith(b"HTTP/1.1 200 OK")
    first, _, rest = heard.partition(b"HTTP/1.1 204")
    assert (b"Connection: close" in first) == hangs_up
    assert (rest == b"") == hangs_up


@pytest.mark.parametrize(
    ("sent", "trouble"),
    [
        (b"POST /x HTTP/1.1\r\nContent-Length: 9\r\n\r\nhalf", 408),
        (b"POST /x HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % 2**21 + b"x" * 2**20 + b"x", 413),
    ],
)
def test_a_body_that_is_late_or_too_large_is_the_handlers_to_refuse(
    sent: bytes, trouble: int
) -> None:
    assert len(sent) < 2 * BODY_BYTES_MAX
    (said,) = bodies(said_to(sent, within_s=0.2))
    assert (said["trouble"], said["body"]) == (trouble, "")


def test_a_head_that_is_late_is_refused() -> None:
    heard = said_to(b"GET /x HT", within_s=0.1)
    assert heard.startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize(
    ("sent", "answers"), [(b"GET /slow HTTP/1.1\r\n\r\n", 1), (b"GET /x HT", 0), (b"", 0)]
)
def test_who_has_asked_all_is_answered(sent: bytes, answers: int) -> None:
    async def scene(port: int) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        writer.write_eof()
        return await reader.read()

    assert with_server(scene).count(b"HTTP/1.1 200 OK") == answers


def test_who_waits_for_leave_to_send_gets_it() -> None:
    head = b"POST /x HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi"
    assert said_to(head + LAST).startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK")


def test_a_stream_ends_with_whoever_listens() -> None:
    open_now = []

    async def chunks() -> AsyncGenerator[bytes, None]:
        open_now.append(1)
        try:
            while True:
                yield b"tick\n"
                await asyncio.sleep(0.01)
        finally:
            open_now.pop()

    async def stream(_: HttpRequest) -> Answer:
        return HttpStream(chunks(), headers={"Content-Type": "text/plain"})

    async def scene(port: int) -> None:
        url = f"http://127.0.0.1:{port}/"
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            assert await answer.content.readexactly(15) == b"tick\n" * 3
            assert open_now
            answer.close()
        while open_now:
            await asyncio.sleep(0.01)

    with_server(scene, stream)


def test_a_stream_that_ends_is_whole() -> None:
    async def stream(_: HttpRequest) -> Answer:
        return HttpStream(_parts(), headers={})

    heard = said_to(b"GET / HTTP/1.1\r\n\r\n", stream)
    assert heard.endswith(b"\r\n\r\n1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n")


def test_an_answer_under_way_is_finished_when_the_server_ends() -> None:
    async def whole() -> bytes:
        async with AsyncExitStack() as stack:
            port = await serve_http(echo, "127.0.0.1", 0, stack)
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            idle, _ = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET /slow HTTP/1.1\r\n\r\n")
            await asyncio.sleep(0.05)
        assert await idle.read() == b""
        return await reader.read()

    assert asyncio.run(whole()).startswith(b"HTTP/1.1 200 OK")


def test_a_connection_that_nobody_uses_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "KEEPALIVE_S", 0.1)
    monkeypatch.setattr(http_server, "SWEEP_S", 0.05)
    assert said_to(b"GET /x HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 200 OK")


def test_a_port_that_is_taken_is_named() -> None:
    async def scene(port: int) -> None:
        async with AsyncExitStack() as stack:
            with pytest.raises(DemoError, match=f"cannot listen on 127.0.0.1:{port}: Address al"):
                await serve_http(echo, "127.0.0.1", port, stack)

    with_server(scene)
