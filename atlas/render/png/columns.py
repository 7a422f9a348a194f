"""Steps to columns of pixels: which rows of each column a line touches.

Values hold for a whole step, so a line is a staircase. With fewer steps than columns a step is
several columns wide; with more, a column shows the extremes of its steps. Nothing here loops over
steps or columns.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from atlas.graph import FloatArray
from atlas.render.png.pixels import IntArray
from atlas.render.png.scale import ValueScale

FAR = 1_000_000.0  # heights of a canvas: out of every image
Runs = tuple[IntArray, IntArray]
"""First and last row for each column, both included; the last is above the first in a gap."""


def step_of_column(step_count: int, width: int) -> IntArray:
    """The first step that each column shows; shape (width,), step_count ≥ 1."""
    return np.arange(width) * step_count // width


def rows_of(scale: ValueScale, values: FloatArray, height: int) -> FloatArray:
    """The row of each value, counted from the top; not rounded, NaN where there is none."""
    return (1.0 - np.clip(scale.heights(values), -FAR, FAR)) * (height - 1)


def line_runs(rows: FloatArray, first_steps: IntArray, pen: int) -> Runs:
    """A staircase drawn with a pen of `pen` × `pen` pixels; a gap is not bridged.

    rows: shape (steps,). A point between gaps is made a little taller, so that it can be seen.
    """
    low, high = _extremes(rows, rows, first_steps)
    is_lone = ~np.isnan(low) & np.isnan(_shifted(low, 1)) & np.isnan(_shifted(low, -1))
    first = rows[first_steps]
    is_new_step = np.diff(first_steps, prepend=first_steps[0]) > 0
    previous = rows[np.where(is_new_step, first_steps - 1, first_steps)]
    is_joined = ~np.isnan(first) & ~np.isnan(previous)
    low = np.where(is_joined, np.fmin(low, previous), low)
    high = np.where(is_joined, np.fmax(high, previous), high)
    for shift in range(-((pen - 1) // 2), pen // 2 + 1):
        if shift:
            low = np.fmin(low, _shifted(low, shift))
            high = np.fmax(high, _shifted(high, shift))
    return _runs(low - (pen - 1) // 2 - is_lone, high + pen // 2 + is_lone)


def fill_runs(edge: FloatArray, other_edge: FloatArray, first_steps: IntArray) -> Runs:
    """What lies between two edges, each of shape (steps,), NaN where there is nothing."""
    low, high = _extremes(np.minimum(edge, other_edge), np.maximum(edge, other_edge), first_steps)
    return _runs(low, high)


def whole_runs(is_on: npt.NDArray[np.bool_], first_steps: IntArray, height: int) -> Runs:
    """The whole height where a step is on."""
    bottoms = np.where(np.logical_or.reduceat(is_on, first_steps), height - 1, -1)
    return np.zeros_like(bottoms), bottoms


def _extremes(low: FloatArray, high: FloatArray, first_steps: IntArray) -> tuple[FloatArray, ...]:
    # With equal neighbours reduceat takes the one step: what a step of several columns needs.
    return np.fmin.reduceat(low, first_steps), np.fmax.reduceat(high, first_steps)


def _shifted(values: FloatArray, columns: int) -> FloatArray:
    """Values moved to the right, NaN where there were none."""
    moved = np.full_like(values, np.nan)
    if columns > 0:
        moved[columns:] = values[:-columns]
    else:
        moved[:columns] = values[-columns:]
    return moved


def _runs(low: FloatArray, high: FloatArray) -> Runs:
    is_gap = np.isnan(low)
    tops = np.rint(np.where(is_gap, 1, low)).astype(np.int64)
    return tops, np.rint(np.where(is_gap, 0, high)).astype(np.int64)
