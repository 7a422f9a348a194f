"""Data expressions: what is asked of the store itself — the leaves of every other expression."""

from __future__ import annotations

from dataclasses import dataclass

from atlas.expr.query_expr import Query
from atlas.expr.text import encode

AGGREGATES = ("sum", "count", "min", "max")
"""The functions that combine series, by the name of their word."""


@dataclass(frozen=True, slots=True)
class Aggregate:
    """All series of a query combined into one line."""

    function: str
    query: Query

    def __str__(self) -> str:
        return f"{self.query},:{self.function}"


@dataclass(frozen=True, slots=True)
class GroupBy:
    """A line for each combination of values of the keys."""

    aggregate: Aggregate
    keys: tuple[str, ...]

    @property
    def query(self) -> Query:
        """What the aggregate selects."""
        return self.aggregate.query

    def __str__(self) -> str:
        return f"{self.aggregate},{keys_text(self.keys)},:by"


@dataclass(frozen=True, slots=True)
class All:
    """Every series of a query by itself."""

    query: Query

    def __str__(self) -> str:
        return f"{self.query},:all"


DataExpr = Aggregate | GroupBy | All


def keys_text(keys: tuple[str, ...]) -> str:
    """A list of strings as a program writes it: `(,a,b,)`."""
    return f"(,{','.join(map(encode, keys))},)" if keys else "(,)"
