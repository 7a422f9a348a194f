"""An expression over a store for a window: leaves from the store, the rest on arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from atlas.errors import AslError
from atlas.eval.fetch import fetch_lines
from atlas.eval.lines import Lines, no_data, one_line, sorted_by_label
from atlas.eval.operators import BINARY_ARRAYS, UNARY_ARRAYS
from atlas.eval.reduce import reduce_lines
from atlas.expr.data_expr import Aggregate, All, DataExpr, GroupBy
from atlas.expr.label import group_label, tag_label
from atlas.expr.math_expr import (
    Binary,
    Constant,
    LineAggregate,
    LineGroupBy,
    NamedRewrite,
    TimeSeriesExpr,
    Unary,
    data_exprs,
    grouping,
)
from atlas.expr.query_expr import exact_tags
from atlas.expr.text import number_text
from atlas.model import EvalContext
from atlas.store.block import FloatArray
from atlas.store.memory import MemoryStore

Leaves = Mapping[DataExpr, Lines]


def evaluate(
    store: MemoryStore, exprs: Sequence[TimeSeriesExpr], context: EvalContext
) -> list[Lines]:
    """The lines of each expression, sorted by label. All see the same state of the store."""
    leaves: dict[DataExpr, Lines] = {}
    with store.locked():
        for expr in exprs:
            for leaf in data_exprs(expr):
                if leaf not in leaves:
                    leaves[leaf] = fetch_lines(store, leaf, context)
    with np.errstate(all="ignore"):
        return [sorted_by_label(_evaluate(expr, leaves, context)) for expr in exprs]


def _evaluate(  # noqa: PLR0911 (a return for each kind of expression)
    expr: TimeSeriesExpr, leaves: Leaves, context: EvalContext
) -> Lines:
    match expr:
        case Aggregate() | GroupBy() | All():
            return leaves[expr]
        case Constant():
            text = number_text(expr.value)
            return one_line({"name": text}, text, np.full(context.step_count, expr.value))
        case Unary():
            inner = _evaluate(expr.inner, leaves, context)
            return _relabelled(inner, UNARY_ARRAYS[expr.word](inner.values))
        case Binary():
            return _binary(expr, leaves, context)
        case LineAggregate():
            inner = _evaluate(expr.inner, leaves, context)
            if not inner.count:
                return no_data(context.step_count)
            tags = _exact_tags_of(expr, inner.tags[0])
            label = f"{expr.function}({tag_label(tags)})"
            return one_line(tags, label, reduce_lines(expr.function, inner.values))
        case LineGroupBy():
            return _line_groups(expr, leaves, context)
        case NamedRewrite():
            return _evaluate(expr.expansion, leaves, context)


def _relabelled(lines: Lines, values: FloatArray) -> Lines:
    labels = tuple(tag_label(tags) for tags in lines.tags)
    return Lines(lines.tags, labels, lines.keys, values)


def _binary(expr: Binary, leaves: Leaves, context: EvalContext) -> Lines:
    """Lines paired by key: each line of the more finely grouped side with one of the other side."""
    left = _evaluate(expr.left, leaves, context)
    right = _evaluate(expr.right, leaves, context)
    left_keys, right_keys = grouping(expr.left), grouping(expr.right)
    left_leads = set(right_keys) <= set(left_keys)
    leader, follower = (left, right) if left_leads else (right, left)
    leader_keys, follower_keys = (left_keys, right_keys) if left_leads else (right_keys, left_keys)

    at = _positions_by_key(follower)
    picks = [leader_keys.index(key) for key in follower_keys]
    pairs = [
        (i, at[key])
        for i, line in enumerate(leader.keys)
        if (key := tuple(line[p] for p in picks)) in at
    ]
    mine = np.array([i for i, _ in pairs], np.intp)
    theirs = np.array([j for _, j in pairs], np.intp)
    a, b = leader.values[mine], follower.values[theirs]
    values = BINARY_ARRAYS[expr.word](a, b) if left_leads else BINARY_ARRAYS[expr.word](b, a)
    tags = tuple(leader.tags[i] for i, _ in pairs)
    keys = tuple(leader.keys[i] for i, _ in pairs)
    return Lines(tags, tuple(map(tag_label, tags)), keys, values)


def _positions_by_key(lines: Lines) -> dict[tuple[str, ...], int]:
    at: dict[tuple[str, ...], int] = {}
    for i, key in enumerate(lines.keys):
        if at.setdefault(key, i) != i:
            raise AslError(
                "too many values for key",
                fix="combine the lines of one side, as with :sum, or group both sides",
            )
    return at


def _line_groups(expr: LineGroupBy, leaves: Leaves, context: EvalContext) -> Lines:
    inner_keys = grouping(expr.aggregate.inner)
    inner = _evaluate(expr.aggregate.inner, leaves, context)
    picks = [inner_keys.index(key) for key in expr.keys]
    members: dict[tuple[str, ...], list[int]] = {}
    for i, line in enumerate(inner.keys):
        members.setdefault(tuple(line[p] for p in picks), []).append(i)
    if not members:
        return Lines((), (), (), np.zeros((0, context.step_count)))
    function = expr.aggregate.function
    values = np.stack([reduce_lines(function, inner.values[at]) for at in members.values()])
    tags = tuple(
        _exact_tags_of(expr.aggregate, inner.tags[0]) | dict(zip(expr.keys, key, strict=True))
        for key in members
    )
    labels = tuple(group_label(expr.keys, key) for key in members)
    return Lines(tags, labels, tuple(members), values)


def _exact_tags_of(expr: LineAggregate, tags: Mapping[str, str]) -> dict[str, str]:
    """The tags that a combined line keeps: the exact keys of its first leaf."""
    leaf = next(data_exprs(expr), None)
    exact = exact_tags(leaf.query) if leaf is not None else tags
    return {k: v for k, v in tags.items() if k in exact}
