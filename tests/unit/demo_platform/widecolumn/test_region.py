"""Two regions of three zones through deaths, hangs, cuts, full disks and wrong clocks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from pathlib import Path

import pytest

from demo_platform.widecolumn.consistency import Consistency
from demo_platform.widecolumn.refusals import Kind, StoreRefused
from demo_platform.widecolumn.replica import StoreCapacity
from tests.unit.demo_platform.widecolumn.region import World, play

MEMBER = {"member": 7, "plan": "premium", "country": "DE"}
KEY = {"member": 7}


async def refusal(request: Awaitable[object]) -> StoreRefused:
    with pytest.raises(StoreRefused) as caught:
        await request
    return caught.value


def test_one_of_three_dead_costs_nothing_and_two_cost_the_quorum(tmp_path: Path) -> None:
    async def story() -> None:
        async with World(tmp_path, ("r1",)) as world:
            client = world.client("r1a")
            await client.write("members", MEMBER)
            world.kill("r1b")
            await client.write("members", {**MEMBER, "plan": "basic"})
            assert (await client.read("members", KEY) or {})["plan"] == "basic"
            world.kill("r1c")
            # It is not known yet that they are dead: the coordinator waits for them.
            timeout = await refusal(client.read("members", KEY))
            assert (timeout.kind, timeout.received, timeout.required) == (Kind.READ_TIMEOUT, 1, 2)
            timeout = await refusal(client.write("members", MEMBER))
            assert (timeout.kind, timeout.received, timeout.required) == (Kind.WRITE_TIMEOUT, 1, 2)
            await asyncio.sleep(6)
            now = asyncio.get_running_loop().time()
            known = await refusal(client.read("members", KEY))
            assert (known.kind, known.received, known.required) == (Kind.UNAVAILABLE, 1, 2)
            assert (await refusal(client.write("members", MEMBER))).kind is Kind.UNAVAILABLE
            assert asyncio.get_running_loop().time() - now < 0.02
            assert await client.read("members", KEY, level=Consistency.ONE) is not None

    play(story())


def test_a_cut_between_regions_leaves_the_local_levels_alone(tmp_path: Path) -> None:
    async def story() -> None:
        async with World(tmp_path) as world:
            here, there = world.client("r1a"), world.client("r2b")
            await here.write("members", MEMBER, level=Consistency.EACH_QUORUM)
            assert await there.read("members", KEY) == MEMBER
            for level in Consistency:
                assert await there.read("members", KEY, level=level) == MEMBER
            world.cut("r1", "r2")
            await asyncio.sleep(6)
            await here.write("members", {**MEMBER, "plan": "basic"})
            assert (await there.read("members", KEY) or {})["plan"] == "premium"
            for level in (Consistency.QUORUM, Consistency.EACH_QUORUM, Consistency.ALL):
                known = await refusal(here.write("members", MEMBER, level=level))
                assert known.kind is Kind.UNAVAILABLE, level
            world.network.cut.clear()
            await asyncio.sleep(5)
            assert (await there.read("members", KEY) or {})["plan"] == "basic"
            assert len(world.nodes["r1a"].hints) == 0 < world.nodes["r1a"].hints_told

    play(story())


def test_a_node_that_hung_is_told_what_it_missed(tmp_path: Path) -> None:
    async def story() -> None:
        async with World(tmp_path, ("r1",)) as world:
            client = world.client("r1a")
            hung = world.endpoint("r1c")
            world.network.hung.add(hung)
            await asyncio.sleep(8)
            await client.write("members", MEMBER)
            assert await rows_of(world, "r1c") == 0
            assert len(world.nodes["r1a"].hints) == 1
            world.network.hung.clear()
            await asyncio.sleep(5)
            assert await rows_of(world, "r1c") == 1
            assert len(world.nodes["r1a"].hints) == 0

    play(story())


def test_replicas_that_differ_are_repaired_by_a_read(tmp_path: Path) -> None:
    async def story() -> None:
        async with World(tmp_path, ("r1",)) as world:
            client = world.client("r1a")
            await client.write("members", MEMBER, level=Consistency.ALL)
            world.cut_zones("r1a", "r1c")
            world.cut_zones("r1b", "r1c")
            await client.write("members", {**MEMBER, "plan": "basic"})
            world.nodes["r1a"].hints.__init__()  # as if they had been lost
            world.network.cut.clear()
            await asyncio.sleep(3)
            stale = world.client("r1c")
            assert (await stale.read("members", KEY, level=Consistency.ONE) or {})[
                "plan"
            ] == "premium"
            assert (await stale.read("members", KEY, level=Consistency.ALL) or {})[
                "plan"
            ] == "basic"
            assert (await stale.read("members", KEY, level=Consistency.ONE) or {})[
                "plan"
            ] == "basic"
            tally = world.nodes["r1c"].coordinator.tally
            assert (tally.mismatches, tally.repaired) == (1, 1)

    play(story())


def test_a_replaced_node_has_what_its_place_should_have(tmp_path: Path) -> None:
    async def story() -> None:
        async with World(tmp_path, ("r1",)) as world:
            client = world.client("r1a")
            for member in range(300):
                await client.write("members", {**MEMBER, "member": member}, level=Consistency.ALL)
            world.kill("r1c")
            await client.delete("members", {"member": 3})
            world.start("r1c")
            await asyncio.sleep(6)
            assert world.nodes["r1c"].streamed >= 300
            own = world.client("r1c")
            assert await own.read("members", {"member": 299}, level=Consistency.ONE) is not None
            assert await own.read("members", {"member": 3}, level=Consistency.ONE) is None
            assert await client.read("members", {"member": 299}, level=Consistency.ALL) is not None

    play(story())


@pytest.mark.parametrize("skew_s", [600.0, -600.0])
def test_a_wrong_clock_loses_writes(tmp_path: Path, skew_s: float) -> None:
    """The later one by the clock wins: what is written after a skewed write is gone, or it is."""

    async def story() -> None:
        async with World(tmp_path, ("r1",)) as world:
            right, wrong = world.client("r1a"), world.client("r1b")
            await right.write("members", {**MEMBER, "plan": "first"})
            await asyncio.sleep(1)
            world.skew_s["r1b"] = skew_s
            await wrong.write("members", {**MEMBER, "plan": "skewed"})
            await asyncio.sleep(1)
            found = (await right.read("members", KEY) or {})["plan"]
            assert found == ("skewed" if skew_s > 0 else "first")
            await right.write("members", {**MEMBER, "plan": "last"})
            found = (await right.read("members", KEY) or {})["plan"]
            assert found == ("skewed" if skew_s > 0 else "last")

    play(story())


def test_a_full_disk_fails_writes_and_nothing_else(tmp_path: Path) -> None:
    async def story() -> None:
        async with World(tmp_path, ("r1",)) as world:
            client = world.client("r1a")
            await client.write("members", MEMBER, level=Consistency.ALL)
            world.kill("r1c")
            small = world.start("r1c", pages_max=4)
            await asyncio.sleep(6)
            text = "x" * 4000
            for title in range(3):
                row = {"title": title, "name": text, "runtime_s": 1}
                await ending(client.write("titles", row, level=Consistency.ALL))
            failure = await refusal(client.write("titles", row, level=Consistency.ALL))
            assert failure.kind is Kind.WRITE_FAILURE
            assert "disk full" in failure.why
            assert (failure.received, failure.required) == (2, 3)
            await client.write("titles", row)  # a quorum does without
            assert small.replica.disk_failures > 0
            assert await client.read("members", KEY, level=Consistency.ALL) == MEMBER
            assert world.nodes["r1a"].coordinator.tally.hinted > 0

    play(story())


def test_a_coordinator_that_hangs_is_asked_last_until_it_speaks(tmp_path: Path) -> None:
    async def story() -> None:
        async with World(tmp_path, ("r1",)) as world:
            client = world.client("r1a", *world.zones)
            await client.write("members", MEMBER)
            world.network.hung.add(world.endpoint("r1a"))
            loop = asyncio.get_running_loop()
            took_s = []
            for _ in range(40):
                began = loop.time()
                assert await client.read("members", KEY, level=Consistency.LOCAL_ONE) == MEMBER
                took_s.append(loop.time() - began)
                await asyncio.sleep(0.1)
            assert max(took_s) < 0.2
            assert 2 <= sum(one > 0.1 for one in took_s) <= 4
            world.network.hung.clear()
            await asyncio.sleep(5)
            await client.read("members", KEY)
            assert world.nodes["r1a"].in_flight == 0

    play(story())


def test_a_slow_replica_is_gone_round(tmp_path: Path) -> None:
    async def story() -> None:
        async with World(tmp_path, ("r1",)) as world:
            client = world.client("r1a")
            await client.write("members", MEMBER, level=Consistency.ALL)
            world.network.delays_s[world.endpoint("r1b")] = 0.1
            loop = asyncio.get_running_loop()
            for _ in range(20):
                began = loop.time()
                assert await client.read("members", KEY) == MEMBER
                assert loop.time() - began < 0.12
            assert world.nodes["r1a"].coordinator.tally.speculated > 0

    play(story())


@pytest.mark.parametrize("queue_wait_s", [0.05, 10.0])
def test_more_than_the_store_can_do_is_refused_at_once_or_times_out(
    tmp_path: Path, queue_wait_s: float
) -> None:
    async def story() -> list[str]:
        async with World(tmp_path, ("r1",)) as world:
            client = world.client("r1a")
            await client.write("members", MEMBER, level=Consistency.ALL)
            world.capacity = StoreCapacity(slots=1, read_s=0.02, queue_wait_s=queue_wait_s)
            reads = [ending(client.read("members", KEY, level=Consistency.ONE)) for _ in range(150)]
            return list(await asyncio.gather(*reads))

    ends = play(story())
    assert 6 <= ends.count("ok") <= 45
    assert {"ok", Kind.OVERLOADED if queue_wait_s < 1 else Kind.READ_TIMEOUT} <= set(ends)
    assert (Kind.OVERLOADED in ends) is (queue_wait_s < 1)


def test_what_is_in_memory_takes_no_slot(tmp_path: Path) -> None:
    async def story() -> None:
        async with World(tmp_path, ("r1",)) as world:
            client = world.client("r1a")
            key = {"title": 1, "key_id": "k", "secret": "s"}
            await client.write("members", MEMBER, level=Consistency.ALL)
            await client.write("drm_keys", key, level=Consistency.ALL)
            world.capacity = StoreCapacity(slots=1, read_s=0.1, queue_wait_s=0.0)
            busy = asyncio.create_task(client.read("members", KEY, level=Consistency.ONE))
            await asyncio.sleep(0.01)
            one = {"level": Consistency.ONE}
            assert await client.read("drm_keys", {"title": 1}, **one) == key
            assert await client.read("members", {"member": 8}, **one) is None
            assert not busy.done()
            assert await busy == MEMBER

    play(story())


async def ending(request: Awaitable[object]) -> str:
    try:
        await request
    except StoreRefused as refused:
        return refused.kind
    return "ok"


async def rows_of(world: World, zone: str) -> int:
    await asyncio.sleep(0)
    return sum(1 for _ in world.nodes[zone].replica.disk.rows())


def test_a_range_is_in_order_and_skips_what_others_know_to_be_dead(tmp_path: Path) -> None:
    async def story() -> None:
        async with World(tmp_path, ("r1",)) as world:
            client = world.client("r1a")
            partition = {"member": 1, "month": "2026-11"}
            for at_ms in range(20):
                row = {**partition, "at_ms": at_ms, "title": 1, "position_s": 2}
                await client.write("viewing_history", row, level=Consistency.ALL)
            world.cut_zones("r1a", "r1c")
            world.cut_zones("r1b", "r1c")
            for at_ms in range(12, 20):
                await client.delete("viewing_history", {**partition, "at_ms": at_ms})
            world.nodes["r1a"].hints.__init__()
            world.network.cut.clear()
            await asyncio.sleep(3)
            found = await world.client("r1c").read_range(
                "viewing_history", partition, limit=5, level=Consistency.ALL
            )
            assert [row["at_ms"] for row in found] == [11, 10, 9, 8, 7]
            found = await client.read_range("viewing_history", partition, first=3, last=5)
            assert [row["at_ms"] for row in found] == [5, 4, 3]

    play(story())
