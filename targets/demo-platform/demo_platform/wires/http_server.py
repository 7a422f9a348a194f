"""HTTP/1.1 for instances, with as little as it takes: httptools reads, an answer is one write.

A hop is paid hundreds of times a second, in ninety processes whose code is seldom in the
processor's caches: the fewer functions a request goes through, the better. For what a general
server does besides, there is no call here: no routing, no compression, no TLS.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from contextlib import AsyncExitStack, aclosing
from http import HTTPStatus
from typing import cast

import httptools

from demo_platform.http_message import Answer, Handler, HttpRequest, HttpResponse, HttpStream
from demo_platform.sockets import listening

REQUEST_WITHIN_S = 10.0
"""How long a request may take to come, from its first byte to its last."""
KEEPALIVE_S = 120.0
SWEEP_S = 30.0
WRITE_WITHIN_S = 5.0
SHUTDOWN_S = 0.2
LINGER_S = 0.5
HEAD_BYTES_MAX = 64 * 1024
BODY_BYTES_MAX = 2**20
WAITING_MAX = 16

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_REASONS = {status.value: status.phrase for status in HTTPStatus}
_BODILESS = (204, 304)
_log = logging.getLogger(__name__)


async def serve_http(
    handle: Handler,
    address: str,
    port: int,
    stack: AsyncExitStack,
    *,
    request_within_s: float = REQUEST_WITHIN_S,
) -> int:
    """Answer what comes to a port until the stack is unwound; the port, for those who said 0.

    Raises DemoError when it cannot be listened on.
    """
    server = _Server(handle, request_within_s)
    sock = listening(address, port)
    listener = await server.loop.create_server(lambda: _Connection(server), sock=sock)
    server.sweep()

    async def stop() -> None:
        listener.close()
        await server.stop()

    stack.push_async_callback(stop)
    return cast("int", sock.getsockname()[1])


class _Server:
    """What the connections of a port have in common."""

    def __init__(self, handle: Handler, request_within_s: float) -> None:
        self.handle = handle
        self.request_within_s = request_within_s
        self.loop = asyncio.get_running_loop()
        self.connections: set[_Connection] = set()
        self._date_s, self._date = 0, ""
        self._sweeping: asyncio.TimerHandle | None = None

    def sweep(self) -> None:
        """Close, from now on and again and again, what nobody has used for long."""
        forgotten_before = self.loop.time() - KEEPALIVE_S
        for one in list(self.connections):
            if one.is_idle and one.used_at < forgotten_before:
                one.close()
        self._sweeping = self.loop.call_later(SWEEP_S, self.sweep)

    def date(self) -> str:
        """What time it is, as answers say it."""
        now_s = int(time.time())
        if now_s != self._date_s:
            self._date_s = now_s
            self._date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(now_s))
        return self._date

    async def stop(self) -> None:
        """Let answers that are nearly there go out, and close everything."""
        if self._sweeping is not None:
            self._sweeping.cancel()
        tasks = []
        for one in list(self.connections):
            one.is_last = True
            if one.task is None:
                one.close()
            else:
                tasks.append(one.task)
        if tasks:
            await asyncio.wait(tasks, timeout=SHUTDOWN_S)
        for one in list(self.connections):
            one.close()


class _Connection(asyncio.Protocol):
    """One connection; httptools calls its on_… methods while it reads.

    Requests that come before the one in front of them is answered wait for their turn.
    """

    def __init__(self, server: _Server) -> None:
        self._server = server
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._remote = ""
        self._waiting: deque[tuple[HttpRequest, bool]] = deque()
        self._can_write: asyncio.Event | None = None
        self._late: asyncio.TimerHandle | None = None
        self._is_reading = self._has_head = self._is_streaming = False
        self.task: asyncio.Task[None] | None = None
        self.used_at = server.loop.time()
        self.is_last = False
        self._begin()

    @property
    def is_idle(self) -> bool:
        """Whether nothing is asked at the moment."""
        return self.task is None and not self._is_reading

    def close(self) -> None:
        """Close it, after what has been written."""
        self.is_last = True
        if self._transport is not None:
            self._transport.close()

    def _begin(self) -> None:
        self._target = b""
        self._headers: dict[str, str] = {}
        self._parts: list[bytes] = []
        self._head_bytes = self._body_bytes = 0
        self._has_head = False

    # --- what asyncio says

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody has connected."""
        self._transport = cast("asyncio.Transport", transport)
        name = transport.get_extra_info("peername")
        self._remote = name[0] if name else ""
        self._server.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone; who makes a stream for it is told, an answer is finished for nobody."""
        self._server.connections.discard(self)
        self.is_last = True
        self._waiting.clear()
        self._cancel_late()
        if self._can_write is not None:
            self._can_write.set()
        if self._is_streaming and self.task is not None:
            self.task.cancel()

    def data_received(self, data: bytes) -> None:
        """A part of a request, or of several."""
        if self.is_last:
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self.is_last = True  # nothing else is spoken here: answered as it is, and closed
        except httptools.HttpParserError as error:
            self._refuse(400, f"not HTTP: {error}\n")
            return
        if not self._is_reading:
            self._cancel_late()
        elif self._late is None:
            wait_s = self._server.request_within_s
            self._late = self._server.loop.call_later(wait_s, self._give_up)

    def eof_received(self) -> bool:
        """The other side has asked all that it will; it may still wait for an answer."""
        is_waiting = self.task is not None
        self.is_last = True
        return is_waiting

    def pause_writing(self) -> None:
        """The other side reads too slowly."""
        if self._can_write is not None:
            self._can_write.clear()

    def resume_writing(self) -> None:
        """It has caught up."""
        if self._can_write is not None:
            self._can_write.set()

    # --- what httptools says

    def on_message_begin(self) -> None:
        """A request begins."""
        self._begin()
        self._is_reading = True

    def on_url(self, url: bytes) -> None:
        """A part of its target."""
        self._target += url
        self._grow(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header; of one that is there twice, the values are listed."""
        key, word = name.decode("latin-1").lower(), value.decode("latin-1")
        self._headers[key] = f"{self._headers[key]}, {word}" if key in self._headers else word
        self._grow(len(name) + len(value))

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._has_head = True
        if self._headers.get("expect", "").lower() == "100-continue" and self._transport:
            self._transport.write(_CONTINUE)

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self._body_bytes += len(body)
        if self._body_bytes > BODY_BYTES_MAX:
            self._parts.clear()
            if not self.is_last:
                self._ask_without_body(413)
        else:
            self._parts.append(body)

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._is_reading = False
        self._cancel_late()
        if not self.is_last:
            self._ask(b"".join(self._parts), is_last=not self._parser.should_keep_alive())

    # --- what we do

    def _grow(self, count: int) -> None:
        self._head_bytes += count
        if self._head_bytes > HEAD_BYTES_MAX and not self.is_last:
            self._refuse(431, "too much head\n")

    def _give_up(self) -> None:
        self._late = None
        if self._has_head:
            self._ask_without_body(408)
        else:
            self._refuse(408, "no request in time\n")

    def _ask_without_body(self, trouble: int) -> None:
        """Let the handler say what it thinks of it, and close."""
        self._is_reading = False
        self._ask(b"", is_last=True, trouble=trouble)
        self.is_last = True

    def _ask(self, body: bytes, *, is_last: bool, trouble: int = 0) -> None:
        method, target = self._parser.get_method().decode(), self._target.decode("latin-1")
        if self._parser.get_http_version() == "1.0":
            is_last = True
        request = HttpRequest(
            method,
            target,
            headers=self._headers,
            body=body,
            remote=self._remote,
            trouble=trouble,
        )
        self._waiting.append((request, is_last))
        if self.task is None:
            self._next()
        elif len(self._waiting) >= WAITING_MAX and self._transport is not None:
            self._transport.pause_reading()

    def _next(self) -> None:
        request, is_last = self._waiting.popleft()
        if len(self._waiting) == WAITING_MAX - 1 and self._transport is not None:
            self._transport.resume_reading()
        self.task = self._server.loop.create_task(self._respond(request, is_last=is_last))

    async def _respond(self, request: HttpRequest, *, is_last: bool) -> None:
        answer = await self._answer(request)
        transport = self._transport
        if transport is None or transport.is_closing():
            self.task = None
            return
        is_last = is_last or (self.is_last and not self._waiting)
        if isinstance(answer, HttpStream):
            await self._stream(answer, transport)
            is_last = True
        else:
            try:
                is_head = request.method == "HEAD"
                date = self._server.date()
                sent = encoded(answer, date, is_last=is_last, is_head=is_head)
            except ValueError:
                _log.exception("no answer to %s %s", request.method, request.target)
                sent, is_last = (
                    encoded(_failed(), self._server.date(), is_last=True, is_head=False),
                    True,
                )
            transport.write(sent)
        self.task = None
        self.used_at = self._server.loop.time()
        if request.trouble:
            self._linger(transport)
        elif is_last:
            self.close()
        elif self._waiting:
            self._next()

    async def _answer(self, request: HttpRequest) -> Answer:
        """What the handler says; its mishap is written down, and the instance goes on."""
        try:
            return await self._server.handle(request)
        except Exception:  # noqa: BLE001 - the others' requests must not suffer
            _log.exception("no answer to %s %s", request.method, request.target)
            return _failed()

    def _linger(self, transport: asyncio.Transport) -> None:
        """Close when the other side has had time to read: it still sends, and a reset would take
        the answer away from it."""
        transport.write_eof()
        self._late = self._server.loop.call_later(LINGER_S, self.close)

    async def _stream(self, answer: HttpStream, transport: asyncio.Transport) -> None:
        """Send parts as they come, to somebody who reads them."""
        self._can_write = asyncio.Event()
        self._can_write.set()
        self._is_streaming = True
        lines = "".join([f"{name}: {value}\r\n" for name, value in answer.headers.items()])
        head = f"HTTP/1.1 200 OK\r\n{lines}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        transport.write(head.encode("latin-1"))
        try:
            async with aclosing(answer.chunks) as chunks:
                async for chunk in chunks:
                    transport.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
                    async with asyncio.timeout(WRITE_WITHIN_S):
                        await self._can_write.wait()
            transport.write(b"0\r\n\r\n")
        except TimeoutError:
            transport.abort()  # it has stopped reading
        finally:
            self._is_streaming = False

    def _refuse(self, status: int, text: str) -> None:
        """Answer what cannot be understood, and close."""
        self._is_reading = False
        self.is_last = True
        self._cancel_late()
        if self._transport is not None and self.task is None:
            refusal = HttpResponse.of_text(text, status=status)
            self._transport.write(
                encoded(refusal, self._server.date(), is_last=True, is_head=False)
            )
            self._transport.close()

    def _cancel_late(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None


def _failed() -> HttpResponse:
    return HttpResponse.of_text("500 Internal Server Error\n", status=500)


def encoded(answer: HttpResponse, date: str, *, is_last: bool, is_head: bool) -> bytes:
    """An answer as it goes over the wire. Raises ValueError for a header of several lines."""
    status, body = answer.status, answer.body
    lines = [f"HTTP/1.1 {status} {_REASONS.get(status, '')}", f"Date: {date}"]
    if answer.content_type:
        lines.append(f"Content-Type: {answer.content_type}")
    lines += [f"{name}: {value}" for name, value in answer.headers.items()]
    if status not in _BODILESS:
        lines.append(f"Content-Length: {len(body)}")
    if is_last:
        lines.append("Connection: close")
    head = "\r\n".join(lines)
    if head.count("\n") != len(lines) - 1 or head.count("\r") != len(lines) - 1:
        raise ValueError("a header is one line")
    sent = b"" if is_head or status in _BODILESS else body
    return f"{head}\r\n\r\n".encode("latin-1", "replace") + sent
