"""Series reduced to groups, block by block; and steps reduced to longer steps.

A block holds zero where a value is absent and says so in its presence words. So a sum is a
product with a sparse matrix of ones: no test for gaps, no copy of the rows, and the interpreter
lock is free meanwhile. Largest and smallest need the absent values replaced, which is done in
chunks that stay in the processor's cache, and only for rows that are not full.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from atlas.store.kernels import Check
from atlas.store.layout import (
    COLUMN_BITS,
    FULL_WORD,
    BoolArray,
    FloatArray,
    IntArray,
    RowArray,
)
from atlas.store.runs import Groups
from atlas.store.view import BlockView

_CHUNK_ROWS = 2048
_LARGEST = float(np.finfo(np.float64).max)


def reduce_block(
    function: str, block: BlockView, groups: Groups, columns: slice, check: Check
) -> FloatArray:
    """One value per group and column of the slice; only meaningful where `present_in` says so.

    `check` is called between chunks; it raises if the answer is not wanted any more.
    """
    check()
    if function != "count" and groups.count == len(groups.rows):
        return block.read(groups.rows, columns)
    if function == "sum":
        return block.sums(groups, columns, check)
    if function == "count":
        return _count(block, groups, columns, check)
    better = np.maximum if function == "max" else np.minimum
    return block.best(groups, columns, better, check)


def present_in(block: BlockView, groups: Groups, columns: slice) -> BoolArray:
    """Where a group has a value, shape (groups, columns)."""
    words = np.bitwise_or.reduceat(groups.of(block.present), groups.starts[:-1])
    return np.asarray((words[:, None] & COLUMN_BITS[columns]) != 0)


def refold_sums(
    sums: FloatArray,
    has: BoolArray,
    block: BlockView,
    groups: Groups,
    columns: slice,
    *,
    ordered: Callable[[RowArray], RowArray],
) -> None:
    """Add up again, in place, where the sum is not a number: an infinity met its opposite.

    Adding treats NaN as nothing, so what comes after such a meeting counts alone. That depends on
    the order, which is that of the series' identities (`ordered`). Rare, and therefore plain.
    """
    for group, at in np.argwhere(np.isnan(sums) & has).tolist():
        rows = ordered(groups.rows[groups.starts[group] : groups.starts[group + 1]])
        column = columns.start + at
        total = np.nan
        here = slice(column, column + 1)
        has_value = (block.present[rows] & COLUMN_BITS[column]) != 0
        for value in block.read(rows[has_value], here)[:, 0].tolist():
            total = value if np.isnan(total) else total + value
        sums[group, at] = total


def _count(block: BlockView, groups: Groups, columns: slice, check: Check) -> FloatArray:
    bits = COLUMN_BITS[columns]
    sizes = np.diff(groups.starts).astype(np.float64)
    counts = np.repeat(sizes[:, None], len(bits), axis=1)
    words = groups.of(block.present)
    gappy = np.flatnonzero(words != FULL_WORD)
    group_of = np.repeat(np.arange(groups.count), np.diff(groups.starts))[gappy]
    for start in range(0, len(gappy), _CHUNK_ROWS):
        check()
        at = slice(start, start + _CHUNK_ROWS)
        missing = (words[gappy[at], None] & bits) == 0
        ids = group_of[at]
        firsts = np.flatnonzero(np.concatenate(([True], ids[1:] != ids[:-1])))
        counts[ids[firsts]] -= np.add.reduceat(missing, firsts, axis=0, dtype=np.float64)
    return counts


def consolidate(
    how: str, values: FloatArray, has: BoolArray, multiple: int, is_gauge: BoolArray
) -> FloatArray:
    """Steps joined `multiple` at a time by sum, min, max or avg; NaN where none has a value.

    values, has: shape (groups, steps · multiple). is_gauge: shape (groups,). The mean of a rate is
    over all of the steps, that of a gauge over those with a value.
    """
    if multiple == 1:
        return np.where(has, values, np.nan)
    shape = (len(values), values.shape[1] // multiple, multiple)
    has = has.reshape(shape)
    if how in ("min", "max"):
        # The original compares with the largest number there is; infinity is beyond it.
        worst = _LARGEST if how == "min" else -_LARGEST
        filled = np.where(has, values.reshape(shape), worst)
        joined = (
            np.minimum(filled.min(axis=2), worst)
            if how == "min"
            else np.maximum(filled.max(axis=2), worst)
        )
    else:
        joined = np.where(has, values.reshape(shape), 0.0).sum(axis=2)
        if how == "avg":
            joined = joined / np.where(is_gauge[:, None], has.sum(axis=2).clip(1), multiple)
    return np.where(has.any(axis=2), joined, np.nan)


def combine_lines(function: str, values: FloatArray, starts: IntArray) -> FloatArray:
    """Lines to one line a group, shape (groups, steps); NaN where all of a group are gaps.

    values: shape (lines, steps); group i has the lines from `starts[i]` to before `starts[i + 1]`.
    """
    firsts = starts[:-1]
    if not len(firsts):
        return np.zeros((0, values.shape[1]))
    has = ~np.isnan(values)
    if function == "count":
        result = np.add.reduceat(has.astype(np.float64), firsts, axis=0)
    elif function == "sum":
        result = np.add.reduceat(np.where(has, values, 0.0), firsts, axis=0)
    elif function == "min":
        result = np.minimum.reduceat(np.where(has, values, np.inf), firsts, axis=0)
    else:
        result = np.maximum.reduceat(np.where(has, values, -np.inf), firsts, axis=0)
    return np.where(np.logical_or.reduceat(has, firsts, axis=0), result, np.nan)
