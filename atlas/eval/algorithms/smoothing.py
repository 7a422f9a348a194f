"""Double exponential smoothing: a level and a slope, moved a little by each value.

The result at a step is what was expected of it, before its value is looked at; a gap is skipped.
"""

from __future__ import annotations

import numpy as np

from atlas.eval.algorithms import BoolArray, FloatArray


def des(values: FloatArray, training: int, alpha: float, beta: float) -> FloatArray:
    """The level before each step; gaps until `training` values have been seen.

    alpha: how far the level goes towards a value, 0 to 1. beta: how far the slope goes towards the
    change of the level.
    """
    has = ~np.isnan(values)
    seen = np.cumsum(has, axis=1)
    levels = _levels(values, has, has & (seen == 1), alpha, beta)
    return np.where(seen - has >= training, levels, np.nan)


def _levels(
    values: FloatArray, has: BoolArray, is_first: BoolArray, alpha: float, beta: float
) -> FloatArray:
    """The level before each step. A true recurrence: a loop over steps, for all lines at once."""
    by_step = np.ascontiguousarray(values.T)
    moved = alpha * by_step
    steps_with_gaps = set(np.flatnonzero(~has.all(axis=0)).tolist())
    first_steps = set(np.flatnonzero(is_first.any(axis=0)).tolist())
    levels = np.empty_like(by_step)
    level, slope = np.full(len(values), np.nan), np.zeros(len(values))
    for i in range(len(by_step)):
        levels[i] = level
        next_level = moved[i] + (1 - alpha) * (level + slope)
        next_slope = beta * (next_level - level) + (1 - beta) * slope
        if i in first_steps:
            first = is_first[:, i]
            next_level = np.where(first, by_step[i], next_level)
            next_slope = np.where(first, 0.0, next_slope)
        if i in steps_with_gaps:
            next_level = np.where(has[:, i], next_level, level)
            next_slope = np.where(has[:, i], next_slope, slope)
        level, slope = next_level, next_slope
    return np.ascontiguousarray(levels.T)


def sliding_des(
    values: FloatArray, training: int, alpha: float, beta: float, ignored: int
) -> FloatArray:
    """`des` that forgets: each period of `training` steps is expected from the one before it.

    The values of the first `ignored` steps count as gaps, though their steps belong to a period.
    """
    line_count, step_count = values.shape
    result = np.full(values.shape, np.nan)
    if step_count <= training:
        return result
    period_count = -(-step_count // training)
    periods = np.full((line_count, period_count * training), np.nan)
    periods[:, ignored:step_count] = values[:, ignored:]
    periods = periods.reshape(line_count, period_count, training)
    pairs = np.concatenate([periods[:, :-1], periods[:, 1:]], axis=2)
    expected = des(pairs.reshape(-1, 2 * training), training, alpha, beta)[:, training:]
    result[:, training:] = expected.reshape(line_count, -1)[:, : step_count - training]
    return result
