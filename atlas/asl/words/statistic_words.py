"""Words for averages, deviations, shares, and for what sketches estimate."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from atlas.asl.word import Context
from atlas.asl.words.math_words import MATH
from atlas.expr.data_expr import Aggregate, GroupBy
from atlas.expr.math_expr import Constant, NamedRewrite
from atlas.expr.operations import applied, combined, paired_up
from atlas.expr.query_expr import Equal, In, Query, both
from atlas.expr.sketch_expr import ApproxDistinct, percentiles, sample_count
from atlas.expr.text import number_text
from atlas.expr.tree import Node, TimeSeriesExpr

_SIGNATURE = "TimeSeriesExpr -- TimeSeriesExpr"
_QUERY_SIGNATURE = "Query -- TimeSeriesExpr"
_EXAMPLES = ("name,sps,:eq,(,k,),:by", "name,sps,:eq", "42")

_COUNT = Equal("statistic", "count")
_MAX = Equal("statistic", "max")
_SQUARES = Equal("statistic", "totalOfSquares")


@MATH.context_word(
    "percentiles",
    "DataExpr percentiles:List -- Expr",
    takes="AggregatedExpr DoubleList",
    examples=("name,latency,:eq,(,25,50,90,)", "name,latency,:eq,(,k,),:by,(,99,)"),
)
def _percentiles(context: Context, of: Aggregate | GroupBy, wanted: tuple[float, ...]) -> Context:
    """Estimates percentiles from the counts of a percentile timer or distribution summary."""
    return context.push(percentiles(of, wanted))


@MATH.context_word(
    "median", _SIGNATURE, takes="Expr", examples=("name,latency,:eq", "name,latency,:eq,(,k,),:by")
)
def _median(context: Context, of: object) -> Context:
    """Estimates the median from the counts of a percentile timer or distribution summary."""
    return context.push(of).call(("(", "50", ")", ":percentiles"))


@MATH.context_word(
    "approx-distinct",
    "TimeSeriesExpr -- Expr",
    takes="StoredExpr",
    examples=("name,users,:eq", "name,users,:eq,(,k,),:by"),
)
def _approx_distinct(context: Context, of: TimeSeriesExpr) -> Context:
    """Estimates how many distinct values a distinct count sketch has seen."""
    return context.push(ApproxDistinct(of))


@MATH.word(
    "sample-count",
    "q:Query min:Double max:Double -- TimeSeriesExpr",
    examples=("name,latency,:eq,0.1,0.5",),
)
def _sample_count(query: Query, low: float, high: float) -> TimeSeriesExpr:
    """Estimates how many samples of a percentile timer or summary lie between two values."""

    def expand(display: Node) -> TimeSeriesExpr:
        return sample_count(cast(Query, display), low, high)

    bounds = (number_text(low), number_text(high))
    return NamedRewrite("sample-count", query, expand, parameters=bounds)


@MATH.word("sample-count", _QUERY_SIGNATURE, examples=("name,latency,:eq",))
def _sample_count_of_all(query: Query) -> TimeSeriesExpr:
    """Estimates how many samples of a percentile timer or summary there are."""

    def expand(display: Node) -> TimeSeriesExpr:
        return sample_count(cast(Query, display), 0, float("inf"))

    return NamedRewrite("sample-count", query, expand)


def _macro(name: str, expand: Callable[[Node], TimeSeriesExpr], summary: str) -> None:
    def run(context: Context, of: Node) -> Context:
        return context.push(NamedRewrite(name, of, expand))

    run.__doc__ = summary
    MATH.context_word(name, _SIGNATURE, takes="Expr", examples=_EXAMPLES, keeps_style=True)(run)


def _query_macro(name: str, expand: Callable[[Query], TimeSeriesExpr], summary: str) -> None:
    def run(query: Query) -> TimeSeriesExpr:
        return NamedRewrite(name, query, lambda display: expand(cast(Query, display)))

    run.__doc__ = summary
    examples = ("name,latency,:eq", "name,latency,:eq,k,:has,:and")
    MATH.word(name, _QUERY_SIGNATURE, examples=examples)(run)


def _mean(of: Node) -> TimeSeriesExpr:
    return paired_up("div", combined("sum", of), combined("count", of))


def _deviation(of: Node) -> TimeSeriesExpr:
    # A query is summed, so that it has no deviation; that is what the original does.
    lines = combined("sum", of) if isinstance(of, Query) else cast(TimeSeriesExpr, of)
    values = paired_up("fadd", lines, Constant(0.0))
    squares = combined("sum", paired_up("mul", values, values))
    return _population_deviation(combined("count", values), squares, combined("sum", values))


def _population_deviation(
    count: TimeSeriesExpr, squares: TimeSeriesExpr, total: TimeSeriesExpr
) -> TimeSeriesExpr:
    """sqrt((N·Σx² − (Σx)²) / N²)."""
    difference = paired_up("sub", paired_up("mul", count, squares), paired_up("mul", total, total))
    return applied("sqrt", paired_up("div", difference, paired_up("mul", count, count)))


def _share(of: Node) -> TimeSeriesExpr:
    total = combined("sum", of)
    lines = total if isinstance(of, Query) else cast(TimeSeriesExpr, of)
    return paired_up("mul", paired_up("div", lines, total), Constant(100.0))


_macro("avg", _mean, "The mean over all series of a query, or of the lines of an expression.")
_macro("stddev", _deviation, "The standard deviation of the lines of an expression.")
_macro("pct", _share, "Each line as a percentage of their sum.")


def _part(function: str, part: Query, query: Query) -> Aggregate:
    return Aggregate(function, both(part, query))


def _distribution_mean(query: Query) -> TimeSeriesExpr:
    total = In("statistic", ("totalTime", "totalAmount"))
    return paired_up("div", _part("sum", total, query), _part("sum", _COUNT, query))


def _distribution_deviation(query: Query) -> TimeSeriesExpr:
    return _population_deviation(
        _part("sum", _COUNT, query),
        _part("sum", _SQUARES, query),
        _part("sum", In("statistic", ("totalAmount", "totalTime")), query),
    )


_query_macro(
    "dist-avg", _distribution_mean, "The mean of what a timer or distribution summary recorded."
)
_query_macro(
    "dist-max",
    lambda query: _part("max", _MAX, query),
    "The largest value that a timer or distribution summary recorded.",
)
_query_macro(
    "dist-stddev",
    _distribution_deviation,
    "The standard deviation of what a timer or distribution summary recorded.",
)
