"""The HTTP side of a service: admission, deadline, capacity, and the count of how it all ended.

aiohttp's low-level server is used, without its routing: a service has a handful of paths, each
hop is paid thousands of times a minute, and a look-up in a dict is all that is needed.
"""

from __future__ import annotations

import asyncio

import msgspec
from aiohttp import web

from demo_platform import fragility
from demo_platform.discovery_server import request_counters
from demo_platform.knobs import Knobs
from demo_platform.metrics import Counter, Meters
from demo_platform.resilience.concurrency_limit import ConcurrencyLimit, Shed
from demo_platform.resilience.deadline import DEADLINE_HEADER, deadline_from
from demo_platform.service import (
    CAUSE_HEADER,
    REQUEST_ID_HEADER,
    Body,
    Node,
    Request,
    Route,
    Service,
    ServiceFailed,
)
from demo_platform.services.edge import CAUSES

HEALTH_PATH = "/healthcheck"
DEFAULT_DEADLINE_S = 3.0

_JSON = {"Content-Type": "application/json"}


class ServiceServer:
    """One instance of a service, on the wire."""

    def __init__(self, service: Service, node: Node, knobs: Knobs, meters: Meters) -> None:
        self._service = service
        self._node = node
        self._knobs = knobs
        self._limit = ConcurrencyLimit()
        self._in_flight = 0
        self._now = asyncio.get_running_loop().time
        self._requests = request_counters(meters)
        self._busy = meters.counter("server.seconds")
        self._took = meters.timer("server.latency")
        self._at_edge = edge_counters(meters) if service.name == "edge" else {}

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        name = request.path[1:]
        route = self._service.routes.get(name)
        if route is None:
            return self._without_route(request)
        try:
            body = msgspec.json.decode(await request.read(), type=dict[str, object])
        except msgspec.MsgspecError as error:
            self._count(name, "4xx", "none")
            return web.Response(status=400, text=f"{name}: body is not a JSON object: {error}\n")
        try:
            answer = await self._admit(name, route, body, request)
        except Shed:
            self._count(name, "shed", self._service.name)
            return _failure(self._service.name, 503)
        except ServiceFailed as failed:
            self._count(name, "5xx", failed.cause)
            return _failure(failed.cause, failed.status)
        self._count(name, "2xx", "none")
        return web.Response(body=msgspec.json.encode(answer), headers=_JSON)

    async def _admit(self, name: str, route: Route, body: Body, incoming: web.BaseRequest) -> Body:
        """Let the request in, if there is room and time for it."""
        capacity = self._service.capacity
        if self._in_flight >= capacity.in_flight_max:
            raise Shed
        request = Request(
            route=name,
            body=body,
            deadline=self._deadline(incoming),
            request_id=incoming.headers.get(REQUEST_ID_HEADER, ""),
        )
        self._in_flight += 1
        began = self._now()
        try:
            await self._work(request, capacity.work_s_by_route.get(name, capacity.work_s))
            return await route(request, self._node)
        finally:
            self._in_flight -= 1
            self._took.record(self._now() - began)

    async def _work(self, request: Request, work_s: float) -> None:
        """Keep a slot busy for the declared service time, once one is free."""
        now = self._now()
        spare_s = request.deadline - now - work_s
        if spare_s < 0:
            raise ServiceFailed(self._service.name, 504, "no time left to answer in")
        capacity = self._service.capacity
        wait_s = fragility.queue_wait_s(capacity, request.route, self._knobs)
        done_at = self._limit.reserve(
            slots=fragility.slots(capacity, self._knobs),
            work_s=work_s,
            wait_s=min(spare_s, wait_s),
            now=now,
        )
        await asyncio.sleep(done_at - now)
        self._busy.add(work_s)

    def _deadline(self, incoming: web.BaseRequest) -> float:
        if self._knobs.is_on("long-timeouts"):
            return self._now() + fragility.LONG_TIMEOUT_S
        header = incoming.headers.get(DEADLINE_HEADER)
        return deadline_from(header, now=self._now(), default_s=DEFAULT_DEADLINE_S)

    def _without_route(self, request: web.BaseRequest) -> web.Response:
        if request.path == HEALTH_PATH:
            return web.Response(body=b'{"status":"up"}', headers=_JSON)
        self._requests["4xx"].add()
        routes = ", ".join(sorted(self._service.routes))
        text = f"no route {request.path!r} in {self._service.name}; there are: {routes}\n"
        return web.Response(status=404, text=text)

    def _count(self, route: str, status: str, cause: str) -> None:
        self._requests[status].add()
        if self._at_edge:
            status = "5xx" if status == "shed" else status
            # A cause that is not on the route's way can only be reported wrongly: blame ourselves.
            key = (status, route, cause)
            self._at_edge.get(key, self._at_edge[status, route, _own_cause(status)]).add()


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


def _own_cause(status: str) -> str:
    return "edge" if status == "5xx" else "none"


def _failure(cause: str, status: int) -> web.Response:
    headers = {**_JSON, CAUSE_HEADER: cause}
    body = msgspec.json.encode({"failed": cause})
    return web.Response(status=status, body=body, headers=headers)
