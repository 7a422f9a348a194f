"""A directed graph in layers, so that nearly all edges go one way. Pure.

A node stands one layer after the last of those that point to it; an edge that would close a circle
does not count. An edge that skips layers gets a stop in each of them, so that it goes around what
stands there. In a layer the order is that of the mean place of the neighbours, swept to and fro.
Source: Sugiyama, Tagawa & Toda (1981), IEEE Trans. Syst. Man Cybern. 11, 109–125.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence

SWEEPS = 8

Edge = tuple[str, str]
Stop = tuple[str, str, int]
"""Where an edge passes a layer: its ends, and the layer."""

Place = str | Stop


def layers_of(nodes: Iterable[str], edges: Iterable[Edge]) -> list[list[Place]]:
    """What stands in each layer, from the first to the last, in order.

    >>> layers_of("abc", [("a", "b"), ("b", "c"), ("a", "c")])
    [['a'], ['b', ('a', 'c', 1)], ['c']]
    """
    names = sorted(set(nodes))
    known = sorted({edge for edge in edges if edge[0] != edge[1]})
    depths = _depths(names, known)
    rows: list[list[Place]] = [[] for _ in range(max(depths.values(), default=-1) + 1)]
    for name in names:
        rows[depths[name]].append(name)
    for source, target in known:
        first, last = sorted((depths[source], depths[target]))
        for depth in range(first + 1, last):
            rows[depth].append((source, target, depth))
    _untangle(rows, _neighbours(known, depths))
    return rows


def path_of(edge: Edge, depths: Mapping[str, int]) -> list[Place]:
    """The places that an edge goes through, its ends included."""
    source, target = edge
    step = 1 if depths[source] <= depths[target] else -1
    stops = range(depths[source] + step, depths[target], step)
    return [source, *((source, target, depth) for depth in stops), target]


def depths_in(rows: Sequence[Sequence[Place]]) -> dict[str, int]:
    """The layer of each node."""
    return {name: depth for depth, row in enumerate(rows) for name in row if isinstance(name, str)}


def _depths(names: Sequence[str], edges: Sequence[Edge]) -> dict[str, int]:
    """The longest way to each node; edges back to one that is being looked at close a circle."""
    into: dict[str, list[str]] = {name: [] for name in names}
    for source, target in edges:
        into[target].append(source)
    depths: dict[str, int] = {}
    for name in names:
        _dig(name, into, depths)
    return depths


def _dig(name: str, into: Mapping[str, Sequence[str]], depths: dict[str, int]) -> None:
    """Depth first, without recursion: a chain may be as long as there are nodes."""
    under_way: set[str] = set()
    stack = [name] if name not in depths else []
    while stack:
        current = stack[-1]
        under_way.add(current)
        unknown = (s for s in into[current] if s not in depths and s not in under_way)
        ahead = next(unknown, None)
        if ahead is not None:
            stack.append(ahead)
            continue
        before = [depths[source] for source in into[current] if source in depths]
        depths[current] = max(before, default=-1) + 1
        stack.pop()


def _neighbours(
    edges: Sequence[Edge], depths: Mapping[str, int]
) -> dict[Place, tuple[list[Place], list[Place]]]:
    """Of each place those in the layer before and in the layer after it."""
    found: dict[Place, tuple[list[Place], list[Place]]] = {}
    for edge in edges:
        path = path_of(edge, depths)
        if depths[edge[0]] > depths[edge[1]]:
            path.reverse()
        for left, right in itertools.pairwise(path):
            found.setdefault(left, ([], []))[1].append(right)
            found.setdefault(right, ([], []))[0].append(left)
    return found


def _untangle(
    rows: list[list[Place]], neighbours: Mapping[Place, tuple[list[Place], list[Place]]]
) -> None:
    for sweep in range(SWEEPS):
        side = sweep % 2
        order = rows[1:] if side == 0 else rows[-2::-1]
        for row in order:
            spots = {place: _spot(i, len(r)) for r in rows for i, place in enumerate(r)}

            def middle(place: Place, spots: Mapping[Place, float] = spots) -> float:
                near = neighbours.get(place, ([], []))[side]  # noqa: B023 - used before it changes
                known = [spots[other] for other in near]
                return sum(known) / len(known) if known else spots[place]

            row.sort(key=middle)


def _spot(index: int, count: int) -> float:
    return (index + 0.5) / count
