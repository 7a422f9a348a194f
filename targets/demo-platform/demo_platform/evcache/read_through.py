"""What services use: a value from the cache, or made and kept there for the next who asks.

Three habits keep a cold or an expiring cache from sending everybody to the store behind it at
once. Lifetimes are spread, so that what was stored together does not expire together; of the
requests that miss the same key, one makes the value and the others wait for it (*single flight*);
and a value that is a little too old is still handed out while a new one is made. Each can be
switched off, to see what it is for; `policy` is asked at each use.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

import msgspec

from demo_platform.evcache.client import CacheClient, Quorum
from demo_platform.evcache.codec import TooLarge
from demo_platform.metrics import Meters
from demo_platform.service import Body, CacheUse, ServiceFailed

OUTCOMES = ("fresh", "stale", "made", "joined", "failed")
CLOCKS_DIFFER_S = 5.0
"""A value from further in the future was made by somebody whose clock is wrong: it is old."""


@dataclass(frozen=True, slots=True)
class CachePolicy:
    """How a cache is used right now. jitter_ratio: share of a lifetime that is left to chance."""

    jitter_ratio: float = 0.2
    has_single_flight: bool = True
    serves_stale: bool = True
    reads_other_zones: bool = True


class _Kept(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """A value as it lies in the cache. fresh_s: how long after made_at_s it is not stale."""

    made_at_s: float
    fresh_s: float
    body: dict[str, object]


_decoder = msgspec.json.Decoder(_Kept)
_encoder = msgspec.json.Encoder()

Make = Callable[[], Awaitable[Body]]


class ReadThrough:
    """The cache of one service."""

    def __init__(
        self,
        use: CacheUse,
        client: CacheClient,
        *,
        policy: Callable[[], CachePolicy],
        meters: Meters,
        rng: random.Random,
        wall_clock: Callable[[], float],
    ) -> None:
        self._use = use
        self._client = client
        self._policy = policy
        self._rng = rng
        self._wall_clock = wall_clock
        self._flights: dict[str, asyncio.Task[Body]] = {}
        self._strays: set[asyncio.Task[Body]] = set()
        self._counters = {
            outcome: meters.counter("evcache.fetches", cache=use.app, outcome=outcome)
            for outcome in OUTCOMES
        }

    async def fetch(self, key: str, make: Make) -> Body:
        """The value under a key: kept, or made. Raises what `make` raises."""
        kept = await self._look_up(key)
        policy = self._policy()
        if kept is not None:
            age_s = self._wall_clock() - kept.made_at_s
            if -CLOCKS_DIFFER_S < age_s < kept.fresh_s:
                self._counters["fresh"].add()
                return kept.body
            if policy.serves_stale:
                self._counters["stale"].add()
                self._fly(key, make, policy)
                return {**kept.body, "stale": True}
        is_first, flight = self._fly(key, make, policy)
        try:
            made = await asyncio.shield(flight)
        except ServiceFailed:
            self._counters["failed"].add()
            raise
        self._counters["made" if is_first else "joined"].add()
        return made

    async def put(self, key: str, value: Body) -> None:
        """Keep a value that has changed in every zone; other regions are told."""
        self._keep(key, value, self._policy(), is_change=True)

    async def forget(self, key: str) -> None:
        """Have every zone forget a value that has changed."""
        await self._client.delete(key)

    async def _look_up(self, key: str) -> _Kept | None:
        found = await self._client.get(key)
        if found is None:
            return None
        try:
            return _decoder.decode(found)
        except msgspec.MsgspecError:
            self._client.poisoned(key)
            return None

    def _fly(self, key: str, make: Make, policy: CachePolicy) -> tuple[bool, asyncio.Task[Body]]:
        """The task that makes the value, and whether it was started just now."""
        running = self._flights.get(key)
        if running is not None and policy.has_single_flight:
            return False, running
        flight = asyncio.get_running_loop().create_task(self._make(key, make, policy))
        self._flights[key] = flight
        self._strays.add(flight)  # the loop itself holds a task only weakly
        flight.add_done_callback(lambda done: self._landed(key, done))
        return True, flight

    def _landed(self, key: str, flight: asyncio.Task[Body]) -> None:
        self._strays.discard(flight)
        if self._flights.get(key) is flight:
            del self._flights[key]
        if not flight.cancelled():
            # Nobody may be waiting: a refresh that failed has told whom it concerns by its metric.
            flight.exception()

    async def _make(self, key: str, make: Make, policy: CachePolicy) -> Body:
        body = await make()
        self._keep(key, body, policy, is_change=False)
        return body

    def _keep(self, key: str, body: Body, policy: CachePolicy, *, is_change: bool) -> None:
        fresh_s = self._use.ttl_s * (1 - policy.jitter_ratio * self._rng.random())
        kept_s = fresh_s + (self._use.stale_s if policy.serves_stale else 0.0)
        data = _encoder.encode([self._wall_clock(), fresh_s, body])
        # A value that is too large for a cache is a value nevertheless.
        with suppress(TooLarge):
            self._client.set(key, data, ttl_s=kept_s, quorum=Quorum.ANY, is_change=is_change)
