"""What services keep in the store: what outlives the cache, and what a store that refuses means."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from demo_platform.service import Body, Node, ServiceFailed
from demo_platform.widecolumn.behind import GATHER_S, WritesBehind
from demo_platform.widecolumn.consistency import Consistency
from demo_platform.widecolumn.refusals import Kind, StoreRefused
from demo_platform.widecolumn.schema import Columns
from demo_platform.widecolumn.store import WideColumnStore
from tests.unit.demo_platform.services.test_fallbacks import Others, Shelf, ask, node_of
from tests.unit.demo_platform.services.test_services import ScriptedStore
from tests.unit.demo_platform.widecolumn.region import World, play

STOP: Body = {"member": 7, "title": 3, "position_s": 50}
BOOKMARK: Body = {"member": 7, "title": 3}


class ReadOnly(ScriptedStore):
    """A store that can be read, and refuses to be written to until it is told to take it."""

    is_read_only = True

    async def write(
        self,
        table: str,
        row: Columns,
        *,
        level: Consistency = Consistency.LOCAL_QUORUM,
        ttl_s: float | None = None,
        at_us: int | None = None,
    ) -> None:
        if self.is_read_only:
            raise StoreRefused(Kind.UNAVAILABLE, "as told")
        await super().write(table, row, level=level)


def node_with(store: WideColumnStore) -> Node:
    entitled = Others(customer_entitlement={"may_watch": True})
    return node_of(entitled, cache=Shelf(), store=store, behind=WritesBehind(store))


def without_cache(node: Node) -> Node:
    """The same instance when every cache has lost everything."""
    return replace(node, cache=Shelf())


def test_an_account_is_allocated_once_whatever_the_cache_forgets() -> None:
    async def scene() -> None:
        store = ScriptedStore({"allocations": []})
        node = node_with(store)
        for member in (5, 1005, 5):
            node = without_cache(node)
            assert await ask("abtest", "allocate", {"member": member}, node) == {
                "cell": "bigger-artwork"
            }
            await asyncio.sleep(GATHER_S * 1.1)
        written = {"member": 5, "test": "artwork", "cell": "bigger-artwork"}
        assert store.wrote == [(written, Consistency.LOCAL_QUORUM)]

    play(scene())


def test_an_allocation_that_cannot_be_written_now_is_written_later() -> None:
    async def scene() -> None:
        store = ReadOnly({"allocations": []})
        node = node_with(store)
        await ask("abtest", "allocate", {"member": 5}, node)
        await asyncio.sleep(GATHER_S * 1.1)
        assert store.rows["allocations"] == []
        store.is_read_only = False
        await asyncio.sleep(GATHER_S)
        assert [row["cell"] for row in store.rows["allocations"]] == ["bigger-artwork"]

    play(scene())


@pytest.mark.parametrize(
    ("service", "route", "body", "table", "row"),
    [
        ("license", "issue", {"member": 1, "title": 3}, "drm_keys", {"title": 3, "secret": "s"}),
        ("abtest", "allocate", {"member": 7}, "allocations", {"cell": "control"}),
        ("history", "watched", {"member": 7}, "bookmarks", {"watched": "[[3,50]]"}),
    ],
)
def test_what_the_cache_has_needs_no_store(
    service: str, route: str, body: Body, table: str, row: dict[str, object]
) -> None:
    async def scene() -> None:
        row.update({"member": 7, "test": "artwork"} if table != "drm_keys" else {})
        node = node_with(ScriptedStore({table: [row]}))
        before = await ask(service, route, body, node)
        node = replace(node, store=ScriptedStore({}))
        assert await ask(service, route, body, node) == before
        with pytest.raises(ServiceFailed) as failed:
            await ask(service, route, body, without_cache(node))
        assert failed.value.cause == service

    asyncio.run(scene())


def test_positions_outlive_the_cache() -> None:
    async def scene() -> None:
        store = ScriptedStore({"bookmarks": []})
        node = node_with(store)
        await ask("history", "heartbeat", {**STOP, "title": 4, "position_s": 20}, node)
        await ask("history", "stop", STOP, node)
        await asyncio.sleep(GATHER_S * 1.1)
        written = {"member": 7, "watched": "[[3,50],[4,20]]"}
        assert store.wrote == [(written, Consistency.LOCAL_QUORUM)]
        node = without_cache(node)
        assert await ask("history", "bookmark", BOOKMARK, node) == {"position_s": 50}
        await ask("history", "stop", {**STOP, "title": 5}, without_cache(node))
        await asyncio.sleep(GATHER_S * 1.1)
        assert await ask("history", "watched", {"member": 7}, without_cache(node)) == {
            "watched": [
                {"title": title, "position_s": at_s} for title, at_s in ((5, 50), (3, 50), (4, 20))
            ]
        }
        assert set(store.read_at) == {Consistency.LOCAL_ONE}

    play(scene())


def test_a_position_that_the_store_refuses_is_written_when_it_does_not() -> None:
    async def scene() -> None:
        store = ReadOnly({"bookmarks": []})
        node = node_with(store)
        await ask("history", "stop", STOP, node)
        await asyncio.sleep(GATHER_S * 2.1)
        assert await ask("history", "bookmark", BOOKMARK, node) == {"position_s": 50}
        assert (store.rows["bookmarks"], len(node.behind)) == ([], 1)
        store.is_read_only = False
        await asyncio.sleep(GATHER_S)
        assert (len(store.rows["bookmarks"]), len(node.behind)) == (1, 0)

    play(scene())


def test_what_is_not_known_is_not_written_over() -> None:
    async def scene() -> None:
        node = node_with(ScriptedStore({}))
        for route in ("heartbeat", "stop"):
            with pytest.raises(ServiceFailed, match="history: nothing known") as failed:
                await ask("history", route, STOP, node)
            assert failed.value.cause == "history"
        assert len(node.behind) == 0

    play(scene())


def test_a_number_that_no_store_takes_is_none() -> None:
    async def scene() -> None:
        node = node_with(ScriptedStore({"bookmarks": []}))
        await ask("history", "stop", {"member": 7, "title": 10**40, "position_s": -1}, node)
        watched = await ask("history", "watched", {"member": 7}, node)
        assert watched == {"watched": [{"title": 0, "position_s": 0}]}

    play(scene())


def test_with_one_node_of_three_dead_all_is_read_and_written(tmp_path: Path) -> None:
    async def story() -> None:
        async with World(tmp_path, ("r1",)) as world:
            node = node_with(world.client("r1a"))
            await ask("history", "stop", STOP, node)
            await asyncio.sleep(GATHER_S * 1.1)
            world.kill("r1b")
            await ask("history", "stop", {**STOP, "position_s": 60}, without_cache(node))
            await asyncio.sleep(GATHER_S * 1.1)
            assert len(node.behind) == 0
            bookmark = await ask("history", "bookmark", BOOKMARK, without_cache(node))
            assert bookmark == {"position_s": 60}
            await ask("abtest", "allocate", {"member": 5}, node)
            await asyncio.sleep(GATHER_S * 1.1)
            world.kill("r1c")
            # One replica is enough to read from, and too few to write to.
            found = await world.client("r1a").read(
                "allocations", {"member": 5, "test": "artwork"}, level=Consistency.LOCAL_ONE
            )
            assert (found or {})["cell"] == "bigger-artwork"
            bookmark = await ask("history", "bookmark", BOOKMARK, without_cache(node))
            assert bookmark == {"position_s": 60}
            await ask("history", "stop", {**STOP, "position_s": 70}, node)
            await asyncio.sleep(GATHER_S * 3)
            assert len(node.behind) == 1

    play(story())
