"""Bounds of an axis: as asked for, else where its data are.

Source: Atlas `PlotDef.bounds`; unlike there, a bound from the data leaves a little room.
"""

from __future__ import annotations

import math

import numpy as np

from atlas.graph import Axis, FloatArray, Line, LineStyle, Scale
from atlas.render.png.scale import ValueScale

ROOM = 0.04  # of the data's range, between the data and an automatic bound
ROOM_LOGARITHMIC = 0.1  # of the bound itself
LARGEST = 8e307  # so that the distance of two bounds is a number
FILLED = (LineStyle.AREA, LineStyle.STACK)


def value_scale(axis: Axis) -> ValueScale:
    """The scale of an axis with its bounds."""
    low, high = _data_bounds(axis)
    lower, upper = _explicit(axis.lower), _explicit(axis.upper)
    if lower is None and upper is None and low == high:
        low, high = (0.0, 1.0) if low == 0 else (min(2 * low, 0.0), max(2 * high, 0.0))
    if upper is not None:
        high = upper
        low = low if low < high else high - _pad(high)
    if lower is not None:
        low = lower
        high = high if high > low else low + _pad(low)
    return ValueScale(
        axis.scale,
        _with_room(low, low - high, axis.scale) if lower is None else low,
        _with_room(high, high - low, axis.scale) if upper is None else high,
    )


def stack_edges(axis: Axis) -> list[tuple[FloatArray, FloatArray]]:
    """Lower and upper edge of each stacked line, positive values on top of each other upwards.

    Negative ones go downwards by themselves. Shapes (steps,); NaN where nothing is drawn, which a
    zero is only on others: at the foot it shows as a line, to tell it from a gap.
    """
    edges: list[tuple[FloatArray, FloatArray]] = []
    rising: FloatArray | float = 0.0
    falling: FloatArray | float = 0.0
    for line in axis.lines:
        if line.style is not LineStyle.STACK:
            continue
        values = np.clip(line.values, -LARGEST, LARGEST)
        values = np.where((values == 0) & ((rising != 0) | (falling != 0)), np.nan, values)
        base = np.where(values < 0, falling, rising)
        end = np.clip(base + values, -LARGEST, LARGEST)
        edges.append((np.minimum(base + 0 * values, end), np.maximum(base, end)))
        rising = np.where(values > 0, end, rising)
        falling = np.where(values < 0, end, falling)
    return edges


def _explicit(text: str) -> float | None:
    """The bound that is written as a number, if one is."""
    if text.startswith("auto"):
        return None
    value = float(text)
    return min(max(value, -LARGEST), LARGEST) if not math.isnan(value) else None


def _data_bounds(axis: Axis) -> tuple[float, float]:
    """Smallest and largest value that is drawn; 0 and 1 if none is."""
    shown = [line.values for line in axis.lines if line.style in (LineStyle.LINE, LineStyle.AREA)]
    shown += [edge for edges in stack_edges(axis) for edge in edges]
    values = np.concatenate(shown) if shown else np.empty(0)
    values = values[np.isfinite(values)]
    if not len(values):
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    low, high = max(low, -LARGEST), min(high, LARGEST)
    return (
        min(low, 0.0) if _has_foot(axis.lines, axis.lower) else low,
        max(high, 0.0) if _has_foot(axis.lines, axis.upper) else high,
    )


def _has_foot(lines: tuple[Line, ...], bound: str) -> bool:
    """Whether the bound goes to zero, so that what is filled stands on it."""
    return bound == "auto-style" and any(line.style in FILLED for line in lines)


def _pad(bound: float) -> float:
    """How far off a bound is put where the data say nothing: 1, or more next to a large number."""
    return max(1.0, abs(bound) * 1e-3)


def _with_room(bound: float, outwards: float, kind: Scale) -> float:
    """An automatic bound with some room for the lines; zero stays zero, and is not passed.

    outwards: from the other bound to this one.
    """
    is_logarithmic = kind in (Scale.LOGARITHMIC, Scale.LOG_LINEAR)
    room = math.copysign(bound * ROOM_LOGARITHMIC, outwards) if is_logarithmic else outwards * ROOM
    moved = bound + room
    passes_zero = (bound > 0) != (moved > 0)
    return 0.0 if bound == 0 or passes_zero else moved
