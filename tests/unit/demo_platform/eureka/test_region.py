"""Three servers and their clients through deaths, hangs, cuts and wrong clocks."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from tests.unit.demo_platform.eureka.region import ZONES, Region

Jump = Callable[[Coroutine[Any, Any, Any]], Any]
Play = Callable[[Callable[[Region], Coroutine[Any, Any, None]]], None]

CLIENTS = 15
SETTLE_S = 6.0
EVICTED_S = 10.5
"""Two leases, an eviction's period, a read cache's, a fetch's, and half a second of haste."""


@pytest.fixture
def play(jump: Jump) -> Play:
    """Run a scene in a region, and see that no loop of it has failed."""

    def run(scene: Callable[[Region], Coroutine[Any, Any, None]]) -> None:
        async def whole() -> None:
            region = Region()
            try:
                await region.start_servers()
                await scene(region)
                assert region.failures() == []
            finally:
                await region.end()

        jump(whole())

    return run


def test_everybody_knows_everybody_soon(play: Play) -> None:
    async def scene(region: Region) -> None:
        names = await region.fill(CLIENTS)
        await asyncio.sleep(2.5)
        assert all(region.known(name) == set(names) for name in names)
        assert [region.gauge(zone, "eureka.registered") for zone in ZONES] == [CLIENTS + 3] * 3
        await asyncio.sleep(20)
        assert [region.gauge(zone, "eureka.selfPreservation") for zone in ZONES] == [0.0] * 3
        assert [region.gauge(zone, "eureka.evicted") for zone in ZONES] == [0.0] * 3

    play(scene)


def test_each_asks_its_own_zone_only_while_that_answers(play: Play) -> None:
    async def scene(region: Region) -> None:
        await region.fill(CLIENTS)
        await asyncio.sleep(SETTLE_S)
        region.asked.clear()
        await asyncio.sleep(10)
        per_s = {pair: count / 10 for pair, count in region.asked.items()}
        for zone in ZONES:
            assert per_s[zone, zone] == pytest.approx(2 * CLIENTS / 3, rel=0.1)
            others = [per_s[zone, other] for other in ZONES if other != zone]
            assert max(others) < 3  # batches between the servers, no more

    play(scene)


def test_whoever_leaves_is_forgotten_at_once(play: Play) -> None:
    async def scene(region: Region) -> None:
        names = await region.fill(CLIENTS)
        await asyncio.sleep(SETTLE_S)
        await region.leave("i-0")
        await asyncio.sleep(2.6)
        assert all(region.known(name) == set(names[1:]) for name in names[1:])

    play(scene)


def test_whoever_is_killed_is_evicted_by_the_originals_rules(play: Play) -> None:
    async def scene(region: Region) -> None:
        names = await region.fill(CLIENTS)
        await asyncio.sleep(SETTLE_S)
        region.kill("i-0")
        await asyncio.sleep(5.0)
        assert all("i-0" in region.known(name) for name in names[1:])
        await asyncio.sleep(EVICTED_S - 5.0)
        assert all(region.known(name) == set(names[1:]) for name in names[1:])

    play(scene)


def test_a_killed_zone_is_kept_and_its_replacements_are_known(play: Play) -> None:
    async def scene(region: Region) -> None:
        names = await region.fill(CLIENTS)
        await asyncio.sleep(SETTLE_S)
        region.kill("server-b", *names[1::3])
        await asyncio.sleep(15)
        left = [name for name in names if name not in names[1::3]]
        assert [region.gauge(zone, "eureka.selfPreservation") for zone in "ac"] == [1.0, 1.0]
        assert all(region.known(name) == set(names) for name in left)
        await region.start_server("b", life=2)
        fresh = [f"i-new-{n}" for n in range(len(names[1::3]))]
        for name in fresh:
            region.start_client(name, "b")
        await asyncio.sleep(2.6)
        assert all(region.known(name) == {*names, *fresh} for name in (*left, *fresh))

    play(scene)


def test_a_cut_zone_comes_back_as_if_nothing_had_been(play: Play) -> None:
    async def scene(region: Region) -> None:
        names = await region.fill(CLIENTS)
        await asyncio.sleep(SETTLE_S)
        region.cut.add("c")
        await asyncio.sleep(15)
        assert [region.gauge(zone, "eureka.registered") for zone in ZONES] == [CLIENTS + 3] * 3
        region.cut.clear()
        await asyncio.sleep(8)
        assert [region.gauge(zone, "eureka.selfPreservation") for zone in ZONES] == [0.0] * 3
        assert all(region.known(name) == set(names) for name in names)

    play(scene)


def test_without_its_zones_server_an_instance_goes_to_another_and_stays_up(play: Play) -> None:
    async def scene(region: Region) -> None:
        names = await region.fill(CLIENTS)
        await asyncio.sleep(SETTLE_S)
        region.kill("server-a")
        await asyncio.sleep(15)
        assert [region.gauge(zone, "eureka.selfPreservation") for zone in "bc"] == [0.0, 0.0]
        assert all(region.known(name) == set(names) for name in names)
        await region.start_server("a", life=2)
        await asyncio.sleep(10)
        assert region.gauge("a", "eureka.registered") == CLIENTS + 3
        assert all(region.known(name) == set(names) for name in names)

    play(scene)


def test_a_hung_server_costs_its_clients_nothing_but_a_timeout(play: Play) -> None:
    async def scene(region: Region) -> None:
        names = await region.fill(CLIENTS)
        await asyncio.sleep(SETTLE_S)
        region.hung.add("b")
        region.start_client("i-late", "b")
        await asyncio.sleep(4)
        assert all("i-late" in region.known(name) for name in names)
        region.hung.clear()
        await asyncio.sleep(8)
        assert region.gauge("b", "eureka.registered") == CLIENTS + 4

    play(scene)


def test_without_any_server_the_last_copy_is_kept(play: Play) -> None:
    async def scene(region: Region) -> None:
        names = await region.fill(9)
        await asyncio.sleep(SETTLE_S)
        region.kill("server-a", "server-b", "server-c")
        await asyncio.sleep(20)
        assert all(region.known(name) == set(names) for name in names)
        await region.start_servers()
        await asyncio.sleep(8)
        assert [region.gauge(zone, "eureka.registered") for zone in ZONES] == [12] * 3
        assert all(region.known(name) == set(names) for name in names)

    play(scene)


def test_who_needs_the_registry_knows_nobody_while_it_is_silent(play: Play) -> None:
    async def scene(region: Region) -> None:
        names = await region.fill(9)
        region.start_client("i-strict", "a", forgets=True)
        names.append("i-strict")
        await asyncio.sleep(SETTLE_S)
        assert region.gauge("i-strict", "discovery.age") < 1.1
        region.hung.update(ZONES)
        await asyncio.sleep(2)
        assert region.known("i-strict") == set(names)
        await asyncio.sleep(4)
        assert region.known("i-strict") == set()
        assert region.gauge("i-strict", "discovery.age") > 4.0
        assert region.known("i-0") == set(names)
        region.hung.clear()
        await asyncio.sleep(3)
        assert all(region.known(name) == set(names) for name in names)

    play(scene)


@pytest.mark.parametrize("skew_s", [600.0, -600.0])
def test_a_wrong_clock_harms_nobody(play: Play, skew_s: float) -> None:
    async def scene(region: Region) -> None:
        skew = 0.0
        region.start_client("i-skewed", "a", skew_s=lambda: skew)
        names = ["i-skewed", *await region.fill(CLIENTS)]
        await asyncio.sleep(SETTLE_S)
        skew = skew_s
        region.kill("server-a", "server-b", "server-c")
        await asyncio.sleep(1)
        await region.start_servers()
        for _ in range(2):  # all register anew while the clock is wrong, and right again
            await asyncio.sleep(10)
            assert all(region.known(name) == set(names) for name in names)
            assert [region.gauge(zone, "eureka.evicted") for zone in ZONES] == [0.0] * 3
            skew = 0.0

    play(scene)


def test_an_instance_that_starts_is_not_called_until_it_knows_the_others(play: Play) -> None:
    async def scene(region: Region) -> None:
        await region.fill(6)
        await asyncio.sleep(SETTLE_S)
        seen: list[set[str]] = []
        region.start_client("i-late", "a")
        assert region.gauge("i-late", "discovery.status") == 0.0
        for _ in range(40):
            await asyncio.sleep(0.1)
            if any("i-late" in region.known(f"i-{n}") for n in range(6)):
                seen.append(region.known("i-late"))
        assert seen
        assert region.gauge("i-late", "discovery.status") == 1.0
        assert all(len(known) >= 6 for known in seen)

    play(scene)
