"""The edge's HTTP side: from the first byte of a request to the count of how it ended."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import MappingProxyType

from demo_platform import fragility
from demo_platform.http_message import JSON, NO_HEADERS, Handler, HttpRequest, HttpResponse
from demo_platform.http_message import Answer as HttpAnswer
from demo_platform.metrics import Counter, Ipc, Meters, server_calls
from demo_platform.resilience.deadline import DEADLINE_HEADER, deadline_from
from demo_platform.server import DEFAULT_DEADLINE_S, HEALTH_PATH
from demo_platform.service import CAUSE_HEADER, REQUEST_ID_HEADER
from demo_platform.services.edge import CAUSES
from demo_platform.tracing.tracer import KEPT_HEADER, NO_TRACER, Tracer
from demo_platform.zuul.chain import run
from demo_platform.zuul.context import Answer, Refused, SessionContext
from demo_platform.zuul.edge import Edge, Lane
from demo_platform.zuul.page import PAGE_PATH, page
from demo_platform.zuul.status import StatusCategory

WATCH_S = 1.0
REQUEST_WITHIN_S = 1.0
WORK_S = 0.002

_KEPT = {KEPT_HEADER: "1"}
_SHED_KINDS = frozenset(("concurrency", "full", "shed"))


class ZuulServer:
    """One edge, on the wire. asides: by path, what it answers besides, unfiltered, uncounted."""

    def __init__(
        self,
        edge: Edge,
        meters: Meters,
        asides: Mapping[str, Handler] = MappingProxyType({}),
        tracer: Tracer = NO_TRACER,
    ) -> None:
        self._tracer = tracer
        self._edge = edge
        self._asides = asides
        self._now = asyncio.get_running_loop().time
        self._calls = server_calls(meters)
        self._busy = meters.counter("server.seconds")
        self._at_edge = edge_counters(meters)
        self._endings = _endings(meters)

    async def handle(self, incoming: HttpRequest) -> HttpAnswer:
        """Answer one request."""
        edge = self._edge
        edge.refresh()
        lane = edge.lane(incoming)
        if lane is None:
            return await self._without_route(incoming)
        began = self._now()
        context = self._context(incoming, lane, began)
        edge.in_flight += 1
        trace = context.trace
        status = Ipc.CANCELLED
        try:
            answer = await self._answer(context, lane)
            trace.end(answer.cause and f"{answer.cause}: {answer.category}")
            status = self._count(context, answer)
        finally:
            trace.end("cancelled")
            edge.in_flight -= 1
            self._calls[status].record(self._now() - began)
        return _response(answer, is_kept=trace.is_kept)

    async def watch(self) -> None:
        """Look at the filters' files, for ever."""
        while True:
            await asyncio.sleep(WATCH_S)
            self._edge.look()

    def _context(self, incoming: HttpRequest, lane: Lane, now: float) -> SessionContext:
        route = lane.route
        context = SessionContext(incoming, route=route.name, vip=route.vip, path=lane.path)
        headers = context.headers
        request_id = headers.get(REQUEST_ID_HEADER, "")
        context.request_id = request_id if request_id.isascii() else ""
        context.priority = route.priority
        context.trace = self._tracer.serve(route.name, headers)
        if self._edge.is_patient:
            context.deadline = now + fragility.LONG_TIMEOUT_S
        else:
            context.deadline = deadline_from(
                headers.get(DEADLINE_HEADER), now=now, default_s=DEFAULT_DEADLINE_S
            )
        return context

    async def _answer(self, context: SessionContext, lane: Lane) -> Answer:
        edge = self._edge
        if edge.in_flight > edge.concurrency_max:
            context.error = Refused(503, "the edge is full", kind="full")
            context.answer = _FULL
            return _FULL
        self._busy.add(WORK_S)
        match context.incoming.trouble:
            case 408:
                return Answer(408, b"no body in time\n", StatusCategory.FAILURE_CLIENT_TIMEOUT)
            case 413:
                context.error = Refused(413, "body too large", kind="size")
                return Answer(413, b"body too large\n", StatusCategory.FAILURE_CLIENT_BAD_REQUEST)
        context.body = context.incoming.body
        return await run(lane.chain, context)

    def _count(self, context: SessionContext, answer: Answer) -> Ipc:
        status = _CLASSES.get(answer.status // 100, "5xx")
        self._endings[answer.category].add()
        kind = ""
        if isinstance(context.error, Refused):
            kind = context.error.kind
            counter = self._edge.refused.get(kind)
            if counter is not None:
                counter.add()
        if status == "5xx":
            self._edge.passports.append(context)
        cause = answer.cause if status == "5xx" else "none"
        key = (status, context.route, cause)
        # A cause that is not on the route's way can only be reported wrongly: blame ourselves.
        own = "edge" if status == "5xx" else "none"
        self._at_edge.get(key, self._at_edge[status, context.route, own]).add()
        return Ipc.THROTTLED if kind in _SHED_KINDS else _IPC[status]

    async def _without_route(self, incoming: HttpRequest) -> HttpAnswer:
        aside = self._asides.get(incoming.path)
        if aside is not None:
            return await aside(incoming)
        if incoming.path == HEALTH_PATH:
            return HttpResponse(b'{"status":"up"}', content_type=JSON)
        if incoming.path == PAGE_PATH:
            return HttpResponse(page(self._edge), content_type=JSON)
        self._calls[Ipc.BAD_REQUEST].record(0.0)
        self._endings[StatusCategory.SUCCESS_LOCAL_NO_ROUTE].add()
        routes = ", ".join(sorted(self._edge.routes))
        text = f"no route {incoming.path!r} at the edge; there are: {routes}\n"
        return HttpResponse.of_text(text, status=404)


_CLASSES = {2: "2xx", 3: "2xx", 4: "4xx"}
_IPC = {"2xx": Ipc.SUCCESS, "4xx": Ipc.BAD_REQUEST, "5xx": Ipc.UNEXPECTED_ERROR}
_FULL = Answer(503, b'{"failed":"edge"}', StatusCategory.FAILURE_LOCAL, "edge")


def edge_counters(meters: Meters) -> dict[tuple[str, str, str], Counter]:
    """`edge.requests` by (status, route, cause), for each combination that can come about."""
    keys = [
        (status, route, cause)
        for route, causes in CAUSES.items()
        for status in ("2xx", "4xx", "5xx")
        for cause in (causes if status == "5xx" else ("none",))
    ]
    return {
        (status, route, cause): meters.counter(
            "edge.requests", status=status, route=route, cause=cause
        )
        for status, route, cause in keys
    }


def _endings(meters: Meters) -> dict[StatusCategory, Counter]:
    return {
        category: meters.counter("zuul.requests", category=category.value)
        for category in StatusCategory
    }


def _response(answer: Answer, *, is_kept: bool) -> HttpResponse:
    headers: Mapping[str, str] = _KEPT if is_kept else NO_HEADERS
    kind = JSON
    if answer.cause or answer.headers:
        headers = {**headers, **(answer.headers or {})}
        kind = "" if "Content-Type" in headers else JSON
        if answer.cause:
            headers[CAUSE_HEADER] = answer.cause
    return HttpResponse(answer.body, status=answer.status, content_type=kind, headers=headers)
