"""Graphs in layers: edges go forward, whatever the graph."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some

from chaosctl.report.layers import depths_in, layers_of, path_of

NODES = "abcdefgh"
edges_of = some.sets(some.tuples(some.sampled_from(NODES), some.sampled_from(NODES)), max_size=20)


def test_a_long_edge_goes_around_what_it_passes():
    rows = layers_of("abcd", [("a", "b"), ("b", "c"), ("c", "d"), ("a", "d")])
    assert [row[0] for row in rows] == ["a", "b", "c", "d"]
    assert path_of(("a", "d"), depths_in(rows)) == ["a", ("a", "d", 1), ("a", "d", 2), "d"]


def test_neighbours_stand_side_by_side():
    rows = layers_of("abxyz", [("a", "z"), ("b", "x"), ("b", "y")])
    order = {name: place for row in rows for place, name in enumerate(row)}
    assert (order["a"] < order["b"]) == (order["z"] < order["x"])
    assert (order["a"] < order["b"]) == (order["z"] < order["y"])


def test_a_circle_has_layers_too():
    rows = layers_of("abc", [("a", "b"), ("b", "c"), ("c", "a"), ("a", "a")])
    assert sorted(name for row in rows for name in row if isinstance(name, str)) == list("abc")


def test_nothing_has_no_layers():
    assert layers_of("", []) == []


@given(edges_of)
def test_every_node_has_one_place_and_every_edge_a_path(edges):
    rows = layers_of(NODES, edges)
    places = [place for row in rows for place in row]
    assert len(places) == len(set(places))
    depths = depths_in(rows)
    assert set(depths) == set(NODES)
    for edge in edges:
        if edge[0] != edge[1]:
            assert set(path_of(edge, depths)) <= set(places)


@given(edges_of)
def test_without_circles_every_edge_goes_forward(edges):
    forward = {(source, target) for source, target in edges if source < target}
    depths = depths_in(layers_of(NODES, forward))
    assert all(depths[source] < depths[target] for source, target in forward)
