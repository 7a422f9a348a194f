"""Values are made once, spread in time, handed out a little too old; and all that switched off."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from demo_platform.evcache.client import CacheClient
from demo_platform.evcache.read_through import CachePolicy, ReadThrough
from demo_platform.metrics import Meters
from demo_platform.service import NO_CACHE, Body, CacheUse, ServiceFailed
from tests.unit.demo_platform.evcache.test_client import play
from tests.unit.demo_platform.evcache.zones import Zones

USE = CacheUse("app", ttl_s=10.0, stale_s=20.0)
WORKS = 0.02
LONG_S = 0.5
"""Long enough for all of many to ask meanwhile, on a busy machine too."""


class Chance:
    """Draws the same number each time."""

    def __init__(self, drawn: float = 0.0) -> None:
        self.drawn = drawn

    def random(self) -> float:
        return self.drawn


@dataclass
class Store:
    """What is behind the cache."""

    version: int = 1
    works_s: float = WORKS
    made: int = 0
    fails: bool = False
    at_once: int = 0
    at_once_max: int = 0
    asked: list[int] = field(default_factory=list)

    async def make(self) -> Body:
        self.made += 1
        self.at_once += 1
        self.at_once_max = max(self.at_once, self.at_once_max)
        await asyncio.sleep(self.works_s)
        self.at_once -= 1
        if self.fails:
            raise ServiceFailed("store", 502, "as told")
        return {"version": self.version}


@dataclass
class Bench:
    """A cache, its store and the time, in one zone or more."""

    zones: Zones
    store: Store
    cache: ReadThrough
    client: CacheClient
    chance: Chance

    async def fetch(self, key: str = "k") -> int:
        body = await self.cache.fetch(key, self.store.make)
        await asyncio.sleep(0.01)  # what was made is written behind the answer
        version = body["version"]
        assert isinstance(version, int)
        return version


def with_cache(
    scene: Callable[[Bench], Awaitable[None]], policy: CachePolicy | None = None
) -> None:
    async def whole(zones: Zones) -> None:
        client, chance = zones.client("a"), Chance()
        policy_now = policy or CachePolicy()
        cache = ReadThrough(
            USE,
            client,
            policy=lambda: policy_now,
            meters=Meters({}),
            rng=chance,  # type: ignore[arg-type]
            wall_clock=lambda: zones.now,
        )
        await scene(Bench(zones, Store(), cache, client, chance))

    play(whole, "a")


def test_a_value_is_made_once_and_then_kept() -> None:
    async def scene(bench: Bench) -> None:
        assert [await bench.fetch() for _ in range(5)] == [1] * 5
        assert bench.store.made == 1
        assert await bench.fetch("other") == 1
        assert bench.store.made == 2

    with_cache(scene)


def test_of_many_that_miss_together_one_makes_the_value() -> None:
    async def scene(bench: Bench) -> None:
        bench.store.works_s = LONG_S
        assert await asyncio.gather(*(bench.fetch() for _ in range(20))) == [1] * 20
        assert bench.store.made == 1

    with_cache(scene)


def test_without_single_flight_everybody_makes_it() -> None:
    async def scene(bench: Bench) -> None:
        bench.store.works_s = LONG_S
        await asyncio.gather(*(bench.fetch() for _ in range(20)))
        assert bench.store.made == bench.store.at_once_max == 20

    with_cache(scene, CachePolicy(has_single_flight=False))


def test_an_old_value_is_handed_out_while_a_new_one_is_made() -> None:
    async def scene(bench: Bench) -> None:
        await bench.fetch()
        bench.store.version = 2
        bench.zones.now += 15
        assert await asyncio.gather(*(bench.fetch() for _ in range(10))) == [1] * 10
        await asyncio.sleep(3 * WORKS)
        assert await bench.fetch() == 2
        assert bench.store.made == 2
        bench.zones.now += 31
        bench.store.version = 3
        assert await bench.fetch() == 3

    with_cache(scene)


def test_an_old_value_says_so() -> None:
    async def scene(bench: Bench) -> None:
        assert await bench.cache.fetch("key", bench.store.make) == {"version": 1}
        bench.zones.now += 15
        bench.store.fails = True
        old = await bench.cache.fetch("key", bench.store.make)
        assert old == {"version": 1, "stale": True}

    with_cache(scene)


def test_a_value_that_was_put_is_what_everybody_gets() -> None:
    async def scene(bench: Bench) -> None:
        await bench.fetch()
        await bench.cache.put("k", {"version": 9})
        await asyncio.sleep(0.01)
        assert await bench.fetch() == 9
        assert bench.store.made == 1

    with_cache(scene)


def test_without_stale_reads_everybody_waits_for_the_new_one() -> None:
    async def scene(bench: Bench) -> None:
        await bench.fetch()
        bench.store.version = 2
        bench.zones.now += 11
        assert await bench.fetch() == 2

    with_cache(scene, CachePolicy(serves_stale=False))


def test_an_old_value_outlives_a_store_that_fails() -> None:
    async def scene(bench: Bench) -> None:
        await bench.fetch()
        bench.store.fails = True
        bench.zones.now += 15
        for _ in range(3):
            assert await bench.fetch() == 1
            await asyncio.sleep(2 * WORKS)
        assert bench.store.made == 4

    with_cache(scene)


def test_a_failure_reaches_everybody_who_waits_and_is_not_kept() -> None:
    async def scene(bench: Bench) -> None:
        bench.store.fails = True
        results = await asyncio.gather(*(bench.fetch() for _ in range(5)), return_exceptions=True)
        assert [type(result) for result in results] == [ServiceFailed] * 5
        bench.store.fails = False
        assert await bench.fetch() == 1
        assert bench.store.made == 2

    with_cache(scene)


def test_who_gives_up_waiting_does_not_end_it_for_the_others() -> None:
    async def scene(bench: Bench) -> None:
        first = asyncio.create_task(bench.fetch())
        await asyncio.sleep(0.005)
        second = asyncio.create_task(bench.fetch())
        await asyncio.sleep(0.005)
        first.cancel()
        assert await second == 1
        assert bench.store.made == 1

    with_cache(scene)


@pytest.mark.parametrize(("drawn", "fresh_s"), [(0.0, 10.0), (0.5, 9.0), (1.0, 8.0)])
def test_lifetimes_are_spread(drawn: float, fresh_s: float) -> None:
    async def scene(bench: Bench) -> None:
        bench.chance.drawn = drawn
        await bench.fetch()
        bench.zones.now += fresh_s - 0.1
        await bench.fetch()
        await asyncio.sleep(2 * WORKS)
        assert bench.store.made == 1
        bench.zones.now += 0.2
        await bench.fetch()
        await asyncio.sleep(2 * WORKS)
        assert bench.store.made == 2

    with_cache(scene)


def test_without_jitter_what_was_stored_together_ends_together() -> None:
    async def scene(bench: Bench) -> None:
        bench.chance.drawn = 1.0
        await bench.fetch()
        bench.zones.now += 9.9
        await bench.fetch()
        assert bench.store.made == 1

    with_cache(scene, CachePolicy(jitter_ratio=0.0))


@pytest.mark.parametrize(
    "poison",
    [
        b"",
        b"x",
        b"[]",
        b'{"version":9}',
        b"[1e9,10,5]",
        b"[1e9,10]",
        b'[0,"a",{}]',
        b"[1e9,10,{},1]",
    ],
)
def test_poison_is_made_anew(poison: bytes) -> None:
    async def scene(bench: Bench) -> None:
        await bench.client.set("k", poison, ttl_s=100)
        assert await bench.fetch() == 1
        assert await bench.fetch() == 1
        assert bench.store.made == 1

    with_cache(scene)


@pytest.mark.parametrize("skew_s", [600, -600])
def test_a_value_from_a_wrong_clock_is_old_at_worst(skew_s: float) -> None:
    async def scene(bench: Bench) -> None:
        ahead = b'[%d,10,{"version":7}]' % (bench.zones.now + skew_s)
        await bench.client.set("k", ahead, ttl_s=100)
        assert await bench.fetch() == 7
        await asyncio.sleep(2 * WORKS)
        assert await bench.fetch() == 1
        assert bench.store.made == 1

    with_cache(scene)


def test_what_is_forgotten_is_made_anew() -> None:
    async def scene(bench: Bench) -> None:
        await bench.fetch()
        bench.store.version = 2
        await bench.cache.forget("k")
        assert await bench.fetch() == 2

    with_cache(scene)


def test_what_is_too_large_for_a_cache_is_made_each_time() -> None:
    async def scene(bench: Bench) -> None:
        noise = random.Random(1).randbytes(4_000_000).hex()

        async def make() -> Body:
            bench.store.made += 1
            return {"noise": noise}

        for _ in range(2):
            assert await bench.cache.fetch("k", make) == {"noise": noise}
        assert bench.store.made == 2

    with_cache(scene)


def test_with_every_node_lost_values_are_still_made() -> None:
    async def scene(bench: Bench) -> None:
        await bench.fetch()
        bench.zones.kill("a0")
        assert [await bench.fetch() for _ in range(3)] == [1] * 3
        assert bench.store.made == 4

    with_cache(scene)


def test_a_service_without_a_cache_makes_every_value() -> None:
    async def scene() -> None:
        store = Store()
        for _ in range(3):
            assert await NO_CACHE.fetch("k", store.make) == {"version": 1}
        await NO_CACHE.forget("k")
        assert store.made == 3

    asyncio.run(scene())
