"""Lines kept or dropped by a condition or by rank; statistics. The hidden first step counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from atlas.errors import AslError, requirement_failed
from atlas.eval.algorithms import BoolArray, FloatArray
from atlas.eval.algorithms.enclosing import enclosing
from atlas.eval.algorithms.priority import best
from atlas.eval.algorithms.running import running_sum
from atlas.eval.algorithms.summary import STATISTICS
from atlas.eval.evaluation import Evaluation, evaluates
from atlas.eval.lines import Lines
from atlas.expr.filter_expr import ConditionStat, Consolidate, Filter, PriorityFilter, Stat
from atlas.expr.label import group_labels, tag_label
from atlas.expr.operators import NEARLY_ZERO

OTHERS = "--others--"
"""The value that every key of a group has when it is made up of the lines that were not chosen."""


@evaluates(Consolidate)
def _consolidate(expr: Consolidate, evaluation: Evaluation) -> Lines:
    lines = evaluation.lines(expr.inner)
    start_ms, step_ms = evaluation.context.start_ms, evaluation.context.step_ms
    if expr.step_ms <= step_ms:
        if lines.count and (expr.step_ms <= 0 or step_ms % expr.step_ms):
            raise requirement_failed("consolidated step must be multiple of primary step")
        return lines
    multiple = -(-expr.step_ms // step_ms)
    is_rate = np.array(lines.is_rate or [False] * lines.count)
    values = enclosing(expr.function, lines.values, multiple, start_ms // step_ms, is_rate)
    return replace(lines, values=values, notices=())


@evaluates(Stat)
def _stat(expr: Stat, evaluation: Evaluation) -> Lines:
    lines = evaluation.lines(expr.inner)
    numbers = _statistic(expr.statistic, lines.values)
    values = np.repeat(numbers[:, None], lines.values.shape[1], axis=1)
    return replace(lines.wrapped(f"stat-{expr.statistic}", values), is_rate=())


@evaluates(ConditionStat)
def _condition_stat(_: ConditionStat, evaluation: Evaluation) -> Lines:
    return Lines((), (), (), np.zeros((0, evaluation.context.step_count)))


@evaluates(Filter)
def _filter(expr: Filter, evaluation: Evaluation) -> Lines:
    lines, condition = evaluation.lines(expr.inner), evaluation.lines(expr.condition)
    is_true = np.abs(condition.values) >= NEARLY_ZERO
    holds: BoolArray = np.logical_or.reduce(is_true, axis=1)
    if expr.condition.grouping is None:
        if condition.count != 1:
            raise requirement_failed("empty result for filter expression")
        at: Sequence[int] = range(lines.count if holds[0] else 0)
    else:
        at = _matching(lines, condition, holds, expr.inner.grouping or ())
    notice = f"{len(at)} of {lines.count} lines matched filter"
    return replace(lines.picked(at), notices=(notice,))


def _matching(
    lines: Lines, condition: Lines, holds: BoolArray, keys: Sequence[str]
) -> Sequence[int]:
    """Positions of the lines for which there is exactly one condition, which holds."""
    held: dict[tuple[str | None, ...], list[bool]] = {}
    for tags, holds_here in zip(condition.tags, holds.tolist(), strict=True):
        held.setdefault(tuple(map(tags.get, keys)), []).append(holds_here)
    return [i for i, key in enumerate(lines.keys) if held.get(key) == [True]]


@evaluates(PriorityFilter)
def _priority_filter(expr: PriorityFilter, evaluation: Evaluation) -> Lines:
    lines = evaluation.lines(expr.inner)
    keys = expr.grouping
    labels = lines.labels if keys is None else group_labels(keys, lines.keys)
    # Ties are broken by order, which in the original is that of the groups.
    order = sorted(range(lines.count), key=labels.__getitem__)
    numbers = _statistic(expr.statistic, lines.values)[order]
    kept, rest = best(numbers, expr.line_count, is_top=expr.is_top)
    chosen = lines.picked([order[i] for i in kept])
    if expr.others is None or not rest:
        return chosen
    return _with_others(chosen, lines.picked([order[i] for i in rest]), expr.others, keys or ())


def _with_others(kept: Lines, rest: Lines, function: str, keys: Sequence[str]) -> Lines:
    """The lines that were kept, and one more that the others are combined to."""
    shared = set.intersection(*(set(tags.items()) for tags in rest.tags))
    tags = {**dict(shared), **dict.fromkeys(keys, OTHERS)}
    combined = _combined(function, rest.values)
    return Lines(
        (*kept.tags, tags),
        (*kept.labels, tag_label(tags)),
        (*kept.keys, (OTHERS,) * len(keys)),
        np.concatenate([kept.values, combined[None]]),
        (*kept.is_rate, *rest.is_rate[:1]),
    )


def _combined(function: str, values: FloatArray) -> FloatArray:
    """All lines combined into one of shape (steps,): like one line's steps, turned by a quarter."""
    turned = values.T
    if function in ("min", "max"):
        return STATISTICS[function](turned)
    total = running_sum(turned)[:, -1]
    return total if function == "sum" else total / STATISTICS["count"](turned)


def _statistic(name: str, values: FloatArray) -> FloatArray:
    """A statistic of each line. Without a line nothing is computed, nor is the name looked at."""
    if not len(values):
        return np.zeros(0)
    if name not in STATISTICS:
        raise AslError(
            f"unknown statistic: {name}",
            fix=f"use one of {', '.join(STATISTICS)}",
            original_class="IllegalArgumentException",
        )
    return STATISTICS[name](values)
