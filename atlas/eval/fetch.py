"""Data expressions answered from the blocks of a store."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from atlas.errors import LimitExceeded
from atlas.eval.by_series import is_joined_first, joined_first
from atlas.eval.lines import Lines, no_data, one_line
from atlas.eval.reduce import consolidate, present_in, reduce_block, refold_sums
from atlas.expr.data_expr import Aggregate, All, DataExpr, GroupBy
from atlas.expr.label import aggregate_label, group_label, tag_label
from atlas.expr.query_expr import exact_tags
from atlas.expr.text import duration_text
from atlas.model import EvalContext
from atlas.store.index import Groups
from atlas.store.layout import BoolArray, FloatArray, RowArray
from atlas.store.memory import MemoryStore


def fetch_lines(store: MemoryStore, expr: DataExpr, context: EvalContext) -> Lines:
    """The lines of a data expression for a window. The caller holds the store's lock."""
    if not expr.offset_ms:
        return _fetch(store, expr, context)
    # What is fetched is moved by whole steps; the rest shows each value a step later.
    back_ms = max(0, expr.offset_ms // context.step_ms * context.step_ms)
    moved = replace(context, start_ms=context.start_ms - back_ms, end_ms=context.end_ms - back_ms)
    lines = _fetch(store, expr, moved)
    step_count = -((back_ms - expr.offset_ms) // context.step_ms)
    suffix = f" (offset={duration_text(expr.offset_ms)})"
    return replace(
        lines,
        labels=tuple(label + suffix for label in lines.labels),
        values=_later(lines.values, step_count),
    )


def _later(values: FloatArray, step_count: int) -> FloatArray:
    """Each value so many steps later, or earlier if negative; gaps take their place."""
    at = np.arange(values.shape[1]) - step_count
    is_within = (at >= 0) & (at < values.shape[1])
    return np.where(is_within, values[:, np.where(is_within, at, 0)], np.nan)


def _fetch(store: MemoryStore, expr: DataExpr, context: EvalContext) -> Lines:
    rows = store.index.select(expr.query)
    match expr:
        case Aggregate():
            groups = store.index.group(rows, ())
            values = _reduced(store, expr.function, expr.consolidation_used, groups, context)
            if not groups.count or np.isnan(values).all():
                return no_data(context.step_count)
            line = one_line(exact_tags(expr.query), aggregate_label(expr), values[0])
            return replace(line, is_rate=_are_rates(store, groups.rows[:1]))
        case GroupBy():
            return _fetch_groups(store, expr, store.index.group(rows, expr.keys), context)
        case All():
            groups = Groups(rows, np.arange(len(rows) + 1))
            _check_size(store, groups.count, context)
            values = _reduced(store, "sum", "sum", groups, context)
            shown = np.flatnonzero(~np.isnan(values).all(axis=1))
            tags = tuple(store.index.tags_of(row) for row in rows[shown].tolist())
            labels, is_rate = tuple(map(tag_label, tags)), _are_rates(store, rows[shown])
            return Lines(tags, labels, ((),) * len(tags), values[shown], is_rate)


def _fetch_groups(store: MemoryStore, expr: GroupBy, groups: Groups, context: EvalContext) -> Lines:
    if not groups.count:
        return Lines((), (), (), np.zeros((0, context.step_count)))
    _check_size(store, groups.count, context)
    function, how = expr.aggregate.function, expr.aggregate.consolidation_used
    values = _reduced(store, function, how, groups, context)
    shown = np.flatnonzero(~np.isnan(values).all(axis=1))
    firsts = groups.rows[groups.starts[:-1][shown]]
    columns = [store.index.values_at(key, firsts) for key in expr.keys]
    keys = tuple(zip(*columns, strict=True)) if columns else ((),) * len(shown)
    exact = exact_tags(expr.query)
    return Lines(
        tuple({**exact, **dict(zip(expr.keys, key, strict=True))} for key in keys),
        tuple(group_label(expr.keys, key) for key in keys),
        keys,
        values[shown],
        _are_rates(store, firsts),
    )


def _are_rates(store: MemoryStore, rows: RowArray) -> tuple[bool, ...]:
    return tuple((~store.normalizer.are_gauges(rows)).tolist())


def _check_size(store: MemoryStore, line_count: int, context: EvalContext) -> None:
    limits = store.config.limits
    if line_count > limits.line_count_max:
        raise LimitExceeded(
            f"requirement failed: too many lines: {line_count} > {limits.line_count_max}",
            fix="group by a key with fewer values, or select fewer series",
        )
    count, count_max = line_count * context.step_count, limits.datapoint_count_max
    if count > count_max:
        raise LimitExceeded(
            f"requirement failed: too many datapoints: {count} > {count_max}",
            fix="ask for a shorter time or a longer step",
        )


def _reduced(
    store: MemoryStore, function: str, how: str, groups: Groups, context: EvalContext
) -> FloatArray:
    """Groups by steps of the window, from the store's own steps, which are joined by `how`."""
    multiple = context.step_ms // store.config.step_ms
    if not groups.count:
        return np.full((0, context.step_count), np.nan)
    is_gauge = store.normalizer.are_gauges(groups.rows[groups.starts[:-1]])
    if multiple > 1 and is_joined_first(function, how):

        def slots(series: Groups) -> tuple[FloatArray, BoolArray]:
            return _slots(store, "sum", series, context)

        return joined_first(
            slots, groups, function=function, how=how, multiple=multiple, is_gauge=is_gauge
        )
    values, has = _slots(store, function, groups, context)
    return consolidate(how, values, has, multiple, is_gauge)


def _slots(
    store: MemoryStore, function: str, groups: Groups, context: EvalContext
) -> tuple[FloatArray, BoolArray]:
    """Groups by the store's own steps, and where there is a value."""
    own_ms = store.config.step_ms
    multiple = context.step_ms // own_ms
    first_ms = context.start_ms - (multiple - 1) * own_ms
    shape = (groups.count, context.step_count * multiple)
    values: FloatArray = np.zeros(shape)
    has = np.zeros(shape, np.bool_)
    end_ms = first_ms + shape[1] * own_ms
    for block_ms, block in store.blocks(first_ms, end_ms):
        begin = max(0, (first_ms - block_ms) // own_ms)
        end = min(60, (end_ms - block_ms) // own_ms)
        columns = slice(begin, end)
        at = (block_ms - first_ms) // own_ms
        target = slice(at + begin, at + end)
        reduced = reduce_block(function, block, groups, columns, lambda: None)
        has_value = present_in(block, groups, columns)
        if function == "sum" and np.isnan(reduced).any():
            refold_sums(reduced, has_value, block, groups, columns, ordered=store.index.id_order)
        values[:, target], has[:, target] = reduced, has_value
    return values, has
