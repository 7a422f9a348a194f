"""What a service is: its capacity, what it depends on, and a function for each of its routes.

A route's function is handed the request and the node it runs on, asks other services through
`Node.calls`, and returns the answer as a mapping. It raises ServiceFailed when it cannot answer.
Sockets, queues, deadlines and metrics are the business of `server.py` and `client.py`.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from demo_platform.resilience.memory import LateWrites, Memory
from demo_platform.tracing.tracer import UNTRACED, Span

if TYPE_CHECKING:
    from demo_platform.zuul.fit import Faults

from demo_platform.widecolumn.behind import WritesBehind
from demo_platform.widecolumn.store import NO_STORE, WideColumnStore

Body = Mapping[str, object]

CAUSE_HEADER = "x-failed-service"
REQUEST_ID_HEADER = "x-request-id"
RETRY_HEADER = "x-retry-attempt"
PRIORITY_HEADER = "x-priority"
MEMBER_HEADER = "x-member"
COHORT_HEADER = "x-cohort"
"""Of a member who is in a cohort: "control" or "experiment"."""


class Wire(StrEnum):
    """The protocol in which other services call one."""

    HTTP = "http"
    GRPC = "grpc"
    RSOCKET = "rsocket"


@dataclass(frozen=True, slots=True)
class Capacity:
    """How much an instance can do: `slots` requests at once, each for its route's `work_s`.

    slots_without_headroom: what the switch `no-headroom` leaves of the slots.
    in_flight_max: requests that are inside, working, queueing or waiting for another service.
    """

    slots: int
    work_s: float
    work_s_by_route: Mapping[str, float] = field(default_factory=dict)
    slots_without_headroom: int | None = None
    queue_wait_s: float = 0.4
    queue_wait_s_by_route: Mapping[str, float] = field(default_factory=dict)
    in_flight_max: int = 64


@dataclass(frozen=True, slots=True)
class Dependency:
    """A service that another one calls.

    timeout_s: for each try, within the request's deadline.
    is_optional: the caller has a fallback (resilience/fallback.py) and does not wait twice.
    keeps_last: that fallback is what the service answered last on the same route.
    """

    service: str
    timeout_s: float
    is_optional: bool = False
    in_flight_max: int = 32
    keeps_last: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """What a route's function is handed; `deadline` is a reading of the event loop's clock.

    faults: what is to be done to this request's calls, and to no other's (zuul/fit.py).
    trace: the request's span; calls that are made for it are a part of it.
    priority: what the edge has made of it, as it goes on from hop to hop; empty if it has not.
    """

    route: str
    body: Body
    deadline: float
    request_id: str
    faults: Faults | None = None
    trace: Span = UNTRACED
    priority: str = ""


class ServiceFailed(Exception):
    """A request that cannot be answered, and the service that failed first.

    status: 503 refused for lack of capacity, 502 something it needs failed, 504 out of time, 500 an
    error of its own.
    """

    def __init__(self, cause: str, status: int, why: str) -> None:
        super().__init__(f"{cause}: {why}")
        self.cause = cause
        self.status = status


@dataclass(frozen=True, slots=True)
class CacheUse:
    """How a service uses the cache: under which name, and for how long a value is good.

    stale_s: how long after that a value is still handed out while a new one is made.
    """

    app: str
    ttl_s: float
    stale_s: float


class Cache(Protocol):
    """What a route's function keeps values in that are asked for often."""

    async def fetch(self, key: str, make: Callable[[], Awaitable[Body]]) -> Body:
        """The value under a key, made if it is not there. Raises what `make` raises."""

    async def put(self, key: str, value: Body) -> None:
        """Keep a value that has changed; other regions are told to make it again."""

    async def forget(self, key: str) -> None:
        """Have a value that has changed be made again, in every zone and region."""


class NoCache:
    """The cache of a service that declares none: every value is made."""

    async def fetch(self, key: str, make: Callable[[], Awaitable[Body]]) -> Body:
        """Make the value."""
        del key
        return await make()

    async def put(self, key: str, value: Body) -> None:
        """Nothing is kept."""

    async def forget(self, key: str) -> None:
        """Nothing is kept."""


NO_CACHE = NoCache()


class Calls(Protocol):
    """How a route's function reaches other services."""

    async def call(self, service: str, route: str, body: Body, request: Request) -> Body:
        """The service's answer, or its fallback. Raises ServiceFailed when there is neither."""


@dataclass(frozen=True, slots=True)
class Node:
    """The instance that a route's function runs on.

    seed: the world's, from which whoever signs or checks a token has the key.
    wall_clock: seconds since 1970, as this machine believes.
    memory: answers that the instance keeps for when it can get no new ones.
    late: writes that could not be made yet. behind: rows that are written a little later.
    """

    id: str
    zone: str
    calls: Calls
    cache: Cache = NO_CACHE
    store: WideColumnStore = NO_STORE
    seed: int = 0
    wall_clock: Callable[[], float] = time.time
    memory: Memory = field(default_factory=Memory)
    late: LateWrites = field(default_factory=LateWrites)
    behind: WritesBehind = field(default_factory=lambda: WritesBehind(NO_STORE))


Route = Callable[[Request, Node], Awaitable[Body]]


@dataclass(frozen=True, slots=True)
class Service:
    """A row of the SERVICES table.

    one_way: routes whose answer nobody waits for, where the protocol can say so.
    streamed: routes that answer with a list under their own name, sent as it is asked for.
    """

    name: str
    capacity: Capacity
    routes: Mapping[str, Route]
    dependencies: tuple[Dependency, ...] = ()
    wire: Wire = Wire.HTTP
    one_way: frozenset[str] = frozenset()
    streamed: frozenset[str] = frozenset()
    cache: CacheUse | None = None
    uses_store: bool = False
