"""Data expressions answered from the blocks of a store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache

import numpy as np

from atlas.eval.lines import Lines, no_data
from atlas.eval.reading import Reading, Source, read_together
from atlas.expr.data_expr import Aggregate, All, DataExpr, GroupBy
from atlas.expr.label import aggregate_label
from atlas.expr.query_expr import exact_tags
from atlas.expr.text import duration_text
from atlas.model import EvalContext
from atlas.store.budget import Budget
from atlas.store.layout import FloatArray
from atlas.store.memory import MemoryStore


def fetch_lines(
    store: MemoryStore, expr: DataExpr, context: EvalContext, budget: Budget | None = None
) -> Lines:
    """The lines of a data expression for a window, as the store is at one moment."""
    return fetch_leaves(store, [expr], context, budget)[expr]


def fetch_leaves(
    store: MemoryStore,
    exprs: Iterable[DataExpr],
    context: EvalContext,
    budget: Budget | None = None,
) -> Mapping[DataExpr, Lines]:
    """The lines of each data expression for a window; all as the store is at one moment.

    The caller does not hold the store's lock, or the reading stops all writing. Raises
    LimitExceeded if there are too many lines, or when the budget is used up.
    """
    budget = budget or Budget()
    readings = {
        expr: Reading(store, _source(expr), _moved(context, expr.offset_ms))
        for expr in dict.fromkeys(exprs)
    }
    read_together(store, list(readings.values()), budget)
    return {
        expr: _shifted(_lines(expr, reading), expr, context) for expr, reading in readings.items()
    }


def _source(expr: DataExpr) -> Source:
    match expr:
        case Aggregate():
            return Source(expr.query, expr.function, expr.consolidation_used, ())
        case GroupBy():
            aggregate = expr.aggregate
            return Source(expr.query, aggregate.function, aggregate.consolidation_used, expr.keys)
        case All():
            return Source(expr.query, "sum", "sum", None)


def _lines(expr: DataExpr, reading: Reading) -> Lines:
    """What was read, without groups that are all gaps."""
    selection, values = reading.selection, reading.values
    is_rate = tuple((~selection.are_gauges).tolist())
    if isinstance(expr, Aggregate):
        if np.isnan(values).all():
            return no_data(reading.context.step_count)
        tags, label = _described(expr)
        return Lines((tags,), (label,), ((),), values, is_rate)
    lines = Lines(selection.tags, selection.labels, selection.keys, values, is_rate)
    are_gaps = np.isnan(values).all(axis=1)
    return lines.picked(np.flatnonzero(~are_gaps).tolist()) if are_gaps.any() else lines


@lru_cache(maxsize=512)
def _described(expr: Aggregate) -> tuple[Mapping[str, str], str]:
    return exact_tags(expr.query), aggregate_label(expr)


def _moved(context: EvalContext, offset_ms: int) -> EvalContext:
    """The window that an offset reads: whole steps back; `_shifted` sees to the rest."""
    if not offset_ms:
        return context
    back_ms = _whole_steps_ms(context, offset_ms)
    return replace(context, start_ms=context.start_ms - back_ms, end_ms=context.end_ms - back_ms)


def _shifted(lines: Lines, expr: DataExpr, context: EvalContext) -> Lines:
    """Lines of the moved window as they show in the window itself."""
    if not expr.offset_ms:
        return lines
    # What is left of the offset shows each value a step later.
    rest_ms = expr.offset_ms - _whole_steps_ms(context, expr.offset_ms)
    suffix = f" (offset={duration_text(expr.offset_ms)})"
    return replace(
        lines,
        labels=tuple(label + suffix for label in lines.labels),
        values=_later(lines.values, -(-rest_ms // context.step_ms)),
    )


def _whole_steps_ms(context: EvalContext, offset_ms: int) -> int:
    return max(0, offset_ms // context.step_ms * context.step_ms)


def _later(values: FloatArray, step_count: int) -> FloatArray:
    """Each value so many steps later, or earlier if negative; gaps take their place."""
    at = np.arange(values.shape[1]) - step_count
    is_within = (at >= 0) & (at < values.shape[1])
    return np.where(is_within, values[:, np.where(is_within, at, 0)], np.nan)
