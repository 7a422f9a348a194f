"""The world's collector: takes spans, and answers questions in Zipkin's v2 HTTP API.

It lives in the supervisor's process. Instances send to a unix socket, others POST.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import msgspec
from aiohttp import web

from demo_platform.errors import DemoError
from demo_platform.rundir import SPANS_SOCKET
from demo_platform.tracing.links import links_of
from demo_platform.tracing.query import (
    LOOKBACK_MS_DEFAULT,
    Trace,
    TraceQuery,
    newest,
    query_of,
    whole,
)
from demo_platform.tracing.ring import Rings
from demo_platform.tracing.span import ZipkinSpan, padded_trace_id, read_spans

PREFIX = "/api/v2"
DATAGRAM_BYTES_MAX = 256 * 1024
DATAGRAMS_AT_ONCE = 32

_log = logging.getLogger(__name__)


class Collector:
    """The spans of a world."""

    def __init__(self) -> None:
        self._rings = Rings()
        self.refused = 0

    def routes(self) -> list[web.RouteDef]:
        """What it answers."""
        return [
            web.post(f"{PREFIX}/spans", self._take),
            web.get(f"{PREFIX}/spans", self._span_names),
            web.get(f"{PREFIX}/services", self._services),
            web.get(f"{PREFIX}/remoteServices", self._remote_services),
            web.get(f"{PREFIX}/traces", self._traces),
            web.get(f"{PREFIX}/trace/{{id}}", self._trace),
            web.get(f"{PREFIX}/traceMany", self._trace_many),
            web.get(f"{PREFIX}/dependencies", self._dependencies),
            web.get(f"{PREFIX}/autocompleteKeys", self._nothing),
            web.get(f"{PREFIX}/autocompleteValues", self._nothing),
        ]

    async def listening(self, path: Path) -> AsyncIterator[None]:
        """Read datagrams of spans on a unix socket until resumed."""
        loop = asyncio.get_running_loop()
        path.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as ours:
            ours.bind(str(path))
            loop.add_reader(ours, self._read, ours)
            yield
            loop.remove_reader(ours)

    def _read(self, ours: socket.socket) -> None:
        for _ in range(DATAGRAMS_AT_ONCE):
            try:
                datagram = ours.recv(DATAGRAM_BYTES_MAX)
            except BlockingIOError:
                return
            try:
                self._rings.add(read_spans(datagram, where=SPANS_SOCKET))
            except DemoError as error:
                self.refused += 1
                if self.refused == 1:
                    _log.warning("%s", error)

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        self._rings.add(read_spans(body, where=request.path))
        return web.Response(status=202)

    async def _services(self, request: web.Request) -> web.Response:
        del request
        names = {span.local_service for trace in self._rings.traces() for span in trace}
        return _json(sorted(names - {""}))

    async def _span_names(self, request: web.Request) -> web.Response:
        return _json(sorted({span.name for span in self._of_service(request) if span.name}))

    async def _remote_services(self, request: web.Request) -> web.Response:
        spans = self._of_service(request)
        return _json(sorted({span.remote_service for span in spans if span.remote_service}))

    async def _traces(self, request: web.Request) -> web.Response:
        return _json(newest(self._rings.traces(), query_of(request.query, now_ms=_now_ms())))

    async def _trace(self, request: web.Request) -> web.Response:
        trace = self._known(request.match_info["id"])
        if not trace:
            return web.Response(status=404, text=f"{request.match_info['id']} not found\n")
        return _json(trace)

    async def _trace_many(self, request: web.Request) -> web.Response:
        asked = dict.fromkeys(request.query.get("traceIds", "").split(","))
        return _json([trace for one in asked if one and (trace := self._known(one))])

    async def _dependencies(self, request: web.Request) -> web.Response:
        if "endTs" not in request.query:
            fix = "name an instant in ms: ?endTs=…"
            raise DemoError("endTs is missing", where=request.path, fix=fix)
        end_ms = whole(request.query, "endTs", 0)
        lookback_ms = whole(request.query, "lookback", LOOKBACK_MS_DEFAULT, at_least=1)
        asked = TraceQuery(end_ms, lookback_ms)
        links = links_of(filter(asked.matches, self._rings.traces()))
        return _json([link.as_dict() for link in links])

    async def _nothing(self, request: web.Request) -> web.Response:
        del request
        return _json([])

    def _known(self, text: str) -> Trace:
        try:
            return self._rings.trace(padded_trace_id(text))
        except ValueError:
            raise DemoError(
                f"{text!r} is no trace id", where="trace", fix="give 1 to 32 hexadecimal digits"
            ) from None

    def _of_service(self, request: web.Request) -> Sequence[ZipkinSpan]:
        name = request.query.get("serviceName", "").lower()
        traces = self._rings.traces() if name else ()
        return [span for trace in traces for span in trace if span.local_service == name]


def _json(document: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(document), content_type="application/json")


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
