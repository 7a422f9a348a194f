"""Words that compute with lines: constants, operators, aggregates of lines, averages."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from atlas.asl.word import Vocabulary
from atlas.asl.words.data_words import DATA
from atlas.expr.data_expr import Aggregate
from atlas.expr.math_expr import (
    Binary,
    Constant,
    LineAggregate,
    NamedRewrite,
    Unary,
    grouped_by,
)
from atlas.expr.operators import BINARY, UNARY
from atlas.expr.query_expr import Query
from atlas.expr.text import decode
from atlas.expr.tree import Node, TimeSeriesExpr

MATH = Vocabulary("math", before=DATA)

_UNARY_SIGNATURE = "TimeSeriesExpr -- TimeSeriesExpr"
_BINARY_SIGNATURE = "t1:TimeSeriesExpr t2:TimeSeriesExpr -- TimeSeriesExpr"
_BINARY_EXAMPLES = ("name,sps,:eq,42", "1,2,:const", "a,:has,(,k,),:by,b,:has,:max")


@MATH.word(
    "by",
    "TimeSeriesExpr keys:List -- TimeSeriesExpr",
    examples=(
        "name,sps,:eq,2,:mul,(,k,)",
        "name,sps,:eq,(,a,b,),:by,:max,(,a,)",
        "name,sps,:eq,:avg,(,k,)",
    ),
)
def _by(expr: TimeSeriesExpr, keys: tuple[str, ...]) -> TimeSeriesExpr:
    """Groups every aggregate inside by the keys; lines already grouped are grouped again."""
    return grouped_by(expr, tuple(decode(key) for key in keys))


@MATH.word("const", "v:Double -- TimeSeriesExpr", examples=("42", "-0.5", "NaN"))
def _const(value: float) -> TimeSeriesExpr:
    """The same value at every step."""
    return Constant(value)


def _unary_word(name: str) -> Callable[[TimeSeriesExpr], TimeSeriesExpr]:
    def run(expr: TimeSeriesExpr) -> TimeSeriesExpr:
        if isinstance(expr, Constant):
            return Constant(UNARY[name].of_numbers(expr.value))
        return Unary(name, expr)

    run.__doc__ = UNARY[name].summary
    return run


def _binary_word(name: str) -> Callable[[TimeSeriesExpr, TimeSeriesExpr], TimeSeriesExpr]:
    def run(left: TimeSeriesExpr, right: TimeSeriesExpr) -> TimeSeriesExpr:
        if isinstance(left, Constant) and isinstance(right, Constant):
            return Constant(BINARY[name].of_numbers(left.value, right.value))
        return Binary(name, left, right)

    run.__doc__ = BINARY[name].summary
    return run


for _name in UNARY:
    MATH.word(_name, _UNARY_SIGNATURE, examples=("name,sps,:eq", "-1.5"), keeps_style=True)(
        _unary_word(_name)
    )
for _name in BINARY:
    MATH.word(_name, _BINARY_SIGNATURE, examples=_BINARY_EXAMPLES, keeps_style=True)(
        _binary_word(_name)
    )


def _line_aggregate(function: str, expr: TimeSeriesExpr) -> TimeSeriesExpr:
    # An aggregate is one line already; the original returns it as it is, but counts it.
    if isinstance(expr, Aggregate) and function != "count":
        return expr
    return LineAggregate(function, expr)


@MATH.word(
    "sum",
    _UNARY_SIGNATURE,
    keeps_style=True,
    examples=("name,sps,:eq,(,k,),:by", "name,sps,:eq,:max"),
)
def _sum(expr: TimeSeriesExpr) -> TimeSeriesExpr:
    """The lines of an expression added up."""
    return _line_aggregate("sum", expr)


@MATH.word("count", _UNARY_SIGNATURE, keeps_style=True, examples=("name,sps,:eq,(,k,),:by",))
def _count(expr: TimeSeriesExpr) -> TimeSeriesExpr:
    """How many lines of an expression have a value."""
    return _line_aggregate("count", expr)


@MATH.word("min", _UNARY_SIGNATURE, keeps_style=True, examples=("name,sps,:eq,(,k,),:by",))
def _min(expr: TimeSeriesExpr) -> TimeSeriesExpr:
    """The smallest of the lines of an expression."""
    return _line_aggregate("min", expr)


@MATH.word("max", _UNARY_SIGNATURE, keeps_style=True, examples=("name,sps,:eq,(,k,),:by",))
def _max(expr: TimeSeriesExpr) -> TimeSeriesExpr:
    """The largest of the lines of an expression."""
    return _line_aggregate("max", expr)


# `:avg` on a query comes first so that it prints as it was written, without an aggregate.
@MATH.word("avg", "Query -- TimeSeriesExpr", examples=("name,sps,:eq", "name,sps,:eq,k,:has,:and"))
def _avg_of_query(query: Query) -> TimeSeriesExpr:
    """The mean over all series of a query."""
    return NamedRewrite("avg", query, _mean)


@MATH.word("avg", _UNARY_SIGNATURE, examples=("name,sps,:eq,(,k,),:by",), keeps_style=True)
def _avg(expr: TimeSeriesExpr) -> TimeSeriesExpr:
    """The mean of the lines of an expression."""
    return NamedRewrite("avg", expr, _mean)


def _mean(of: Node) -> TimeSeriesExpr:
    return Binary("div", _aggregated("sum", of), _aggregated("count", of))


def _aggregated(function: str, of: Node) -> TimeSeriesExpr:
    if isinstance(of, Query):
        return Aggregate(function, of)
    return _line_aggregate(function, cast(TimeSeriesExpr, of))
