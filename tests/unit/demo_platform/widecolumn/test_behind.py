"""Rows that are written a little later: which, how often, and what a refusal does to them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import count
from pathlib import Path

from demo_platform.widecolumn.behind import GATHER_S, ROWS_MAX, WritesBehind
from demo_platform.widecolumn.consistency import Consistency
from demo_platform.widecolumn.refusals import Kind, StoreRefused
from demo_platform.widecolumn.schema import Columns
from demo_platform.widecolumn.store import NoStore
from tests.unit.demo_platform.widecolumn.region import World, play


class Taken(NoStore):
    """What was written together, each time; `refuses` is how it answers meanwhile."""

    def __init__(self) -> None:
        self.batches: list[tuple[str, list[tuple[Columns, int]]]] = []
        self.refuses: Kind | None = None

    async def write_all(
        self,
        table: str,
        rows: Sequence[tuple[Columns, int]],
        *,
        level: Consistency = Consistency.LOCAL_QUORUM,
    ) -> None:
        await asyncio.sleep(0.1)
        if self.refuses is not None:
            raise StoreRefused(self.refuses, "as told")
        self.batches.append((table, list(rows)))


def behind_of(store: NoStore, rows_max: int = 3) -> WritesBehind:
    ticks = count(10)
    return WritesBehind(store, micros=lambda: next(ticks), rows_max=rows_max)


def member(number: int, plan: str = "basic") -> Columns:
    return {"member": number, "plan": plan}


def test_of_each_row_the_last_version_is_written_and_all_together() -> None:
    async def story() -> None:
        store = Taken()
        behind = behind_of(store)
        for row in (member(1), member(2), member(1, "premium")):
            behind.put("members", row)
        behind.put("titles", {"title": 1, "name": "Quiet River"})
        assert (len(behind), store.batches) == (3, [])
        await asyncio.sleep(GATHER_S + 0.3)
        assert store.batches == [
            ("members", [(member(2), 11), (member(1, "premium"), 12)]),
            ("titles", [({"title": 1, "name": "Quiet River"}, 13)]),
        ]
        behind.put("members", member(3))
        await asyncio.sleep(GATHER_S + 0.2)
        assert store.batches[2:] == [("members", [(member(3), 14)])]
        assert (len(behind), behind.dropped) == (0, 0)

    play(story())


def test_what_is_refused_is_written_later_as_of_its_own_time_unless_there_is_a_newer() -> None:
    async def story() -> None:
        store = Taken()
        behind = behind_of(store)
        store.refuses = Kind.UNAVAILABLE
        behind.put("members", member(1))
        behind.put("members", member(2))
        await asyncio.sleep(GATHER_S + 0.05)
        behind.put("members", member(2, "premium"))
        await asyncio.sleep(0.1)
        assert len(behind) == 2
        store.refuses = None
        await asyncio.sleep(GATHER_S + 0.1)
        assert store.batches == [("members", [(member(1), 10), (member(2, "premium"), 12)])]

    play(story())


def test_of_too_many_the_oldest_are_lost_and_so_is_what_no_store_takes() -> None:
    async def story() -> None:
        store = Taken()
        behind = behind_of(store)
        for number in range(5):
            behind.put("members", member(number))
        assert (len(behind), behind.dropped) == (3, 2)
        store.refuses = Kind.INVALID
        await behind.flush()
        assert (len(behind), behind.dropped) == (0, 5)

    play(story())


def test_what_an_outage_has_gathered_is_more_than_is_written_at_once(tmp_path: Path) -> None:
    async def story() -> None:
        async with World(tmp_path, ("r1",)) as world:
            behind = WritesBehind(world.client("r1a"))
            for number in range(ROWS_MAX):
                behind.put("members", member(number))
            await behind.flush()
            assert (len(behind), behind.dropped) == (0, 0)
            await asyncio.sleep(1)  # a quorum does not wait for the third
            assert len([*world.nodes["r1b"].replica.disk.rows()]) == ROWS_MAX

    play(story())


def test_who_leaves_writes_what_still_waits() -> None:
    async def story() -> None:
        store = Taken()
        behind = behind_of(store)
        behind.put("members", member(1))
        await behind.close()
        assert [len(rows) for _, rows in store.batches] == [1]
        await asyncio.sleep(3 * GATHER_S)
        assert len(store.batches) == 1

    play(story())


def test_who_leaves_while_rows_are_being_written_writes_them_all() -> None:
    async def story() -> None:
        store = Taken()
        behind = behind_of(store)
        behind.put("members", member(1))
        behind.put("titles", {"title": 1, "name": "Quiet River"})
        await asyncio.sleep(GATHER_S + 0.05)
        assert store.batches == []
        await behind.close()
        assert [table for table, _ in store.batches] == ["members", "titles"]
        assert len(behind) == 0

    play(story())


def test_each_replica_is_asked_once_and_one_that_hangs_is_told_every_row(tmp_path: Path) -> None:
    async def story() -> None:
        async with World(tmp_path, ("r1",)) as world:
            client = world.client("r1a")
            rows = [({"member": n, "plan": "basic", "country": "DE"}, 10 + n) for n in range(20)]
            hung = world.endpoint("r1c")
            world.network.hung.add(hung)
            await client.write_all("members", rows)
            await asyncio.sleep(1)
            assert len(world.nodes["r1a"].hints) == 20
            world.network.hung.clear()
            await asyncio.sleep(8)
            there = world.client("r1c")
            for row, _ in rows:
                key = {"member": row["member"]}
                assert await there.read("members", key, level=Consistency.ONE) == row
            # Of two writes the later one wins, whichever comes first.
            await client.write_all("members", [({**rows[0][0], "plan": "premium"}, 5)])
            found = await client.read("members", {"member": 0}, level=Consistency.ALL)
            assert found == rows[0][0]

    play(story())
