"""Words whose value at a step depends on the steps before it. Smoothing has its own module."""

from __future__ import annotations

from typing import cast

from atlas.asl.datatypes import as_series
from atlas.asl.word import Context, Vocabulary
from atlas.asl.words.math_words import MATH
from atlas.expr.math_expr import NamedRewrite
from atlas.expr.sketch_expr import ApproxDistinct
from atlas.expr.stateful_expr import (
    CumulativeMax,
    Delay,
    Derivative,
    Integral,
    RollingCount,
    RollingMax,
    RollingMean,
    RollingMin,
    RollingSum,
    Trend,
)
from atlas.expr.tree import Node, TimeSeriesExpr

STATEFUL = Vocabulary("stateful", before=MATH)

_LINE = "name,sps,:eq,:sum"
_PLAIN = "TimeSeriesExpr -- TimeSeriesExpr"
_WINDOW = "TimeSeriesExpr n:Int -- TimeSeriesExpr"


@STATEFUL.word("delay", _WINDOW, examples=(f"{_LINE},5",), keeps_style=True)
def _delay(expr: TimeSeriesExpr, size: int) -> TimeSeriesExpr:
    """Each value n steps later; gaps come first."""
    return Delay(expr, size)


@STATEFUL.word("rolling-count", _WINDOW, examples=(f"{_LINE},0.4,:gt,5",), keeps_style=True)
def _rolling_count(expr: TimeSeriesExpr, size: int) -> TimeSeriesExpr:
    """How many of the last n values are neither 0 nor a gap."""
    return RollingCount(expr, size)


@STATEFUL.word("rolling-min", _WINDOW, examples=(f"{_LINE},5",), keeps_style=True)
def _rolling_min(expr: TimeSeriesExpr, size: int) -> TimeSeriesExpr:
    """The smallest of the last n values."""
    return RollingMin(expr, size)


@STATEFUL.word("rolling-max", _WINDOW, examples=(f"{_LINE},5",), keeps_style=True)
def _rolling_max(expr: TimeSeriesExpr, size: int) -> TimeSeriesExpr:
    """The largest of the last n values."""
    return RollingMax(expr, size)


@STATEFUL.word(
    "rolling-mean",
    "TimeSeriesExpr n:Int minNumValues:Int -- TimeSeriesExpr",
    examples=(f"{_LINE},5,3",),
    keeps_style=True,
)
def _rolling_mean(expr: TimeSeriesExpr, size: int, value_count_min: int) -> TimeSeriesExpr:
    """The mean of the last n values, if at least so many of them are no gaps."""
    return RollingMean(expr, size, value_count_min)


@STATEFUL.word("rolling-sum", _WINDOW, examples=(f"{_LINE},5",), keeps_style=True)
def _rolling_sum(expr: TimeSeriesExpr, size: int) -> TimeSeriesExpr:
    """The sum of the last n values; gaps count as nothing."""
    return RollingSum(expr, size)


@STATEFUL.word(
    "trend",
    "TimeSeriesExpr window:Duration -- TimeSeriesExpr",
    examples=(f"{_LINE},PT5M", f"{_LINE},20m"),
    keeps_style=True,
)
def _trend(expr: TimeSeriesExpr, window_ms: int) -> TimeSeriesExpr:
    """The mean over a length of time, with gaps as zero; `:rolling-mean` is to be preferred."""
    return Trend(expr, window_ms)


@STATEFUL.word("integral", _PLAIN, examples=("1", f"{_LINE}"), keeps_style=True)
def _integral(expr: TimeSeriesExpr) -> TimeSeriesExpr:
    """The sum of everything since the graph begins; gaps count as nothing."""
    return Integral(expr)


@STATEFUL.word("derivative", _PLAIN, examples=("1", "1,:integral"), keeps_style=True)
def _derivative(expr: TimeSeriesExpr) -> TimeSeriesExpr:
    """How much each value is above the one before it; undoes `:integral`."""
    return Derivative(expr)


@STATEFUL.word("cumulative-max", _PLAIN, examples=("1", f"{_LINE}"), keeps_style=True)
def _cumulative_max(expr: TimeSeriesExpr) -> TimeSeriesExpr:
    """The largest value since the graph begins."""
    return CumulativeMax(expr)


@STATEFUL.context_word(
    "approx-distinct-cumulative",
    _PLAIN,
    takes="StoredItem",
    examples=("name,users,:eq", "name,users,:eq,(,k,),:by"),
)
def _approx_distinct_cumulative(context: Context, of: Node) -> Context:
    """Estimates how many distinct values a sketch has seen since the graph begins."""
    return context.push(NamedRewrite("approx-distinct-cumulative", of, _distinct_so_far))


def _distinct_so_far(of: Node) -> TimeSeriesExpr:
    return ApproxDistinct(CumulativeMax(cast(TimeSeriesExpr, as_series(of))))
