"""A client on a pool that answers from a script."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest

from demo_platform.balancer import Peer
from demo_platform.client import Client
from demo_platform.eureka.listing import Registered
from demo_platform.hystrix.properties import CommandProperties
from demo_platform.knobs import Knobs
from demo_platform.metrics import Meters
from demo_platform.pool import Pool
from demo_platform.service import Body, Dependency, Request, ServiceFailed
from demo_platform.transport import Ending, Reply
from demo_platform.zuul.fit import carried
from tests.metric_lines import counted

Jump = Callable[[Coroutine[Any, Any, Any]], Any]

OK = Reply(Ending.ANSWERED, b'{"fine":true}')
SHED = Reply(Ending.SHED, cause="catalog")
DEEPER = Reply(Ending.FAILED, cause="customer")
FAILED = Reply(Ending.FAILED, cause="catalog")
SILENT = Reply(Ending.TIMED_OUT)
GONE = Reply(Ending.UNREACHABLE)
SNAPSHOT_S = 0.1
DEPENDENCIES = (
    Dependency("catalog", timeout_s=0.3, in_flight_max=2),
    Dependency("abtest", timeout_s=0.1, is_optional=True),
    Dependency("recs", timeout_s=0.2, is_optional=True),
    Dependency("steering", timeout_s=0.2, is_optional=True, keeps_last=True),
)


class ScriptedPool(Pool):
    """Answers from a script; the last line is repeated for ever."""

    def __init__(self, *replies: Reply, instances: int = 3, takes_s: float = 0.0) -> None:
        self.replies = list(replies)
        self.takes_s = takes_s
        self.peers = [
            Peer(Registered(f"i-{n}", "x", "r", "abc"[n], "127.0.0.1", 1, "UP"))
            for n in range(instances)
        ]
        self.calls: list[tuple[str, dict[str, str], float]] = []
        self.avoided: list[frozenset[str]] = []
        self.routes: list[str] = []

    def choose(
        self, service: str, *, tried: Sequence[Peer], avoid_zones: frozenset[str]
    ) -> Peer | None:
        self.avoided.append(avoid_zones)
        return next((peer for peer in self.peers if peer not in tried), None)

    async def post(
        self, peer: Peer, route: str, *, body: bytes, headers: dict[str, str], timeout_s: float
    ) -> Reply:
        self.calls.append((peer.id, headers, timeout_s))
        self.routes.append(route)
        await asyncio.sleep(self.takes_s)
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


class Scene:
    """A client on a scripted pool; must be made inside a running loop."""

    def __init__(self, pool: ScriptedPool, *on: str) -> None:
        knobs = Knobs()
        for name in on:
            knobs.set(name, True)
        self.pool = pool
        self.knobs = knobs
        self.meters = Meters({})
        self.client = Client(
            DEPENDENCIES, pool=pool, knobs=knobs, meters=self.meters, scopes=("api", "i-7")
        )

    async def call(
        self, service: str = "catalog", *, left_s: float = 1.0, fit: str | None = None
    ) -> Body:
        deadline = asyncio.get_running_loop().time() + left_s
        request = Request("play", {}, deadline, "r-1", carried(fit))
        route = {"abtest": "allocate", "recs": "rows"}.get(service, "title")
        return await self.client.call(service, route, {}, request)

    def calls_made(self) -> dict[str, int]:
        """How many tries there were, by route."""
        return dict(Counter(self.pool.routes))

    def properties(self, service: str) -> CommandProperties:
        return self.client.runtime.commands[service].properties

    def counted(self) -> dict[str, float]:
        """Series that are not 0; of attempts those that were not the first."""
        every = counted(self.meters)
        return {key: n for key, n in every.items() if not key.startswith("initial ")}


def failure(coroutine: Coroutine[Any, Any, Any]) -> Coroutine[Any, Any, tuple[str, int]]:
    """The cause and status that a call fails with."""

    async def run() -> tuple[str, int]:
        with pytest.raises(ServiceFailed) as caught:
            await coroutine
        return caught.value.cause, caught.value.status

    return run()
