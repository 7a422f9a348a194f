"""What grows from the first step on, and what looks back a fixed number of steps."""

from __future__ import annotations

import numpy as np

from atlas.eval.algorithms import FloatArray


def running_sum(values: FloatArray) -> FloatArray:
    """The sum of everything so far; a gap adds nothing, but stays one before the first value."""
    has = ~np.isnan(values)
    totals = np.cumsum(np.where(has, values, 0.0), axis=1)
    totals[~np.logical_or.accumulate(has, axis=1)] = np.nan
    broken = (np.isnan(totals) & np.logical_or.accumulate(has, axis=1)).any(axis=1)
    if broken.any():
        totals[broken] = _begun_again(values[broken])
    return totals


def _begun_again(values: FloatArray) -> FloatArray:
    """The same where infinities of both signs meet: adding treats that as nothing yet."""
    totals = values.copy()
    for i in range(1, values.shape[1]):
        before, value = totals[:, i - 1], values[:, i]
        added = np.where(np.isnan(before), value, before + value)
        totals[:, i] = np.where(np.isnan(value), before, added)
    return totals


def running_max(values: FloatArray) -> FloatArray:
    """The largest value so far."""
    return np.fmax.accumulate(values, axis=1)


def difference(values: FloatArray) -> FloatArray:
    """How much each value is above the one before it; a gap beside a gap and at the first step."""
    return values - delayed(values, 1)


def delayed(values: FloatArray, steps: int) -> FloatArray:
    """The values of so many steps before; gaps where there were none yet."""
    result = np.full(values.shape, np.nan)
    result[:, steps:] = values[:, :-steps]
    return result
