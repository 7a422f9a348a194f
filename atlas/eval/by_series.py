"""Steps joined for each series by itself, before series are combined.

Most aggregates may be joined after they are computed: the sum of sums is a sum. The largest of
means is not the mean of the largest; such have to be computed series by series.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from atlas.eval.reduce import combine_lines, consolidate
from atlas.store.layout import BoolArray, FloatArray
from atlas.store.runs import Groups

Slots = Callable[[Groups], tuple[FloatArray, BoolArray]]
"""The sum of each group for each step of the store, and where there is one."""


def is_joined_first(function: str, how: str) -> bool:
    """Whether steps must be joined by `how` before series are combined by `function`."""
    return function != how if how in ("min", "max") else function in ("min", "max")


def joined_first(
    slots: Slots,
    groups: Groups,
    *,
    function: str,
    how: str,
    multiple: int,
    is_gauge: BoolArray,
    rows_at_once: int,
) -> FloatArray:
    """One line a group, shape (groups, steps), from series that have been joined one by one."""
    combined: FloatArray | None = None
    has_slots: BoolArray | None = None
    rows, starts = groups.rows, groups.starts
    for begin in range(0, len(rows), rows_at_once):
        piece = rows[begin : begin + rows_at_once]
        values, has = slots(Groups(piece, np.arange(len(piece) + 1)))
        values = has.astype(np.float64) if function == "count" else values
        alone = np.zeros(len(piece), np.bool_)
        lines = consolidate("sum" if how == "avg" else how, values, has, multiple, alone)
        if combined is None or has_slots is None:
            combined = np.full((groups.count, lines.shape[1]), np.nan)
            has_slots = np.zeros((groups.count, has.shape[1]), np.bool_)
        first = int(np.searchsorted(starts, begin, side="right")) - 1
        last = int(np.searchsorted(starts, begin + len(piece), side="left"))
        cuts = np.append(np.maximum(starts[first:last] - begin, 0), len(piece))
        kind = "sum" if function == "count" else function
        combined[first:last] = _merged(kind, combined[first:last], combine_lines(kind, lines, cuts))
        has_slots[first:last] |= np.logical_or.reduceat(has, cuts[:-1], axis=0)
    if combined is None or has_slots is None:
        raise ValueError("there are no series to join")
    if how == "avg":
        counts = has_slots.reshape(len(combined), -1, multiple).sum(axis=2)
        combined /= np.where(is_gauge[:, None], counts.clip(1), multiple)
    return combined


def _merged(function: str, a: FloatArray, b: FloatArray) -> FloatArray:
    if function == "sum":
        return np.where(np.isnan(a), b, np.where(np.isnan(b), a, a + b))
    return np.fmin(a, b) if function == "min" else np.fmax(a, b)
