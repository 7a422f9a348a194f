"""What queries selected is remembered for as long as it is true."""

from __future__ import annotations

import pytest

from atlas.asl import parse_query
from atlas.errors import LimitExceeded
from atlas.store.index import series_id
from atlas.store.limits import StoreLimits
from atlas.store.memory import MemoryStore, StoreConfig
from atlas.store.selection import QUERIES

CPU = parse_query("name,cpu,:eq")


def filled(limits=None):
    store = MemoryStore(StoreConfig(limits=limits or StoreLimits()))
    for node in ("i-2", "i-1", "i-3"):
        store.row_for({"name": "cpu", "node": node, "atlas.dstype": "gauge"})
        store.row_for({"name": "disk", "node": node, "zone": "a"})
    return store


@pytest.fixture
def store():
    return filled()


def test_groups_are_sorted_by_label_and_described(store):
    found = store.select(CPU, ("node",))
    assert found.labels == ("(node=i-1)", "(node=i-2)", "(node=i-3)")
    assert found.keys == (("i-1",), ("i-2",), ("i-3",))
    assert found.tags[0] == {"name": "cpu", "node": "i-1"}
    nodes = [store.index.tags_of(row)["node"] for row in found.groups.rows.tolist()]
    assert nodes == ["i-1", "i-2", "i-3"]
    assert found.are_gauges.all()
    assert not store.select(parse_query("name,disk,:eq"), ()).are_gauges.any()


def test_one_group_of_all(store):
    found = store.select(CPU, ())
    assert (found.groups.count, found.tags, found.keys) == (1, ({"name": "cpu"},), ((),))
    assert store.select(parse_query(":false"), ()).groups.count == 0


def test_each_series_by_itself_has_all_its_tags(store):
    found = store.select(parse_query("zone,a,:eq"), None)
    assert [tags["node"] for tags in found.tags] == ["i-1", "i-2", "i-3"]
    assert found.labels[0] == "name=disk, node=i-1, zone=a"


@pytest.mark.parametrize("program", ["name,cpu,:eq", "node,i-,:re", "name,(,cpu,disk,),:in"])
@pytest.mark.parametrize("keys", [(), ("node",), None])
def test_the_same_is_not_selected_twice_until_a_series_comes(store, program, keys):
    query = parse_query(program)
    before = store.select(query, keys)
    assert store.select(query, keys) is before
    store.row_for({"name": "cpu", "node": "i-4"})
    after = store.select(query, keys)
    assert len(after.groups.rows) == len(before.groups.rows) + 1


def test_a_series_of_another_name_changes_nothing_for_a_query_of_one_name(store):
    of_name, of_all = store.select(CPU, ()), store.select(parse_query("node,i-,:re"), ())
    store.row_for({"name": "memory", "node": "i-1"})
    assert store.select(CPU, ()) is of_name
    assert store.select(parse_query("node,i-,:re"), ()) is not of_all


def test_a_series_that_goes_is_not_selected_any_more(store):
    assert len(store.select(CPU, ()).groups.rows) == 3
    row = store.index.row_of(series_id({"name": "cpu", "node": "i-1", "atlas.dstype": "gauge"}))
    store.index.remove([row])
    assert store.select(CPU, ("node",)).labels == ("(node=i-2)", "(node=i-3)")


def test_too_many_groups_are_refused_each_time():
    store = filled(StoreLimits(line_count_max=2))
    for _ in range(2):
        with pytest.raises(LimitExceeded, match="too many lines: 3 > 2"):
            store.select(CPU, ("node",))
    assert store.select(CPU, ()).groups.count == 1


def test_what_is_remembered_is_bounded_and_counted():
    store = filled(StoreLimits(bytes_max=64 * 4000, batch_cache_bytes_max=0))
    first = store.select(CPU, ())
    for node in range(100):
        store.select(parse_query(f"node,i-{node},:eq"), ())
        assert 0 < store.room.cache_bytes[QUERIES] <= 4000
    assert store.select(CPU, ()) is not first  # it was not asked for the longest
    assert store.select(CPU, ()) is store.select(CPU, ())
