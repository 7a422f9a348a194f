"""Arithmetic over lines: constants, unary and binary operators, aggregates of lines, rewrites.

What an operator *computes* is written in `atlas.eval.operators`; here stands what it *is*. How
lines are paired (`grouping`) is decided when the expression is built, so that a mistake is found
at once.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from atlas.errors import AslError, requirement_failed
from atlas.expr.data_expr import Aggregate, All, DataExpr, GroupBy, keys_text
from atlas.expr.query_expr import Query
from atlas.expr.text import number_text


@dataclass(frozen=True, slots=True)
class Constant:
    """The same value at every step."""

    value: float

    def __post_init__(self) -> None:
        # One NaN for all, or else a constant would not equal itself after printing and parsing.
        if math.isnan(self.value):
            object.__setattr__(self, "value", math.nan)

    def __str__(self) -> str:
        return f"{number_text(self.value)},:const"


@dataclass(frozen=True, slots=True)
class Unary:
    """A function of one value, applied to each step of each line."""

    word: str
    inner: TimeSeriesExpr

    def __str__(self) -> str:
        return f"{self.inner},:{self.word}"


@dataclass(frozen=True, slots=True)
class Binary:
    """A function of two values, applied to pairs of lines."""

    word: str
    left: TimeSeriesExpr
    right: TimeSeriesExpr

    def __post_init__(self) -> None:
        left, right = set(grouping(self.left)), set(grouping(self.right))
        if not (left <= right or right <= left):
            pair = f"[{keys_text(grouping(self.left))} ⊈ {keys_text(grouping(self.right))}]"
            raise AslError(
                "both sides of binary operation must have the same grouping"
                f" or one side must be a subset of the other {pair}",
                fix="group both sides by the same keys",
                original_class="IllegalArgumentException",
            )

    def __str__(self) -> str:
        return f"{self.left},{self.right},:{self.word}"


@dataclass(frozen=True, slots=True)
class LineAggregate:
    """The lines of an expression combined into one."""

    function: str
    inner: TimeSeriesExpr

    def __str__(self) -> str:
        return f"{self.inner},:{self.function}"


@dataclass(frozen=True, slots=True)
class LineGroupBy:
    """The lines of an expression combined into one for each value of some of their keys."""

    aggregate: LineAggregate
    keys: tuple[str, ...]

    def __post_init__(self) -> None:
        inner = grouping(self.aggregate.inner)
        if not set(self.keys) <= set(inner):
            raise requirement_failed(
                f"{keys_text(self.keys)} is not a subset of {keys_text(inner)}"
            )

    def __str__(self) -> str:
        return f"{self.aggregate},{keys_text(self.keys)},:by"


@dataclass(frozen=True, slots=True)
class NamedRewrite:
    """A macro that keeps its name in print: `display` is its operand, `expansion` its meaning."""

    word: str
    display: Query | TimeSeriesExpr
    expansion: TimeSeriesExpr
    keys: tuple[str, ...] | None = None

    def __str__(self) -> str:
        text = f"{self.display},:{self.word}"
        return text if self.keys is None else f"{text},{keys_text(self.keys)},:by"


MathExpr = Constant | Unary | Binary | LineAggregate | LineGroupBy | NamedRewrite
TimeSeriesExpr = DataExpr | MathExpr


def grouping(expr: TimeSeriesExpr) -> tuple[str, ...]:
    """The keys by which lines of `expr` differ and are paired; empty if it is not grouped."""
    match expr:
        case GroupBy() | LineGroupBy():
            return expr.keys
        case Unary():
            return grouping(expr.inner)
        case Binary():
            left, right = grouping(expr.left), grouping(expr.right)
            return left if set(right) <= set(left) else right
        case NamedRewrite():
            return grouping(expr.expansion)
        case _:
            return ()


def data_exprs(expr: TimeSeriesExpr) -> Iterator[DataExpr]:
    """The leaves of `expr`, in the order in which they are written."""
    match expr:
        case Aggregate() | GroupBy() | All():
            yield expr
        case Unary() | LineAggregate():
            yield from data_exprs(expr.inner)
        case Binary():
            yield from data_exprs(expr.left)
            yield from data_exprs(expr.right)
        case LineGroupBy():
            yield from data_exprs(expr.aggregate)
        case NamedRewrite():
            yield from data_exprs(expr.expansion)


def grouped_by(  # noqa: PLR0911 (a return for each kind of expression)
    expr: TimeSeriesExpr, keys: tuple[str, ...]
) -> TimeSeriesExpr:
    """`expr,(,keys,),:by`: every aggregate gets the keys; lines grouped already are regrouped."""
    if isinstance(expr, LineAggregate) and grouping(expr.inner):
        return LineGroupBy(expr, keys)
    if grouping(expr):
        return LineGroupBy(LineAggregate("sum", expr), keys)
    match expr:
        case Aggregate():
            return GroupBy(expr, keys)
        case LineAggregate() | Unary():
            return replace(expr, inner=grouped_by(expr.inner, keys))
        case Binary():
            left, right = grouped_by(expr.left, keys), grouped_by(expr.right, keys)
            return replace(expr, left=left, right=right)
        case NamedRewrite():
            return replace(expr, expansion=grouped_by(expr.expansion, keys), keys=keys)
        case _:
            return expr
