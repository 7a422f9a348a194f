"""Words that say how the series of a query become lines."""

from __future__ import annotations

from atlas.asl.word import Vocabulary
from atlas.asl.words.query_words import QUERY
from atlas.expr.data_expr import Aggregate, All, DataExpr, GroupBy
from atlas.expr.query_expr import Query

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
