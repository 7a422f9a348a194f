"""Data expressions: what is asked of the store itself — the leaves of every other expression."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from atlas.expr.query_expr import Query
from atlas.expr.text import duration_text, encode
from atlas.expr.tree import Node, TimeSeriesExpr, walk

AGGREGATES = ("sum", "count", "min", "max")
"""The functions that combine series, by the name of their word."""

CONSOLIDATIONS = ("avg", "sum", "min", "max")
"""The functions that combine steps, by the name of their word without `cf-`."""


@dataclass(frozen=True, slots=True)
class Aggregate(TimeSeriesExpr):
    """All series of a query combined into one line.

    `consolidation` combines short steps into longer ones; None is the usual one of the function.
    The data is from `offset_ms` before the window.
    """

    function: str
    query: Query
    consolidation: str | None = None
    offset_ms: int = 0

    @property
    def original_name(self) -> str:
        """`Sum`, `Max` …; an aggregate with a consolidation of its own is wrapped."""
        return self.function.capitalize() if self.consolidation is None else "Consolidation"

    def __str__(self) -> str:
        function = "" if self.consolidation is None else f",:cf-{self.consolidation}"
        return f"{self.query},:{self.function}{function}{offset_suffix(self.offset_ms)}"


@dataclass(frozen=True, slots=True)
class GroupBy(TimeSeriesExpr):
    """A line for each combination of values of the keys."""

    aggregate: Aggregate
    keys: tuple[str, ...]

    @property
    def query(self) -> Query:
        """What the aggregate selects."""
        return self.aggregate.query

    @property
    def offset_ms(self) -> int:
        """How long before the window its data lies."""
        return self.aggregate.offset_ms

    @property
    def grouping(self) -> tuple[str, ...]:
        """The keys."""
        return self.keys

    def __str__(self) -> str:
        # The offset stands twice in the original's text, too.
        return f"{self.aggregate},{keys_text(self.keys)},:by{offset_suffix(self.offset_ms)}"


@dataclass(frozen=True, slots=True)
class All(TimeSeriesExpr):
    """Every series of a query by itself."""

    query: Query
    offset_ms: int = 0

    def __str__(self) -> str:
        return f"{self.query},:all{offset_suffix(self.offset_ms)}"


DataExpr = Aggregate | GroupBy | All


def data_exprs(expr: Node) -> Iterator[DataExpr]:
    """The leaves of `expr`, in the order in which they are written."""
    if isinstance(expr, DataExpr):
        yield expr
        return
    for part in expr.parts():
        yield from data_exprs(part)


def queries(expr: Node) -> Iterator[Query]:
    """The queries of an expression, outermost ones only, in the order in which they are written."""
    return (node.query for node in walk(expr) if isinstance(node, Aggregate | All))


def keys_text(keys: tuple[str, ...]) -> str:
    """A list of strings as a program writes it: `(,a,b,)`."""
    return f"(,{','.join(map(encode, keys))},)" if keys else "(,)"


def offset_suffix(offset_ms: int) -> str:
    """How an offset is written after an expression."""
    return f",{duration_text(offset_ms)},:offset" if offset_ms else ""
