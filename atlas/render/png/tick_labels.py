"""What is written at the ticks of a value axis."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from atlas.expr.number_format import (
    BIG_BINARY,
    BIG_DECIMAL,
    BIG_DURATION,
    ONE,
    SMALL_DECIMAL,
    SMALL_DURATION,
    Unit,
    binary_unit,
    decimal_unit,
    duration_unit,
    is_extreme,
    rounded,
    scientific_text,
)
from atlas.graph import TickLabels

UNITS: Mapping[TickLabels, tuple[Unit, ...]] = MappingProxyType(
    {
        TickLabels.DECIMAL: (*reversed(SMALL_DECIMAL), ONE, *BIG_DECIMAL),
        TickLabels.BINARY: (*reversed(SMALL_DECIMAL), ONE, *BIG_BINARY),
        TickLabels.DURATION: (*reversed(SMALL_DURATION), *BIG_DURATION),
    }
)
"""Units from small to large."""
UNIT_OF: Mapping[TickLabels, Callable[[float], Unit]] = MappingProxyType(
    {
        TickLabels.DECIMAL: decimal_unit,
        TickLabels.BINARY: binary_unit,
        TickLabels.DURATION: duration_unit,
    }
)
DIGITS_MAX: Mapping[TickLabels, int] = MappingProxyType(
    {TickLabels.DECIMAL: 2, TickLabels.BINARY: 2, TickLabels.DURATION: 1}
)
"""Digits behind the point; a step that needs more is written in a smaller unit."""
PLAIN_MIN = 1e-12  # what is smaller has no unit


def labels_in_one_unit(values: Sequence[float], step: float, mode: TickLabels) -> list[str]:
    """A text for each multiple of a step, so that no two are the same."""
    if mode is TickLabels.OFF or not values:
        return [""] * len(values)
    largest = max(abs(value) for value in values)
    if largest == 0:
        return ["0"] * len(values)
    if is_extreme(largest) or largest < PLAIN_MIN:
        digits = min(15, math.floor(math.log10(largest)) - math.floor(math.log10(step)))
        return [scientific_text(v, max(0, digits)) if v else "0" for v in values]
    units = _units_down_from(largest, mode)
    unit = next((u for u in units if _digits(step / u.factor) <= DIGITS_MAX[mode]), units[-1])
    digits = _digits(step / unit.factor)
    return [f"{rounded(v / unit.factor, digits)}{unit.symbol}" if v else "0" for v in values]


def label_of_each(values: Sequence[float], mode: TickLabels) -> list[str]:
    """A text for each value in the unit that suits it."""
    return [text for v in values for text in labels_in_one_unit([v], abs(v), mode)]


def _units_down_from(value: float, mode: TickLabels) -> list[Unit]:
    """Units in which a value can be written: that which suits it first, none too small for it."""
    units = UNITS[mode]
    suiting = units.index(UNIT_OF[mode](value))
    least = 1.0 if units[suiting].factor >= 1 else units[suiting].factor / 1000
    return [unit for unit in reversed(units[: suiting + 1]) if unit.factor >= least * (1 - 1e-9)]


def _digits(number: float) -> int:
    """Digits behind the point that a number needs, 15 at most."""
    for digits in range(15):
        if math.isclose(number, round(number, digits), rel_tol=1e-9):
            return digits
    return 15
