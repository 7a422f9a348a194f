"""The HTTP side of a service: admission, deadline, capacity, and the count of how it all ended.

There is no routing: a service has a handful of paths, each hop is paid thousands of times a minute,
and a look-up in a dict is all that is needed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import msgspec

from demo_platform import fragility
from demo_platform.builds import RunningBuild
from demo_platform.http_message import (
    JSON,
    NO_HEADERS,
    Answer,
    Handler,
    HttpRequest,
    HttpResponse,
)
from demo_platform.knobs import Knobs
from demo_platform.metrics import Ipc, Meters, server_calls
from demo_platform.resilience.concurrency_limit import ConcurrencyLimit, Shed
from demo_platform.resilience.deadline import DEADLINE_HEADER, deadline_from
from demo_platform.service import (
    CAUSE_HEADER,
    PRIORITY_HEADER,
    REQUEST_ID_HEADER,
    Body,
    Node,
    Request,
    Route,
    Service,
    ServiceFailed,
)
from demo_platform.tracing.tracer import KEPT_HEADER, NO_TRACER, Span, Tracer
from demo_platform.zuul.fit import FIT_HEADER, carried

HEALTH_PATH = "/healthcheck"
DEFAULT_DEADLINE_S = 3.0

_KEPT = {KEPT_HEADER: "1"}


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of a request: a body, or a status of 500 and more with the service to blame.

    is_kept: this hop keeps the spans of the request's trace.
    """

    body: Body
    status: int = 200
    cause: str = ""
    is_kept: bool = False


class ServiceServer:
    """One instance of a service; what it does is the same in every protocol.

    asides: by path, what an instance answers besides its service's routes, unlimited and uncounted.
    """

    def __init__(
        self,
        service: Service,
        node: Node,
        knobs: Knobs,
        meters: Meters,
        asides: Mapping[str, Handler] = MappingProxyType({}),
        *,
        tracer: Tracer = NO_TRACER,
        build: RunningBuild | None = None,
    ) -> None:
        self._service = service
        self._build = build or RunningBuild()
        self._asides = asides
        self._tracer = tracer
        self._node = node
        self._knobs = knobs
        self._limit = ConcurrencyLimit()
        self._in_flight = 0
        self._now = asyncio.get_running_loop().time
        self._calls = server_calls(meters)
        self._busy = meters.counter("server.seconds")
        meters.gauge("server.slots", lambda: fragility.slots(service.capacity, knobs))

    async def handle(self, request: HttpRequest) -> Answer:
        """Answer one request."""
        name = request.path[1:]
        route = self._service.routes.get(name)
        if route is None:
            return await self._without_route(request)
        began = self._now()
        try:
            body = msgspec.json.decode(request.body, type=dict[str, object])
        except msgspec.MsgspecError as error:
            self._count(Ipc.BAD_REQUEST, began)
            text = f"{name}: body is not a JSON object: {error}\n"
            return HttpResponse.of_text(text, status=400)
        return _response(await self.answer(name, body, request.headers))

    async def answer(self, name: str, body: Body, headers: Mapping[str, str]) -> Answered:
        """What a route of the service makes of a request, in whatever protocol it came.

        name: of a route that the service has. headers: what came along, by names in small letters.
        """
        trace = self._tracer.serve(name, headers)
        began = self._now()
        try:
            answer = await self._admit(name, self._service.routes[name], body, headers, trace)
        except Shed:
            trace.end("shed")
            self._count(Ipc.THROTTLED, began)
            return Answered({}, 503, self._service.name, trace.is_kept)
        except ServiceFailed as failed:
            trace.end(str(failed))
            self._count(Ipc.UNEXPECTED_ERROR, began)
            return Answered({}, failed.status, failed.cause, trace.is_kept)
        except asyncio.CancelledError:
            self._count(Ipc.CANCELLED, began)
            raise
        finally:
            trace.end()
        self._count(Ipc.SUCCESS, began)
        return Answered(answer, is_kept=trace.is_kept)

    async def _admit(
        self, name: str, route: Route, body: Body, headers: Mapping[str, str], trace: Span
    ) -> Body:
        """Let the request in, if there is room and time for it."""
        capacity = self._service.capacity
        if self._in_flight >= capacity.in_flight_max:
            raise Shed
        request = Request(
            route=name,
            body=body,
            deadline=self._deadline(headers),
            request_id=headers.get(REQUEST_ID_HEADER, ""),
            faults=carried(headers.get(FIT_HEADER)),
            trace=trace,
            priority=headers.get(PRIORITY_HEADER, ""),
        )
        self._in_flight += 1
        try:
            self._build.keep()
            await self._work(request, capacity.work_s_by_route.get(name, capacity.work_s))
            if self._build.is_wrong():
                raise ServiceFailed(self._service.name, 500, "an error of this build")
            return await route(request, self._node)
        finally:
            self._in_flight -= 1

    async def _work(self, request: Request, work_s: float) -> None:
        """Keep a slot busy for as long as the work takes, once one is free.

        What it is declared to take decides who is let in: no program knows that it is slow.
        """
        now = self._now()
        spare_s = request.deadline - now - work_s
        if spare_s < 0:
            raise ServiceFailed(self._service.name, 504, "no time left to answer in")
        capacity = self._service.capacity
        wait_s = fragility.queue_wait_s(capacity, request.route, self._knobs)
        taken_s = self._build.work_s(work_s)
        done_at = self._limit.reserve(
            slots=fragility.slots(capacity, self._knobs),
            work_s=taken_s,
            wait_s=min(spare_s, wait_s),
            now=now,
        )
        await asyncio.sleep(done_at - now)
        self._busy.add(taken_s)

    def _deadline(self, headers: Mapping[str, str]) -> float:
        if self._knobs.is_on("long-timeouts"):
            return self._now() + fragility.LONG_TIMEOUT_S
        header = headers.get(DEADLINE_HEADER)
        return deadline_from(header, now=self._now(), default_s=DEFAULT_DEADLINE_S)

    async def _without_route(self, request: HttpRequest) -> Answer:
        aside = self._asides.get(request.path)
        if aside is not None:
            return await aside(request)
        if request.path == HEALTH_PATH:
            return HttpResponse(b'{"status":"up"}', content_type=JSON)
        self._calls[Ipc.BAD_REQUEST].record(0.0)
        routes = ", ".join(sorted(self._service.routes))
        text = f"no route {request.path!r} in {self._service.name}; there are: {routes}\n"
        return HttpResponse.of_text(text, status=404)

    def _count(self, ended: Ipc, began: float) -> None:
        self._calls[ended].record(self._now() - began)


def _response(answered: Answered) -> HttpResponse:
    headers = _KEPT if answered.is_kept else NO_HEADERS
    if answered.status == 200:
        body = msgspec.json.encode(answered.body)
        return HttpResponse(body, content_type=JSON, headers=headers)
    body = msgspec.json.encode({"failed": answered.cause})
    headers = {**headers, CAUSE_HEADER: answered.cause}
    return HttpResponse(body, status=answered.status, content_type=JSON, headers=headers)
