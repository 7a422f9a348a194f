"""Tags to rows: selection, groups, listing, and rows that are freed."""

from __future__ import annotations

import numpy as np
import pytest

from atlas.asl import parse_query
from atlas.store.index import TagIndex, series_id


def add(index, **tags):
    return index.add(series_id(tags), tags)


def row_of(index, **tags):
    return index.row_of(series_id(tags))


@pytest.fixture
def index():
    index = TagIndex()
    for name in ("cpu", "disk"):
        for node in ("i-1", "i-2", "i-3"):
            add(index, name=name, node=node, **({"zone": "a"} if node == "i-1" else {}))
    return index


def nodes(index, program):
    rows = index.select(parse_query(program))
    return [f"{t['name']} {t['node']}" for t in map(index.tags_of, rows.tolist())]


def test_identity_is_that_of_the_original():
    assert (
        series_id({"name": "cpu"}).hex() == "4c67d94c7cf26b715d91666924ceb2f5e092613b"
    )  # SHA-1("name=cpu")
    assert series_id({"b": "1", "a": "2"}) == series_id({"a": "2", "b": "1"})


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("name,cpu,:eq,node,i-2,:eq,:and", ["cpu i-2"]),
        ("node,i-2,:eq", ["cpu i-2", "disk i-2"]),
        ("name,(,cpu,disk,),:in,zone,:has,:and", ["cpu i-1", "disk i-1"]),
        ("name,c,:re,zone,:has,:not,:and", ["cpu i-2", "cpu i-3"]),
        ("nope,1,:eq", []),
        ("nope,1,:eq,:not,name,cpu,:eq,:and", ["cpu i-1", "cpu i-2", "cpu i-3"]),
        (":false", []),
    ],
)
def test_query_selects_rows(index, program, expected):
    assert sorted(nodes(index, program)) == expected


def test_series_like_those_that_are_known(index):
    assert index.has_like({"name": "cpu", "node": "i-2"})
    assert index.has_like({"name": "disk", "node": "i-1", "zone": "a"})
    assert not index.has_like({"name": "cpu", "node": "i-9"})
    assert not index.has_like({"name": "cpu", "zone": "a"})  # keys that never stood together
    assert not index.has_like({"name": "cpu", "node": "i-1", "zone": "b"})
    assert not index.has_like({"name": "cpu", "node": "i-1", "rack": "7"})
    for number in range(1024):  # key orders are not remembered without end
        add(index, name="cpu", **{f"key{number}": "x"})
    assert not index.has_like({"name": "cpu", "node": "i-2"})


def test_new_series_is_selected_at_once(index):
    before = nodes(index, "name,cpu,:eq")
    add(index, name="cpu", node="i-4")
    assert nodes(index, "name,cpu,:eq") == [*before, "cpu i-4"]


def test_series_of_a_name_lie_side_by_side(index):
    rows = index.select(parse_query("name,disk,:eq"))
    assert (np.diff(rows) == 1).all()


def test_adding_again_gives_the_same_row(index):
    tags = {"node": "i-1", "zone": "a", "name": "cpu"}
    assert add(index, **tags) == row_of(index, **tags)
    assert index.series_count == 6


def test_groups_hold_the_rows_of_each_value(index):
    groups = index.group(index.select_all(), ["node"])
    firsts = groups.rows[groups.starts[:-1]]
    assert dict(
        zip(index.values_at("node", firsts), np.diff(groups.starts).tolist(), strict=True)
    ) == {
        "i-1": 2,
        "i-2": 2,
        "i-3": 2,
    }


def test_rows_that_lack_a_key_are_in_no_group(index):
    assert index.group(index.select_all(), ["zone", "name"]).count == 2
    assert index.group(index.select_all(), ["nope"]).count == 0


def test_rows_without_keys_are_one_group(index):
    assert index.group(index.select_all(), []).count == 1


def test_listing_names_only_what_series_have(index):
    assert index.keys() == ["name", "node", "zone"]
    assert index.keys(parse_query("node,i-2,:eq")) == ["name", "node"]
    assert list(index.values("zone")) == ["a"]
    assert list(index.values("nope")) == []
    index.remove(index.select(parse_query("node,i-1,:eq")).tolist())
    assert index.keys() == ["name", "node"]
    assert list(index.values("node")) == ["i-2", "i-3"]


def test_freed_row_is_handed_out_again_within_its_name(index):
    row = row_of(index, name="cpu", node="i-2")
    index.remove([row])
    assert row_of(index, name="cpu", node="i-2") is None
    assert add(index, name="cpu", node="i-9") == row
    assert nodes(index, "node,i-9,:eq") == ["cpu i-9"]
    assert nodes(index, "node,i-2,:eq") == ["disk i-2"]


def test_values_without_series_are_forgotten():
    index = TagIndex()
    rows = [add(index, name="cpu", node=f"i-{i}") for i in range(3000)]
    index.remove(rows[:2900])
    assert len(index.values("node")) == 100
    assert nodes(index, "node,i-2999,:eq") == ["cpu i-2999"]
    add(index, name="cpu", node="i-5")
    assert nodes(index, "node,i-5,:eq") == ["cpu i-5"]


def test_capacity_grows_with_the_rows():
    index = TagIndex()
    rows = [add(index, name=f"n{i % 50}", node=str(i)) for i in range(5000)]
    assert len(set(rows)) == 5000
    assert max(rows) < index.capacity


def test_pattern_asked_again_sees_new_values_and_forgets_old_ones(index):
    assert nodes(index, "node,.*-[23],:re,name,cpu,:eq,:and") == ["cpu i-2", "cpu i-3"]
    add(index, name="cpu", node="j-3")
    assert nodes(index, "node,.*-[23],:re,name,cpu,:eq,:and") == ["cpu i-2", "cpu i-3", "cpu j-3"]
    for n in range(200):
        add(index, name="cpu", node=f"k-{n}")
    index.remove([row_of(index, name="cpu", node=f"k-{n}") for n in range(200)])
    add(index, name="cpu", node="x-2")
    assert sorted(nodes(index, "node,.*-[23],:re,name,cpu,:eq,:and")) == [
        "cpu i-2",
        "cpu i-3",
        "cpu j-3",
        "cpu x-2",
    ]


def test_many_patterns_are_asked_of_one_key(index):
    for n in range(100):
        assert nodes(
            index, f"node,.*[^{n % 3 + 1}]$,:re,x{n},:has,:not,:and,name,cpu,:eq,:and"
        ) == [f"cpu i-{m}" for m in (1, 2, 3) if m != n % 3 + 1]
        assert nodes(index, f"node,.-{n}$,:re,name,disk,:eq,:and") == [
            f"disk i-{n}" for _ in range(1) if n in {1, 2, 3}
        ]


def test_name_is_chosen_by_all_its_clauses(index):
    assert nodes(index, "name,[cd],:re,name,.*k$,:re,:and,zone,:has,:and") == ["disk i-1"]
    assert nodes(index, "name,cpu,:eq,name,disk,:eq,:and") == []
    assert nodes(index, "name,nope,:eq") == []


def test_few_rows_come_in_the_order_of_their_identities_whatever_came_first():
    tags = [{"name": "x", "node": f"i-{i}"} for i in range(200)]
    for order in (tags, tags[::-1]):
        index = TagIndex()
        for own in order:
            index.add(series_id(own), own)
        groups = index.group(index.select_all(), ())
        found = [series_id(index.tags_of(row)) for row in groups.rows.tolist()]
        assert found == sorted(map(series_id, tags))


def test_identities_survive_growth_and_removal():
    index = TagIndex()
    tags = [{"name": f"n{i % 7}", "node": f"i-{i}"} for i in range(5000)]
    rows = [index.add(series_id(own), own) for own in tags]
    index.remove(rows[:2500])
    assert index.series_count == 2500
    assert all(index.row_of(series_id(own)) is None for own in tags[:2500])
    kept = zip(tags[2500:], rows[2500:], strict=True)
    assert all(index.row_of(series_id(own)) == row for own, row in kept)


def test_values_of_all_series_follow_those_that_come_and_go():
    index = TagIndex()
    rows = [index.add(series_id(own), own) for own in ({"name": "a", "k": x} for x in "zyx")]
    assert list(index.values("k")) == ["x", "y", "z"]
    index.add(series_id({"name": "a", "k": "w"}), {"name": "a", "k": "w"})
    assert list(index.values("k")) == ["w", "x", "y", "z"]
    index.remove(rows[:1])
    assert list(index.values("k")) == ["w", "x", "y"]
    assert list(index.values("k", parse_query(":true"))) == ["w", "x", "y"]
    assert list(index.values("k", parse_query("k,y,:lt"))) == ["w", "x"]
