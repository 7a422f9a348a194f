"""Ticks of a value axis: round numbers, as many as there is room for, and what is written at them.

Steps are 1, 2 or 5 times a power of 10; with binary labels a power of 2; with durations what
clocks and calendars divide by. All labels of an axis are in one unit, so that they can be compared,
and carry as many digits as tell them apart.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from atlas.graph import Scale, TickLabels
from atlas.render.png.scale import ValueScale, exponent_min
from atlas.render.png.tick_labels import label_of_each, labels_in_one_unit

DURATION_STEPS_S = (
    *(1.0, 2.0, 5.0, 10.0, 15.0, 30.0),
    *(60.0 * m for m in (1, 2, 5, 10, 15, 30)),
    *(3_600.0 * h for h in (1, 2, 3, 6, 12)),
    *(86_400.0 * d for d in (1, 2, 7, 14, 28, 91, 182)),
)
YEAR_S = 365 * 86_400.0
FEWEST = 3
SMALLEST_STEP = 1e-306
CLOSEST = 0.6  # of the distance of labels that are evenly spread
STRIDES = (1, 2, 5, 10, 20, 50, 100, 200)
"""Every how many powers of 10 a logarithmic axis has a label."""


@dataclass(frozen=True, slots=True)
class ValueTicks:
    """Values with a label, and values between them that have a fine line only."""

    values: tuple[float, ...]
    labels: tuple[str, ...]
    minor: tuple[float, ...] = ()


def value_ticks(scale: ValueScale, count_max: int, labels: TickLabels) -> ValueTicks:
    """About `count_max` labelled ticks at most, count_max ≥ 2, within the scale's bounds."""
    if scale.kind in (Scale.LOGARITHMIC, Scale.LOG_LINEAR):
        found = _powers_of_10(scale, count_max, labels)
        if len(found.values) >= FEWEST:
            return found
    step, divisions = _nice_step((scale.upper - scale.lower) / count_max, labels)
    values = _multiples(scale, step)
    if len(values) < 2:  # rather close to each other than alone
        step, divisions = _nice_step((scale.upper - scale.lower) / count_max / 2, labels)
        values = _multiples(scale, step)
    if scale.kind is Scale.LINEAR:
        texts = labels_in_one_unit(values, step, labels)
        return ValueTicks(tuple(values), tuple(texts), tuple(_multiples(scale, step, divisions)))
    values = _apart(scale, values, count_max)
    return ValueTicks(tuple(values), tuple(label_of_each(values, labels)))


def _nice_step(least: float, labels: TickLabels) -> tuple[float, int]:
    """The next round step from `least` on, and in how many parts its fine lines divide it."""
    if labels is TickLabels.BINARY and least > 1:
        return 2.0 ** math.ceil(math.log2(least)), 4
    if labels is TickLabels.DURATION and least > 0.5:
        for step_s in DURATION_STEPS_S:
            if step_s >= least:
                return step_s, _divisions(step_s)
        years, divisions = _nice_step(least / YEAR_S, TickLabels.DECIMAL)
        return max(years, 1.0) * YEAR_S, divisions
    exponent = math.floor(math.log10(max(least, SMALLEST_STEP)))
    steps = ((float(f"{m}e{exponent}"), parts) for m, parts in ((1, 5), (2, 4), (5, 5)))
    enough = (pair for pair in steps if pair[0] >= least * (1 - 1e-9))
    return next(enough, (float(f"1e{exponent + 1}"), 5))


def _divisions(step_s: float) -> int:
    """Parts of a duration that are round themselves."""
    shorter = (s for s in reversed(DURATION_STEPS_S) if s < step_s)
    return next((round(step_s / s) for s in shorter if step_s % s == 0 and step_s / s >= 3), 2)


def _multiples(scale: ValueScale, step: float, divisions: int = 1) -> list[float]:
    """Multiples of a part of a step within the bounds, each the double next to it."""
    part = Decimal(repr(step)) / divisions
    first = math.ceil(Decimal(repr(scale.lower)) / part)
    last = math.floor(Decimal(repr(scale.upper)) / part)
    return list(dict.fromkeys(float(k * part) for k in range(first, last + 1)))


def _powers_of_10(scale: ValueScale, count_max: int, labels: TickLabels) -> ValueTicks:
    """Zero and powers of 10, and what is between them where there is room."""
    low = exponent_min(scale)
    high = math.floor(math.log10(max(abs(scale.lower), abs(scale.upper), SMALLEST_STEP)))
    stride = next((s for s in STRIDES if (high - low) / s <= count_max), STRIDES[-1])
    exponents = [k for k in range(high, low - 1, -1) if k % stride == 0]
    between = range(high, low - 1, -1) if stride == 1 else ()
    wishes = [
        0.0,
        *(float(f"{sign}1e{k}") for k in exponents for sign in "+-"),
        *(float(f"{sign}{m}e{k}") for m in "52" for k in between for sign in "+-"),
    ]
    values = _apart(scale, [v for v in wishes if scale.lower <= v <= scale.upper], count_max)
    fine = [float(f"{sign}{m}e{k}") for k in between for m in "23456789" for sign in "+-"]
    minor = [v for v in fine if scale.lower <= v <= scale.upper]
    return ValueTicks(tuple(values), tuple(label_of_each(values, labels)), tuple(minor))


def _apart(scale: ValueScale, wishes: Sequence[float], count_max: int) -> list[float]:
    """Values that are far enough from those before them in the list, sorted."""
    kept: list[float] = []
    heights: list[float] = []
    for value, height in zip(wishes, scale.heights(np.array(wishes)).tolist(), strict=True):
        if all(abs(height - other) >= CLOSEST / count_max for other in heights):
            kept.append(value)
            heights.append(height)
    return sorted(kept)
