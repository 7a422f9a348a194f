"""What is wanted of events rather than of series: all of them, rows, or a few of many.

Events are not stored; these expressions are what a subscription to a stream of them says.
"""

from __future__ import annotations

from dataclasses import dataclass

from atlas.errors import requirement_failed
from atlas.expr.data_expr import keys_text
from atlas.expr.query_expr import Query
from atlas.expr.tree import Node


class EventExpr(Node):
    """An expression about the events that a query selects."""

    __slots__ = ()
    query: Query


@dataclass(frozen=True, slots=True)
class RawEvents(EventExpr):
    """Events as they are."""

    query: Query

    @property
    def original_name(self) -> str:
        """The class has a shorter name in the original."""
        return "Raw"

    def __str__(self) -> str:
        return str(self.query)


@dataclass(frozen=True, slots=True)
class Table(EventExpr):
    """A row for each event, with some of its fields."""

    query: Query
    columns: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.columns:
            raise requirement_failed("set of columns cannot be empty")

    def __str__(self) -> str:
        return f"{self.query},{keys_text(self.columns)},:table"


@dataclass(frozen=True, slots=True)
class Sample(EventExpr):
    """How many events there are with the same values of some fields, and a few of their rows."""

    query: Query
    sample_by: tuple[str, ...]
    columns: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.sample_by:
            raise requirement_failed("sampleBy cannot be empty")

    def __str__(self) -> str:
        return f"{self.query},{keys_text(self.sample_by)},{keys_text(self.columns)},:sample"
