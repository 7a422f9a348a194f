"""What services keep, in a real store of three nodes on a virtual clock."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from demo_platform import records
from demo_platform.service import Node, ServiceFailed
from demo_platform.widecolumn.sample_data import sample_rows
from demo_platform.widecolumn.store import NO_STORE
from tests.unit.demo_platform.widecolumn.region import World, play


def test_what_is_there_from_the_start_is_found(tmp_path: Path) -> None:
    async def story() -> None:
        async with World(tmp_path, ("r1",)) as world:
            for node in world.nodes.values():
                node.replica.disk.fill(sample_rows(1))
            there = Node("i", "r1a", cast("Any", None), store=world.client("r1a"))
            profile = await records.load_profile(there, 1007)
            assert profile == {**await records.load_profile(there, 7), "member": 1007}
            assert profile["plan"] in {"basic", "standard", "premium"}
            title = await records.load_title(there, 21)
            assert title["title"] == 21
            assert isinstance(title["runtime_s"], int)
            one, other = await records.load_key(there, 1), await records.load_key(there, 2)
            assert len(str(one["key"])) == 16
            assert one != other

    play(story())


def test_what_is_written_in_one_zone_is_read_in_another(tmp_path: Path) -> None:
    async def story() -> None:
        async with World(tmp_path, ("r1",)) as world:
            here, there = (
                Node("i", zone, cast("Any", None), store=world.client(zone))
                for zone in ("r1a", "r1c")
            )
            assert await records.load_watched(there, 5) == {"watched": []}
            for n, title in enumerate([*range(12), 3]):
                visit = {"member": 5, "title": title, "position_s": n}
                await records.keep_visit(here, visit, now_s=1_700_000_000.0 + n)
            watched = (await records.load_watched(there, 5))["watched"]
            assert isinstance(watched, list)
            assert [one["title"] for one in watched] == [3, 11, 10, 9, 8, 7, 6, 5, 4, 2]
            assert watched[0]["position_s"] == 12
            history = await there.store.read_range(
                "viewing_history", {"member": 5, "month": "2023-11"}
            )
            assert len(history) == 13
            cell = await records.load_allocation(here, 5)
            assert cell == {"cell": "bigger-artwork"}
            row = {"member": 5, "test": records.TEST, "cell": "control"}
            await there.store.write("allocations", row)
            assert await records.load_allocation(here, 5) == {"cell": "control"}

    play(story())


@pytest.mark.parametrize("name", ["profile", "title", "key", "allocation", "watched"])
def test_who_cannot_ask_the_store_fails(name: str) -> None:
    node = Node("i", "a", cast("Any", None), store=NO_STORE)
    with pytest.raises(ServiceFailed, match="the wide-column store: no-coordinator"):
        play(getattr(records, f"load_{name}")(node, 1))
