"""Words that keep or drop whole lines, and the statistics by which they do."""

from __future__ import annotations

from atlas.asl.word import Vocabulary
from atlas.asl.words.stateful_words import STATEFUL
from atlas.expr.filter_expr import (
    STATISTICS,
    ConditionStat,
    Consolidate,
    Filter,
    PriorityFilter,
    Stat,
)
from atlas.expr.tree import Node, TimeSeriesExpr, rewritten_expr

FILTER = Vocabulary("filter", before=STATEFUL)

_LINE = "name,sps,:eq,:sum"
_GROUPS = "name,sps,:eq,:sum,(,nf.cluster,),:by"
_STATISTIC_SUMMARIES = {
    "avg": "The mean of what is filtered",
    "max": "The largest value of what is filtered",
    "min": "The smallest value of what is filtered",
    "last": "The last value of what is filtered",
    "count": "How many values there are in what is filtered",
    "total": "The sum of what is filtered",
}
_OTHERS_SUMMARIES = {
    "min": "smallest of the others",
    "max": "largest of the others",
    "sum": "sum of the others",
    "avg": "mean of the others",
}


@FILTER.word(
    "consolidate",
    "TimeSeriesExpr cf:ConsolidationFunction newStep:Duration -- TimeSeriesExpr",
    examples=(f"{_LINE},avg,5m", f"{_LINE},max,90s"),
    keeps_style=True,
)
def _consolidate(expr: TimeSeriesExpr, function: str, step_ms: int) -> TimeSeriesExpr:
    """Each value replaced by the avg, sum, min or max of the longer step around it."""
    return Consolidate(expr, function, step_ms)


@FILTER.word(
    "stat",
    "TimeSeriesExpr stat:String -- TimeSeriesExpr",
    examples=tuple(f"{_LINE},{statistic}" for statistic in STATISTICS),
    keeps_style=True,
)
def _stat(expr: TimeSeriesExpr, statistic: str) -> TimeSeriesExpr:
    """The avg, max, min, last, total or count of each line, at every step."""
    return Stat(expr, statistic)


def _condition_word(statistic: str) -> None:
    def run() -> TimeSeriesExpr:
        return ConditionStat(statistic)

    run.__doc__ = f"{_STATISTIC_SUMMARIES[statistic]}, in the condition of `:filter`."
    FILTER.word(f"stat-{statistic}", " -- TimeSeriesExpr", examples=("",))(run)


for _statistic in STATISTICS:
    _condition_word(_statistic)


def filtered(expr: TimeSeriesExpr, condition: TimeSeriesExpr) -> TimeSeriesExpr:
    """The expression filtered, the statistics in the condition being its own."""

    def change(node: Node) -> Node | None:
        if isinstance(node, ConditionStat):
            return Stat(expr, node.statistic, is_in_condition=True)
        return None

    return Filter(expr, rewritten_expr(condition, change))


@FILTER.word(
    "filter",
    "t1:TimeSeriesExpr t2:TimeSeriesExpr -- TimeSeriesExpr",
    examples=(f"{_GROUPS},:stat-max,30e3,:gt", f"{_LINE},:dup,avg,:stat,5,:gt"),
)
def _filter(expr: TimeSeriesExpr, condition: TimeSeriesExpr) -> TimeSeriesExpr:
    """Keeps the lines for which a condition is neither 0 nor a gap at some step."""
    return filtered(expr, condition)


def _old_statistic_word(statistic: str) -> None:
    def run(expr: TimeSeriesExpr) -> TimeSeriesExpr:
        return Stat(expr, statistic)

    run.__doc__ = f"An old way to write `{statistic},:stat`."
    signature = "TimeSeriesExpr -- TimeSeriesExpr"
    FILTER.word(f"stat-{statistic}-mf", signature, examples=("42",), keeps_style=True)(run)


for _statistic in ("avg", "max", "min"):
    _old_statistic_word(_statistic)


def _priority_word(word: str, summary: str) -> None:
    def run(expr: TimeSeriesExpr, statistic: str, line_count: int) -> TimeSeriesExpr:
        return PriorityFilter(word, expr, statistic, line_count)

    run.__doc__ = summary
    signature = "TimeSeriesExpr stat:String k:Int -- TimeSeriesExpr"
    FILTER.word(word, signature, examples=(f"{_GROUPS},max,5",), keeps_style=True)(run)


for _word, _which in (("topk", "largest"), ("bottomk", "smallest")):
    _kept = f"Keeps the k lines with the {_which} value of a statistic"
    _priority_word(_word, f"{_kept}.")
    for _function, _combined in _OTHERS_SUMMARIES.items():
        _priority_word(f"{_word}-others-{_function}", f"{_kept}, and the {_combined}.")
