"""Constants, operators, aggregates of lines and rewrites."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from atlas.errors import AslError
from atlas.eval.evaluation import Evaluation, evaluates
from atlas.eval.lines import Lines, keys_of, no_data, one_line
from atlas.eval.operators import BINARY_ARRAYS, UNARY_ARRAYS
from atlas.eval.reduce import combine_lines
from atlas.expr.data_expr import data_exprs
from atlas.expr.label import group_labels, tag_label
from atlas.expr.math_expr import (
    Binary,
    Clamp,
    Constant,
    LineAggregate,
    LineGroupBy,
    NamedRewrite,
    PerStep,
    Renamed,
    Unary,
)
from atlas.expr.query_expr import exact_tags
from atlas.expr.text import number_text


@evaluates(Constant)
def _constant(expr: Constant, evaluation: Evaluation) -> Lines:
    text = number_text(expr.value)
    return one_line({"name": text}, text, np.full(evaluation.context.step_count, expr.value))


@evaluates(Unary)
def _unary(expr: Unary, evaluation: Evaluation) -> Lines:
    inner = evaluation.lines(expr.inner)
    return inner.labelled_by_tags(UNARY_ARRAYS[expr.word](inner.values))


@evaluates(Clamp)
def _clamp(expr: Clamp, evaluation: Evaluation) -> Lines:
    inner = evaluation.lines(expr.inner)
    values = inner.values
    is_beyond = values < expr.bound if expr.word == "clamp-min" else values > expr.bound
    return inner.labelled_by_tags(np.where(is_beyond, expr.bound, values))


@evaluates(PerStep)
def _per_step(expr: PerStep, evaluation: Evaluation) -> Lines:
    inner = evaluation.lines(expr.inner)
    return inner.labelled_by_tags(inner.values * (evaluation.context.step_ms / 1000))


@evaluates(Renamed)
def _renamed(expr: Renamed, evaluation: Evaluation) -> Lines:
    inner = evaluation.lines(expr.inner)
    tags = tuple(
        {**{k: v for k, v in line.items() if k != expr.key}, expr.new_key: line[expr.key]}
        if expr.key in line
        else line
        for line in inner.tags
    )
    renamed = replace(inner, tags=tags, keys=keys_of(tags, expr.grouping))
    return renamed.labelled_by_tags(inner.values)


@evaluates(Binary)
def _binary(expr: Binary, evaluation: Evaluation) -> Lines:
    """Lines paired by key: each line of the more finely grouped side with one of the other side."""
    left, right = evaluation.lines(expr.left), evaluation.lines(expr.right)
    left_keys, right_keys = expr.left.grouping or (), expr.right.grouping or ()
    left_leads = set(right_keys) <= set(left_keys)
    leader, follower = (left, right) if left_leads else (right, left)
    leader_keys, follower_keys = (left_keys, right_keys) if left_leads else (right_keys, left_keys)
    mine, theirs = paired(leader, leader_keys, follower, follower_keys)
    a, b = leader.values[mine], follower.values[theirs]
    values = BINARY_ARRAYS[expr.word](a, b) if left_leads else BINARY_ARRAYS[expr.word](b, a)
    return leader.picked(mine).labelled_by_tags(values)


def paired(
    leader: Lines, leader_keys: Sequence[str], follower: Lines, follower_keys: Sequence[str]
) -> tuple[list[int], list[int]]:
    """Positions of lines that belong together; the follower's keys are among the leader's.

    A line of the leader without a partner is left out. Raises AslError if it has several.
    """
    at: dict[tuple[str, ...], int] = {}
    for j, key in enumerate(follower.keys):
        if at.setdefault(key, j) != j:
            raise AslError(
                "too many values for key",
                fix="combine the lines of one side, as with :sum, or group both sides",
            )
    picks = [leader_keys.index(key) for key in follower_keys]
    pairs = [
        (i, at[key])
        for i, line in enumerate(leader.keys)
        if (key := tuple(line[p] for p in picks)) in at
    ]
    return [i for i, _ in pairs], [j for _, j in pairs]


@evaluates(LineAggregate)
def _line_aggregate(expr: LineAggregate, evaluation: Evaluation) -> Lines:
    inner = evaluation.lines(expr.inner)
    if not inner.count:
        return no_data(evaluation.context.step_count)
    tags = _exact_tags_of(expr, inner.tags[0])
    label = f"{expr.function}({tag_label(tags)})"
    values = combine_lines(expr.function, inner.values, np.array([0, inner.count]))
    return replace(one_line(tags, label, values[0]), is_rate=inner.is_rate[:1])


@evaluates(LineGroupBy)
def _line_groups(expr: LineGroupBy, evaluation: Evaluation) -> Lines:
    inner = evaluation.lines(expr.aggregate.inner)
    members: dict[tuple[str, ...], list[int]] = {}
    for i, key in enumerate(keys_of(inner.tags, expr.keys)):
        members.setdefault(key, []).append(i)
    order = [i for group in members.values() for i in group]
    starts = np.cumsum([0, *map(len, members.values())])
    values = combine_lines(expr.aggregate.function, inner.values[order], starts)
    kept = _shared_exact_keys(expr) | set(expr.keys)
    tags = tuple(
        {k: v for k, v in inner.tags[group[0]].items() if k in kept} for group in members.values()
    )
    labels = group_labels(expr.keys, members)
    is_rate = tuple(inner.is_rate[group[0]] for group in members.values() if inner.is_rate)
    return Lines(tags, labels, tuple(members), values, is_rate)


def _shared_exact_keys(expr: LineGroupBy) -> set[str]:
    """The keys that every query of an expression fixes."""
    exact = [set(exact_tags(leaf.query)) for leaf in data_exprs(expr)]
    return set.intersection(*exact) if exact else set()


@evaluates(NamedRewrite)
def _rewrite(expr: NamedRewrite, evaluation: Evaluation) -> Lines:
    return evaluation.lines(expr.expansion)


def _exact_tags_of(expr: LineAggregate, tags: Mapping[str, str]) -> dict[str, str]:
    """The tags that a combined line keeps: the exact keys of its first leaf."""
    leaf = next(data_exprs(expr), None)
    exact = exact_tags(leaf.query) if leaf is not None else tags
    return {k: v for k, v in tags.items() if k in exact}
