"""Windows that end at each step: counts, smallest and largest values, sums and means.

`size` is the number of steps in a window; a window that begins before the first step is as long as
there are steps. Sums never subtract what left the window, as that would lose small values beside
huge ones: a window is combined from two of half its length instead, and so on down to single steps.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from atlas.eval.algorithms import BoolArray, FloatArray
from atlas.expr.operators import NEARLY_ZERO

_Combine = Callable[[FloatArray, FloatArray], FloatArray]


def rolling_count(values: FloatArray, size: int) -> FloatArray:
    """How many values of each window are neither zero nor a gap."""
    return _count(np.abs(values) >= NEARLY_ZERO, size)


def rolling_min(values: FloatArray, size: int) -> FloatArray:
    """The smallest value of each window; a gap if it has none."""
    return _combined(np.fmin, values, size)


def rolling_max(values: FloatArray, size: int) -> FloatArray:
    """The largest value of each window; a gap if it has none."""
    return _combined(np.fmax, values, size)


def rolling_sum(values: FloatArray, size: int) -> FloatArray:
    """The sum of each window; a gap if it has no value."""
    return _totals(values, size, 1)[0]


def rolling_mean(values: FloatArray, size: int, at_least: int) -> FloatArray:
    """The mean of each window's values; a gap if there are fewer than `at_least`."""
    totals, counts = _totals(values, size, at_least)
    return totals / counts


def _totals(values: FloatArray, size: int, at_least: int) -> tuple[FloatArray, FloatArray]:
    """Sum and number of each window's values; the sum is a gap if there are too few.

    It is one as well where an infinity has just left: the original takes it off a running sum.
    """
    totals = _sums(values, size)
    counts = _count(~np.isnan(values), size)
    earlier, later = values[:, :-size], values[:, size:]
    totals[:, size:][np.isinf(earlier) & (earlier != later)] = np.nan
    return np.where(counts >= at_least, totals, np.nan), counts


def trailing_mean(values: FloatArray, size: int) -> FloatArray:
    """The sum of each window by its size; a gap if it is not full, or has no value.

    Once an infinity has left there are only gaps, as in the original, which keeps a running sum.
    """
    totals = _sums(values, size)
    totals[:, size:][np.logical_or.accumulate(np.isinf(values[:, :-size]), axis=1)] = np.nan
    totals[:, : size - 1] = np.nan
    return np.where(_count(~np.isnan(values), size) > 0, totals / size, np.nan)


def _sums(values: FloatArray, size: int) -> FloatArray:
    return _combined(np.add, np.where(np.isnan(values), 0.0, values), size)


def _count(flags: BoolArray, size: int) -> FloatArray:
    counts = np.cumsum(flags, axis=1, dtype=np.float64)
    counts[:, size:] -= counts[:, :-size].copy()
    return counts


def _combined(combine: _Combine, values: FloatArray, size: int) -> FloatArray:
    """Each window's values combined two by two, in at most 2·log2(size) passes over the array."""
    windows, length = values, 1
    for bit in f"{max(1, min(size, values.shape[1])):b}"[1:]:
        windows, length = _with_earlier(combine, windows, windows, length), 2 * length
        if bit == "1":
            windows, length = _with_earlier(combine, windows, values, length), length + 1
    return windows


def _with_earlier(
    combine: _Combine, windows: FloatArray, earlier: FloatArray, steps: int
) -> FloatArray:
    """Each window combined with the one that ends `steps` before it."""
    joined = windows.copy()
    joined[:, steps:] = combine(windows[:, steps:], earlier[:, :-steps])
    return joined
