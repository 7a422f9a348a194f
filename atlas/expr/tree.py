"""Nodes: queries, data expressions, arithmetic, style — everything that prints as a program.

A node knows its parts by its fields, so a word that changes expressions from within (`:cq`, `:by`,
`:offset`, `:cf-max` …) says what it does to the nodes it cares for and leaves the way there to
`rewritten`.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, cast

Change = Callable[["Node"], "Node | None"]
"""What to put in a node's place; None to look into its parts."""

DEPTH_MAX = 1000
"""How deep nodes may be nested: more than a program in a URI of 4 kB can ask for."""

# Printing, rewriting, hashing and evaluating take a handful of frames for each level.
sys.setrecursionlimit(max(sys.getrecursionlimit(), 20 * DEPTH_MAX))

_TEXT_OF_A_NODE = 64


class Extent(NamedTuple):
    """How much there is of an expression: what printing or rewriting it costs.

    `size` counts nodes, shared ones each time, and long texts as several nodes.
    """

    size: int
    depth: int


class Node:
    """The base of every expression. Nodes are frozen, equal by their fields, and print as ASL."""

    __slots__ = ("_extent",)
    _extent: Extent

    @property
    def original_name(self) -> str:
        """The class name under which the original reports the node."""
        return type(self).__name__

    @property
    def extent(self) -> Extent:
        """Size and depth; found once, so that asking for it after each word is cheap."""
        try:
            return self._extent
        except AttributeError:
            parts = [part.extent for part in self.parts()]
            texts = (v for _, v in self._fields() if isinstance(v, str | tuple))
            own = 1 + sum(len(str(text)) for text in texts) // _TEXT_OF_A_NODE
            size = own + sum(part.size for part in parts)
            extent = Extent(size, 1 + max((part.depth for part in parts), default=0))
            object.__setattr__(self, "_extent", extent)  # a cache; nodes stay frozen
            return extent

    def parts(self) -> Iterator[Node]:
        """The nodes that this one is computed from, in the order in which they are written."""
        for _, value in self._fields():
            if isinstance(value, Node):
                yield value

    def with_parts(self, change: Callable[[Node], Node]) -> Node:
        """The same node over changed parts."""
        changed = {n: change(v) for n, v in self._fields() if isinstance(v, Node)}
        if all(changed[name] is getattr(self, name) for name in changed):
            return self
        return cast(Node, dataclasses.replace(cast(Any, self), **changed))

    def _fields(self) -> Iterator[tuple[str, object]]:
        # Every node is a dataclass; saying so in the type would make each subclass abstract.
        for field in dataclasses.fields(cast(Any, self)):
            if field.init:
                yield field.name, getattr(self, field.name)


class TimeSeriesExpr(Node):
    """An expression that evaluates to lines."""

    __slots__ = ()

    @property
    def grouping(self) -> tuple[str, ...] | None:
        """The keys by which lines differ and are paired; None if the expression is not grouped."""
        return None


def rewritten(node: Node, change: Change) -> Node:
    """`node` with `change` applied to it, or else to its parts, from the outside in."""
    changed = change(node)
    if changed is not None:
        return changed
    return node.with_parts(lambda part: rewritten(part, change))


def rewritten_expr(expr: TimeSeriesExpr, change: Change) -> TimeSeriesExpr:
    """`rewritten` for a change that puts expressions in the place of expressions."""
    return cast(TimeSeriesExpr, rewritten(expr, change))


def walk(node: Node) -> Iterator[Node]:
    """The node and all that it is computed from, in the order in which they are written."""
    yield node
    for part in node.parts():
        yield from walk(part)
