"""A zone's discovery server on the wire: Eureka's REST v2, under /eureka/v2 and under /eureka.

`docs/eureka.md` has the routes. JSON is sent to those who accept it and XML to all others; bodies
are read as JSON. Answers about many instances may be a read cache's period old.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress

import msgspec

from demo_platform.eureka.description import HEALTH_PATH, describe
from demo_platform.eureka.operations import OK, Operations
from demo_platform.eureka.peers import Peers, Place
from demo_platform.eureka.periods import PERIODS, Periods
from demo_platform.eureka.registry import Moment, Registry, Renewed
from demo_platform.eureka.replication import (
    BATCHES,
    REPLICATION_HEADER,
    Answer,
    Answers,
    Event,
    Outbox,
    follow_up,
)
from demo_platform.eureka.shapes import BadInstance, parse_registration
from demo_platform.eureka.views import Encoded, Root, Views, encode
from demo_platform.http_message import JSON, HttpRequest, HttpResponse
from demo_platform.metrics import Ipc, Meters, counted_calls
from demo_platform.topology import InstanceSpec
from demo_platform.wires.http_client import HttpClient

BASES = ("/eureka/v2/", "/eureka/")
NO_ROUTE = 0
REPLICATE_S = 0.4
"""How long renewals wait for company before peers are told; all else waits for GATHER_S only."""
GATHER_S = 0.05


class EurekaServer:
    """The registry of one zone's server, which holds the instances of the whole region."""

    def __init__(
        self,
        spec: InstanceSpec,
        meters: Meters,
        http: HttpClient,
        *,
        rng: random.Random,
        periods: Periods = PERIODS,
        wall_s: Callable[[], float] = time.time,
    ) -> None:
        self._monotonic_s = asyncio.get_running_loop().time
        self._wall_s = wall_s
        self._rng = rng
        self._periods = periods
        self._began_s = self._monotonic_s()
        self._own = describe(spec, status="UP", dirty_ms=self._now().ms)
        self._registry = Registry(periods)
        self._outbox = Outbox()
        self._operations = Operations(self._registry, self._outbox)
        self._views = Views(self._registry, spec.id)
        self._encoded = Encoded(periods.cache_s)
        self._has_news = asyncio.Event()
        own = spec.address, spec.port
        others = tuple((address, port) for _, address, port in spec.discovery)
        self._peers = Peers(http, tuple(place for place in others if place != own))
        self._calls = counted_calls(meters)
        meters.counter("server.seconds")
        meters.gauge("eureka.registered", lambda: len(self._registry))
        meters.gauge("eureka.renewals", lambda: self._registry.renewals(self._now()))
        meters.gauge("eureka.threshold", self._registry.threshold)
        meters.gauge("eureka.selfPreservation", lambda: float(self._is_self_preserving()))
        meters.gauge("eureka.evicted", lambda: self._registry.evicted)

    async def start(self) -> None:
        """Copy the first peer that answers, and enter oneself.

        With no peer there it begins empty and serves at once; the original would wait 5 minutes,
        as packaged by Spring it would not.
        """
        for instance in await self._peers.copy():
            now = self._now()
            self._operations.register(instance, now, is_replica=True)
        self._operations.register(self._own, self._now())

    async def leave(self) -> None:
        """Tell the peers that this server goes."""
        self._operations.cancel(*self._own.key, self._now())
        await self._peers.tell_all(self._outbox.take())

    def loops(self) -> list[Coroutine[None, None, None]]:
        """What must run as long as the server serves."""
        return [self._evict(), self._renew_itself(), self._replicate()]

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer one request."""
        try:
            response = self._answer(request)
        except (msgspec.MsgspecError, BadInstance) as error:
            response = HttpResponse.of_text(f"{error}\n", status=400)
        self._calls[Ipc.SUCCESS if response.status < 400 else Ipc.BAD_REQUEST].add()
        if self._outbox.is_urgent:
            self._has_news.set()
        return response

    def _answer(self, request: HttpRequest) -> HttpResponse:
        base = next((base for base in BASES if request.path.startswith(base)), None)
        if base is None:
            return self._for_people(request)
        parts = request.path[len(base) :].strip("/").split("/")
        is_replica = request.headers.get(REPLICATION_HEADER, "").lower() == "true"
        match request.method, parts:
            case "GET", _:
                return self._show(parts, request)
            case "POST", ["apps", app]:
                instance = parse_registration(request.body, app)
                status = self._operations.register(instance, self._now(), is_replica=is_replica)
            case "POST", ["peerreplication", "batch"]:
                return self._replay(request.body)
            case _, ["apps", app, instance_id, *rest]:
                status = self._change(request, app, instance_id, rest, is_replica=is_replica)
                if status == Renewed.OUTDATED.value:
                    return self._reply(self._views.instance(instance_id, app), request, status)
            case _:
                status = NO_ROUTE
        return _no_route(request) if status == NO_ROUTE else HttpResponse(status=status)

    def _change(
        self,
        request: HttpRequest,
        app: str,
        instance_id: str,
        rest: list[str],
        *,
        is_replica: bool,
    ) -> int:
        """What may be done to one instance; the status, or NO_ROUTE."""
        do, now, query = self._operations, self._now(), request.query
        dirty_ms = _timestamp(query.get("lastDirtyTimestamp"))
        match request.method, rest:
            case "PUT", []:
                return do.renew(app, instance_id, now, dirty_ms=dirty_ms, is_replica=is_replica)
            case "DELETE", []:
                return do.cancel(app, instance_id, now, is_replica=is_replica)
            case ("PUT" | "DELETE") as method, ["status"]:
                change = do.set_status if method == "PUT" else do.clear_status
                word = query.get("value")
                return change(
                    app, instance_id, word, now, dirty_ms=dirty_ms or 0, is_replica=is_replica
                )
            case "PUT", ["metadata"]:
                return do.describe(app, instance_id, dict(query), now)
        return NO_ROUTE

    def _show(self, parts: list[str], request: HttpRequest) -> HttpResponse:
        """Whatever can be asked for."""
        many = self._about_many(parts)
        if many is not None:
            return self._kept(parts, many, request)
        match parts:
            case ["apps", app, instance_id]:
                return self._reply(self._views.instance(instance_id, app), request)
            case ["instances", instance_id]:
                return self._reply(self._views.instance(instance_id), request)
        return _no_route(request)

    def _about_many(self, parts: list[str]) -> Callable[[], Root | None] | None:
        """What makes a document about many instances; None when that is not asked for."""
        views = self._views
        match parts:
            case ["apps"]:
                return views.everything
            case ["apps", "delta"]:
                return lambda: views.changes(self._now())
            case ["apps", app]:
                return lambda: views.application(app)
            case ["vips" | "svips" as kind, name]:
                return lambda: views.by_name(name, is_secure=kind == "svips")
        return None

    def _kept(
        self, parts: list[str], make: Callable[[], Root | None], request: HttpRequest
    ) -> HttpResponse:
        as_json = _wants_json(request)
        key = (*parts, "json" if as_json else "xml")
        body = self._encoded.get(key, self._monotonic_s(), make, as_json=as_json)
        return HttpResponse(status=404) if body is None else _document(body, as_json=as_json)

    def _reply(self, root: Root | None, request: HttpRequest, status: int = OK) -> HttpResponse:
        if root is None:
            return HttpResponse(status=404)
        as_json = _wants_json(request)
        return _document(encode(root, as_json=as_json), as_json=as_json, status=status)

    def _replay(self, body: bytes) -> HttpResponse:
        """Do what a peer's batch says has been done there."""
        batch, now = BATCHES.decode(body), self._now()
        answers = Answers([self._operations.do(event, now) for event in batch.events])
        return _document(msgspec.json.encode(answers), as_json=True)

    def _for_people(self, request: HttpRequest) -> HttpResponse:
        if request.method != "GET" or request.path not in ("/", HEALTH_PATH):
            return _no_route(request)
        if request.path == HEALTH_PATH:
            return _document(b'{"status":"up"}', as_json=True)
        is_self_preserving = self._is_self_preserving()
        return HttpResponse.of_text(
            self._views.summary(self._now(), is_self_preserving=is_self_preserving)
        )

    async def _evict(self) -> None:
        """End the leases that ran out, for ever."""
        while True:
            began_s = self._monotonic_s()
            await asyncio.sleep(self._periods.eviction_s)
            late_s = self._monotonic_s() - began_s - self._periods.eviction_s
            self._registry.evict(self._now(), self._rng, late_s=max(0.0, late_s))

    async def _renew_itself(self) -> None:
        """Keep the own lease, for ever."""
        while True:
            await asyncio.sleep(self._periods.renewal_s)
            status = self._operations.renew(*self._own.key, self._now())
            if status != OK:
                self._operations.register(self._own, self._now())

    async def _replicate(self) -> None:
        """Tell the peers what happened, for ever."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(REPLICATE_S):
                    await self._has_news.wait()
            await asyncio.sleep(GATHER_S)
            self._has_news.clear()
            events = self._outbox.take()
            if events:
                told = await self._peers.tell_all(events)
                await asyncio.gather(
                    *(self._follow_up(peer, events, answers) for peer, answers in told.items())
                )

    async def _follow_up(self, peer: Place, events: list[Event], answers: list[Answer]) -> None:
        """Send a peer the registrations that it lacks, and learn what it knows better."""
        missing: list[Event] = []
        for event, answer in zip(events, answers, strict=False):
            todo = follow_up(event, answer)
            if todo.register_there:
                missing.append(self._operations.registration(*todo.register_there))
            if todo.learn_here:
                self._operations.register(todo.learn_here, self._now(), is_replica=True)
        if missing:
            await self._peers.tell(peer, missing)

    def _is_self_preserving(self) -> bool:
        """Whether leases are kept, once a whole window of renewals could have come."""
        has_begun = self._monotonic_s() - self._began_s > self._periods.window_s
        return has_begun and self._registry.is_self_preserving(self._now())

    def _now(self) -> Moment:
        return Moment(self._monotonic_s(), int(self._wall_s() * 1000))


def _wants_json(request: HttpRequest) -> bool:
    return "json" in request.headers.get("accept", "")


def _document(body: bytes, *, as_json: bool, status: int = OK) -> HttpResponse:
    kind = JSON if as_json else "application/xml"
    return HttpResponse(body, status=status, content_type=kind)


def _timestamp(word: str | None) -> int | None:
    """A query's timestamp. Raises BadInstance when it is none."""
    if word is None:
        return None
    if not word.isdecimal():
        raise BadInstance(f"lastDirtyTimestamp is not a number of milliseconds: {word!r}")
    return int(word)


def _no_route(request: HttpRequest) -> HttpResponse:
    return HttpResponse.of_text(f"no route {request.method} {request.path}\n", status=404)
