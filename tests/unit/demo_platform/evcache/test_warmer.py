"""A node that comes up is filled from another zone, without undoing what happens meanwhile."""

from __future__ import annotations

import asyncio

import pytest

from demo_platform.evcache.ketama import Ring
from demo_platform.evcache.replicas import NodeAddress
from demo_platform.evcache.replies import Broken
from demo_platform.evcache.storage import NEVER, Storage
from demo_platform.evcache.warmer import Key, Warmer, answers, parse_key
from tests.unit.demo_platform.evcache.test_client import play
from tests.unit.demo_platform.evcache.zones import Zones


def warmer_of(zones: Zones, storage: Storage, *names: str) -> Warmer:
    ring = Ring(names or ("own:1",))
    return Warmer(storage, ring=ring, own_name="own:1", clock=lambda: zones.now)


def fill(zones: Zones, name: str, count: int) -> None:
    for n in range(count):
        key, exptime = b"k%%%d" % n, 0 if n % 2 else 100
        zones.nodes[name].storage.set(key, b"v%d" % n, n, exptime, zones.now)


def test_everything_is_copied_with_flags_and_lifetime() -> None:
    async def scene(zones: Zones) -> None:
        fill(zones, "b0", 120)
        storage = Storage()
        assert await warmer_of(zones, storage).warm(zones.found)
        copied = dict(storage.keys(zones.now))
        assert len(copied) == 120
        for n in (6, 7):
            item = copied[b"k%%%d" % n]
            assert (item.value, item.flags) == (b"v%d" % n, n)
            assert item.expires_at == (NEVER if n % 2 else zones.now + 100)
        assert storage.deleted is None

    play(scene, "b")


def test_large_items_are_copied_a_few_at_a_time() -> None:
    async def scene(zones: Zones) -> None:
        for n in range(12):
            zones.nodes["b0"].storage.set(b"k%d" % n, bytes(1_000_000), 0, 0, zones.now)
        storage = Storage()
        assert await warmer_of(zones, storage).warm(zones.found)
        assert len(storage) == 12

    play(scene, "b")


def test_only_the_keys_of_the_own_node_are_copied() -> None:
    async def scene(zones: Zones) -> None:
        fill(zones, "b0", 100)
        storage = Storage()
        await warmer_of(zones, storage, "own:1", "other:1").warm(zones.found)
        ring = Ring(["own:1", "other:1"])
        assert 20 < len(storage) < 80
        assert all(ring.name_for(key) == "own:1" for key, _ in storage.keys(zones.now))

    play(scene, "b")


def test_what_was_written_or_deleted_meanwhile_is_left_alone() -> None:
    async def scene(zones: Zones) -> None:
        fill(zones, "b0", 200)
        storage = Storage()
        warming = asyncio.create_task(warmer_of(zones, storage).warm(zones.found))
        while not len(storage):
            await asyncio.sleep(0)
        storage.set(b"k%0", b"new", 0, 0, zones.now)
        storage.delete(b"k%1", zones.now)
        storage.delete(b"k%150", zones.now)
        assert await warming
        copied = dict(storage.keys(zones.now))
        assert copied[b"k%0"].value == b"new"
        assert b"k%1" not in copied
        assert b"k%150" not in copied
        assert len(copied) == 198

    play(scene, "b")


def test_a_node_that_is_flushed_meanwhile_stays_empty() -> None:
    async def scene(zones: Zones) -> None:
        fill(zones, "b0", 200)
        storage = Storage()
        warming = asyncio.create_task(warmer_of(zones, storage).warm(zones.found))
        while not len(storage):
            await asyncio.sleep(0)
        storage.flush(0, zones.now)
        assert await warming
        assert len(storage) == 0

    play(scene, "b")


def test_a_source_that_is_not_there_gives_way_to_the_next() -> None:
    async def scene(zones: Zones) -> None:
        fill(zones, "b0", 10)
        storage = Storage()
        nobody = NodeAddress("c", "127.0.0.1", 9)
        assert await warmer_of(zones, storage).warm([nobody, *zones.found])
        assert len(storage) == 10
        assert not await warmer_of(zones, Storage()).warm([nobody])
        assert not await warmer_of(zones, Storage()).warm([])

    play(scene, "b")


def test_a_node_that_is_only_listed_does_not_answer() -> None:
    async def scene(zones: Zones) -> None:
        assert await answers(zones.found[0])
        assert not await answers(NodeAddress("c", "127.0.0.1", 9))

    play(scene, "b")


@pytest.mark.parametrize("said", [b"HTTP/1.1 400 Bad Request\r\n", b"x" * 10_000, b""])
def test_a_source_that_talks_nonsense_is_let_go(said: bytes) -> None:
    async def scene(zones: Zones) -> None:
        async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(said)
            await reader.readline()
            writer.close()

        server = await asyncio.start_server(babble, "127.0.0.1", 0)
        source = NodeAddress("b", *server.sockets[0].getsockname())
        assert not await warmer_of(zones, Storage()).warm([source])
        server.close()
        await asyncio.sleep(0.01)

    play(scene, "")


@pytest.mark.parametrize(
    ("line", "key"),
    [
        (b"key=a exp=-1 la=1 cas=2 fetch=no cls=1 size=63", Key(b"a", 0, 63)),
        (b"key=a%25b exp=1790000000 size=63", Key(b"a%b", 1790000000, 63)),
    ],
)
def test_lines_of_a_dump(line: bytes, key: Key) -> None:
    assert parse_key(line) == key


@pytest.mark.parametrize(
    "line", [b"", b"key=a", b"exp=1", b"key=a exp=x size=1", b"key=a exp=1", b"ERROR"]
)
def test_lines_that_are_none(line: bytes) -> None:
    with pytest.raises(Broken):
        parse_key(line)
