"""Operators put on expressions: numbers are computed at once, everything else when evaluated."""

from __future__ import annotations

from typing import cast

from atlas.expr.data_expr import Aggregate
from atlas.expr.math_expr import Binary, Constant, LineAggregate, Unary
from atlas.expr.operators import BINARY, UNARY
from atlas.expr.query_expr import Query
from atlas.expr.tree import Node, TimeSeriesExpr


def applied(word: str, expr: TimeSeriesExpr) -> TimeSeriesExpr:
    """A unary operator on an expression."""
    if isinstance(expr, Constant):
        return Constant(UNARY[word].of_numbers(expr.value))
    return Unary(word, expr)


def paired_up(word: str, left: TimeSeriesExpr, right: TimeSeriesExpr) -> TimeSeriesExpr:
    """A binary operator on two expressions."""
    if isinstance(left, Constant) and isinstance(right, Constant):
        return Constant(BINARY[word].of_numbers(left.value, right.value))
    return Binary(word, left, right)


def combined(function: str, of: Node) -> TimeSeriesExpr:
    """All series of a query, or all lines of an expression, combined into one line."""
    if isinstance(of, Query):
        return Aggregate(function, of)
    # An aggregate is one line already; the original returns it as it is, but counts it.
    if isinstance(of, Aggregate) and function != "count":
        return of
    return LineAggregate(function, cast(TimeSeriesExpr, of))
