"""Data expressions: what is asked of the store itself — the leaves of every other expression."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from atlas.expr.query_expr import Query
from atlas.expr.text import duration_text, encode
from atlas.expr.tree import Node, TimeSeriesExpr, walk

AGGREGATES = ("sum", "count", "min", "max")
"""The functions that combine series, by the name of their word."""

CONSOLIDATIONS = ("avg", "sum", "min", "max")
"""The functions that combine steps, by the name of their word without `cf-`."""

_USUAL_CONSOLIDATIONS = {"sum": "avg", "count": "avg", "min": "min", "max": "max"}


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
        """`Sum`, `Max` …; one that is consolidated in another than a native way is wrapped."""
        return "Consolidation" if self._is_wrapped else self.function.capitalize()

    @property
    def consolidation_used(self) -> str:
        """How steps are combined: the function given, or else the usual one."""
        return self.consolidation or _USUAL_CONSOLIDATIONS[self.function]

    def consolidated_by(self, consolidation: str) -> Aggregate:
        """The same with another function for steps; the usual one is not written."""
        is_usual = consolidation == _USUAL_CONSOLIDATIONS[self.function]
        return replace(self, consolidation=None if is_usual else consolidation)

    @property
    def _is_wrapped(self) -> bool:
        # Sums and counts know how to consolidate by sum.
        is_sum = self.consolidation == "sum" and self.function in ("sum", "count")
        return self.consolidation is not None and not is_sum

    def __str__(self) -> str:
        offset = offset_suffix(self.offset_ms)
        # What is wrapped prints with its offset, too, and then the whole does.
        inner = offset if self._is_wrapped else ""
        consolidation = "" if self.consolidation is None else f",:cf-{self.consolidation}"
        return f"{self.query},:{self.function}{inner}{consolidation}{offset}"


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
