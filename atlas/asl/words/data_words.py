"""Words that say how the series of a query become lines."""

from __future__ import annotations

from atlas.asl.word import Vocabulary
from atlas.asl.words.query_words import QUERY
from atlas.expr.data_expr import Aggregate, All, DataExpr, GroupBy
from atlas.expr.math_expr import consolidated_by, shifted
from atlas.expr.query_expr import Query
from atlas.expr.tree import TimeSeriesExpr

DATA = Vocabulary("data", before=QUERY)


@DATA.word("all", "q:Query -- DataExpr", examples=("name,sps,:eq",))
def _all(query: Query) -> DataExpr:
    """Every series by itself, with all of its tags."""
    return All(query)


@DATA.word("sum", "q:Query -- DataExpr", examples=("name,sps,:eq",))
def _sum(query: Query) -> DataExpr:
    """The sum over all series at each step; gaps are left out."""
    return Aggregate("sum", query)


@DATA.word("count", "q:Query -- DataExpr", examples=("name,sps,:eq",))
def _count(query: Query) -> DataExpr:
    """How many series have a value at each step; a gap where none has."""
    return Aggregate("count", query)


@DATA.word("min", "q:Query -- DataExpr", examples=("name,sps,:eq",))
def _min(query: Query) -> DataExpr:
    """The smallest value of all series at each step."""
    return Aggregate("min", query)


@DATA.word("max", "q:Query -- DataExpr", examples=("name,sps,:eq",))
def _max(query: Query) -> DataExpr:
    """The largest value of all series at each step."""
    return Aggregate("max", query)


@DATA.word(
    "by",
    "af:AggregateFunction keys:StringList -- DataExpr",
    examples=("name,sps,:eq,:max,(,nf.zone,)", "name,sps,:eq,(,a,b,)"),
)
def _by(aggregate: Aggregate, keys: tuple[str, ...]) -> DataExpr:
    """One line for each combination of values of the keys; series that lack a key are left out."""
    return GroupBy(aggregate, keys)


@DATA.word(
    "offset",
    "TimeSeriesExpr dur:Duration -- TimeSeriesExpr",
    examples=("name,sps,:eq,(,name,),:by,1w", "name,sps,:eq,:max,PT1H", "name,sps,:eq,:avg,90s"),
    keeps_style=True,
)
def _offset(expr: TimeSeriesExpr, offset_ms: int) -> TimeSeriesExpr:
    """The data of some time ago, shown as if it were of now; of several offsets the last counts."""
    return shifted(expr, offset_ms)


def _consolidation_word(function: str, summary: str) -> None:
    def run(expr: TimeSeriesExpr) -> TimeSeriesExpr:
        return consolidated_by(expr, function)

    run.__doc__ = summary
    examples = ("name,sps,:eq", "name,sps,:eq,:max,(,k,),:by", "name,sps,:eq,:avg")
    DATA.word(f"cf-{function}", "expr:TimeSeriesExpr -- DataExpr", examples=examples)(run)


_consolidation_word("avg", "Makes each step of a graph the mean of the steps stored.")
_consolidation_word("sum", "Makes each step of a graph the sum of the steps stored.")
_consolidation_word("min", "Makes each step of a graph the smallest of the steps stored.")
_consolidation_word("max", "Makes each step of a graph the largest of the steps stored.")
