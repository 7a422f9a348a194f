"""What a service is: its capacity, what it depends on, and a function for each of its routes.

A route's function is handed the request and the node it runs on, asks other services through
`Node.calls`, and returns the answer as a mapping. It raises ServiceFailed when it cannot answer.
Sockets, queues, deadlines and metrics are the business of `server.py` and `client.py`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

Body = Mapping[str, object]

CAUSE_HEADER = "x-failed-service"
REQUEST_ID_HEADER = "x-request-id"
RETRY_HEADER = "x-retry-attempt"


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
    """

    service: str
    timeout_s: float
    is_optional: bool = False
    in_flight_max: int = 32


@dataclass(frozen=True, slots=True)
class Request:
    """What a route's function is handed; `deadline` is a reading of the event loop's clock."""

    route: str
    body: Body
    deadline: float
    request_id: str


class ServiceFailed(Exception):
    """A request that cannot be answered, and the service that failed first.

    status: 503 refused for lack of capacity, 502 something it needs failed, 504 out of time.
    """

    def __init__(self, cause: str, status: int, why: str) -> None:
        super().__init__(f"{cause}: {why}")
        self.cause = cause
        self.status = status


class Calls(Protocol):
    """How a route's function reaches other services."""

    async def call(self, service: str, route: str, body: Body, request: Request) -> Body:
        """The service's answer, or its fallback. Raises ServiceFailed when there is neither."""


@dataclass(frozen=True, slots=True)
class Node:
    """The instance that a route's function runs on."""

    id: str
    zone: str
    calls: Calls


Route = Callable[[Request, Node], Awaitable[Body]]


@dataclass(frozen=True, slots=True)
class Service:
    """A row of the SERVICES table."""

    name: str
    capacity: Capacity
    routes: Mapping[str, Route]
    dependencies: tuple[Dependency, ...] = ()
