"""Nodes: queries, data expressions, arithmetic, style — everything that prints as a program.

A node knows its parts by its fields, so a word that changes expressions from within (`:cq`, `:by`,
`:offset`, `:cf-max` …) says what it does to the nodes it cares for and leaves the way there to
`rewritten`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any, cast

Change = Callable[["Node"], "Node | None"]
"""What to put in a node's place; None to look into its parts."""


class Node:
    """The base of every expression. Nodes are frozen, equal by their fields, and print as ASL."""

    __slots__ = ()

    @property
    def original_name(self) -> str:
        """The class name under which the original reports the node."""
        return type(self).__name__

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
