"""A client among three zones of real nodes: what is read where, and what is written everywhere."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from demo_platform.evcache.changes import Change
from demo_platform.evcache.client import Quorum
from demo_platform.evcache.connection import ConnectionRule
from demo_platform.evcache.replicas import NodeAddress
from tests.unit.demo_platform.evcache.zones import PATIENT, Zones, counted

Scene = Callable[[Zones], Awaitable[None]]


def play(scene: Scene, names: str = "abc") -> None:
    async def whole() -> None:
        zones = await Zones.started(names)
        try:
            async with asyncio.timeout(20):
                await scene(zones)
        finally:
            await zones.stop()

    asyncio.run(whole())


def test_a_write_is_in_every_zone_and_a_read_asks_the_own_one() -> None:
    async def scene(zones: Zones) -> None:
        client = zones.client("b")
        written = await client.set("k", b"v", ttl_s=9.2, quorum=Quorum.ALL)
        assert (written.is_good, written.zones, written.failed) == (True, 3, 0)
        assert all(zones.held(name) == {b"app:k": b"v"} for name in zones.nodes)
        assert await client.get("k") == b"v"
        assert [node.counts.cmd_get for node in zones.nodes.values()] == [0, 1, 0]
        zones.now += 9.5
        assert await client.get("k") == b"v"
        zones.now += 1
        assert await client.get("k") is None

    play(scene)


def test_a_very_long_lifetime_is_cut_and_not_taken_for_an_instant() -> None:
    async def scene(zones: Zones) -> None:
        client = zones.client("a")
        await client.set("k", b"v", ttl_s=400 * 86400, quorum=Quorum.ALL)
        zones.now += 29 * 86400
        assert await client.get("k") == b"v"

    play(scene)


def test_delete_and_touch_go_everywhere() -> None:
    async def scene(zones: Zones) -> None:
        client = zones.client()
        for key in ("k", "l"):
            await client.set(key, b"v", ttl_s=10, quorum=Quorum.ALL)
        assert (await client.delete("k")).is_good
        assert (await client.delete("k")).is_good
        assert (await client.touch("l", ttl_s=100, quorum=Quorum.ALL)).is_good
        zones.now += 50
        assert all(zones.held(name) == {b"app:l": b"v"} for name in zones.nodes)

    play(scene)


def test_a_miss_in_the_own_zone_is_looked_for_in_another() -> None:
    async def scene(zones: Zones) -> None:
        client = zones.client("a")
        await client.set("k", b"v", ttl_s=10, quorum=Quorum.ALL)
        zones.nodes["a0"].storage.flush(0, zones.now)
        assert await client.get("k") == b"v"
        assert counted(zones.meters, "evcache.client.reads", zone="a", result="miss") == 1

    play(scene)


def test_only_a_share_of_the_misses_is_looked_for_elsewhere() -> None:
    async def scene(zones: Zones) -> None:
        client = zones.client("a")
        for n in range(100):
            assert await client.get(f"k{n}") is None
        elsewhere = sum(zones.nodes[name].counts.cmd_get for name in ("b1", "c2"))
        assert 20 <= elsewhere <= 35  # the first ten are saved up, then every fifth

    play(scene)


def test_no_other_zone_is_asked_when_that_is_switched_off() -> None:
    async def scene(zones: Zones) -> None:
        client = zones.client("a", reads_other_zones=lambda: False)
        await client.set("k", b"v", ttl_s=10, quorum=Quorum.ALL)
        zones.nodes["a0"].storage.flush(0, zones.now)
        assert await client.get("k") is None

    play(scene)


def test_whom_nobody_can_be_asked_for_in_two_zones_is_read_in_the_third() -> None:
    async def scene(zones: Zones) -> None:
        client = zones.client("a", ConnectionRule(timeout_s=2.0))
        await client.set("k", b"v", ttl_s=100, quorum=Quorum.ALL)
        for name in ("a0", "b1"):
            zones.kill(name)
        await asyncio.sleep(0.02)
        for _ in range(30):
            assert await client.get("k") == b"v"

    play(scene)


def test_a_zone_without_its_node_reads_in_others_and_is_fixed_up_when_it_is_back() -> None:
    async def scene(zones: Zones) -> None:
        client = zones.client("a", ConnectionRule(timeout_s=2.0, rest_s=0.01, rest_s_max=0.01))
        await client.set("k", b"old", ttl_s=100, quorum=Quorum.ALL)
        zones.servers["a0"].close()
        zones.nodes["a0"].hang_up()
        await asyncio.sleep(0.02)
        assert not (await client.set("k", b"new", ttl_s=100, quorum=Quorum.ALL)).is_good
        assert (await client.set("k", b"new", ttl_s=100)).is_good
        for _ in range(30):
            assert await client.get("k") == b"new"
        assert zones.held("a0") == {b"app:k": b"old"}
        assert len(client.fix_ups) == 1
        await client.fix_up()
        assert len(client.fix_ups) == 1
        address = zones.found[0]
        again = await zones.nodes["a0"].listen(address.address, address.port)
        for _ in range(100):
            await client.fix_up()
            if not len(client.fix_ups):
                break
            await asyncio.sleep(0.02)
        assert zones.held("a0") == {}
        assert await client.get("k") == b"new"
        again.close()

    play(scene)


def test_a_later_write_that_arrives_needs_no_fixing() -> None:
    async def scene(zones: Zones) -> None:
        client = zones.client("a")
        found, zones.found = zones.found, zones.found[:2]
        await client.set("k", b"1", ttl_s=10, quorum=Quorum.ALL)
        assert len(client.fix_ups) == 0  # a zone that was never known misses nothing
        zones.found = found
        await client.set("k", b"2", ttl_s=10, quorum=Quorum.ALL)
        zones.found = found[:2]
        written = await client.set("k", b"3", ttl_s=10, quorum=Quorum.ALL)
        assert (written.is_good, len(client.fix_ups)) == (False, 1)
        zones.found = found
        await client.set("k", b"4", ttl_s=10, quorum=Quorum.ALL)
        assert len(client.fix_ups) == 0
        assert all(zones.held(name) == {b"app:k": b"4"} for name in zones.nodes)

    play(scene)


def test_what_is_only_touched_is_still_to_be_fixed_up() -> None:
    async def scene(zones: Zones) -> None:
        client = zones.client("a")
        await client.set("k", b"1", ttl_s=10, quorum=Quorum.ALL)
        found, zones.found = zones.found, zones.found[:2]
        await client.set("k", b"2", ttl_s=10)
        zones.found = found
        await client.touch("k", ttl_s=100, quorum=Quorum.ALL)
        await client.fix_up()
        assert [zones.held(name) for name in ("b1", "c2")] == [{b"app:k": b"2"}, {}]

    play(scene)


@pytest.mark.parametrize(
    ("lost", "good"),
    [
        ("", {Quorum.ANY, Quorum.MAJORITY, Quorum.ALL}),
        ("c", {Quorum.ANY, Quorum.MAJORITY}),
        ("bc", {Quorum.ANY}),
        ("abc", set()),
    ],
)
def test_a_quorum_of_zones_makes_a_write_good(lost: str, good: set[Quorum]) -> None:
    async def scene(zones: Zones) -> None:
        client = zones.client("a")
        await client.set("warm", b"", ttl_s=10, quorum=Quorum.ALL)
        zones.found = tuple(node for node in zones.found if node.zone not in lost)
        for quorum in Quorum:
            written = await client.set("k", b"v", ttl_s=10, quorum=quorum)
            assert written.is_good is (quorum in good)

    play(scene)


def test_many_keys_are_asked_for_by_node() -> None:
    async def scene(zones: Zones) -> None:
        client = zones.client("a", replace(PATIENT, queue_max=1000))
        wanted = {f"k{n}": b"%d" % n for n in range(250)}
        for key, value in wanted.items():
            client.set(key, value, ttl_s=10)
        await client.set("last", b"", ttl_s=10, quorum=Quorum.ALL)
        assert await client.get_many([*wanted, "missing"]) == wanted
        shares = [len(zones.held(name)) for name in ("a0", "a1", "a2")]
        assert sum(shares) == 251
        assert min(shares) > 30
        assert len(zones.held("b3")) == 251

    play(scene, "aaab")


def test_large_values_are_cut_and_put_together() -> None:
    async def scene(zones: Zones) -> None:
        client = zones.client("a", chunk_bytes=1000)
        value = random.Random(1).randbytes(20_000)
        assert (await client.set("k", value, ttl_s=10, quorum=Quorum.ALL)).is_good
        assert await client.get("k") == value
        piece = next(name for name in zones.held("a0") if b"#" in name)
        zones.nodes["a0"].storage.set(piece, b"x" * 1000, 0, 0, zones.now)
        assert await client.get("k") is None
        assert counted(zones.meters, "evcache.client.poisoned") == 1
        await asyncio.sleep(0.05)
        assert b"app:k" not in zones.held("c3")

    play(scene, "aabc")


def test_poison_is_a_miss_and_is_deleted() -> None:
    async def scene(zones: Zones) -> None:
        client = zones.client("a")
        zones.nodes["a0"].storage.set(b"app:k", b"no zlib", 1, 0, zones.now)
        zones.nodes["a0"].storage.set(b"app:l", b"fine", 0, 0, zones.now)
        assert await client.get_many(["k", "l"]) == {"l": b"fine"}
        await asyncio.sleep(0.05)
        assert zones.held("a0") == {b"app:l": b"fine"}

    play(scene)


def test_other_regions_are_told_of_changes_only() -> None:
    async def scene(zones: Zones) -> None:
        told: list[Change] = []
        client = zones.client("a", on_change=told.append)
        await client.set("filled", b"v", ttl_s=10, is_change=False)
        await client.set("changed", b"v", ttl_s=10)
        await client.delete("gone")
        await client.carry_out(Change("other", "heard"))
        assert told == [Change("app", "changed"), Change("app", "gone")]

    play(scene)


def test_what_a_node_says_without_being_asked_is_not_believed() -> None:
    async def scene(zones: Zones) -> None:
        async def liar(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readline()
            writer.write(b"VERSION x\r\n")
            await reader.readline()
            writer.write(b"VALUE z 0 1\r\nz\r\nEND\r\n")
            await reader.read()
            writer.close()

        server = await asyncio.start_server(liar, "127.0.0.1", 0)
        zones.found = (NodeAddress("a", *server.sockets[0].getsockname()),)
        assert await zones.client("a").get_many(["k", "l"]) == {}
        zones.replicas[0].close()
        server.close()
        await asyncio.sleep(0.01)

    play(scene, "")


def test_without_any_node_nothing_is_found_and_nothing_good() -> None:
    async def scene(zones: Zones) -> None:
        zones.found = ()
        client = zones.client("a")
        assert await client.get("k") is None
        assert not (await client.set("k", b"v", ttl_s=1, quorum=Quorum.ANY)).is_good

    play(scene)
