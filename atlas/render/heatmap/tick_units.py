"""What is written at ticks: all in one unit, with as many digits as their distance asks for.

Source: Atlas `Ticks.scala`, `UnitPrefix.scala`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from atlas.expr.number_format import (
    BIG_BINARY,
    BIG_DURATION,
    ONE,
    SECOND,
    SMALL_DECIMAL,
    SMALL_DURATION,
    Unit,
    decimal_unit,
    duration_unit,
    unit_text,
)

_NEARLY_ZERO = 1e-12
_DECIMAL_REACH, _BINARY_REACH = 1e3, 1e4
"""How many of a unit are written before the next one is taken."""
_MINUTE_S = 60.0
_LONG_S = 1000 * BIG_DURATION[-1].factor


def decimal_labels(values: Sequence[float], largest: float, major: float) -> list[str]:
    """Labels of ticks up to `largest` that are `major` apart."""
    unit = _decimal_unit(major)
    if abs(largest) > 10 * unit.factor:
        unit = _decimal_unit(abs(largest))
    digits = 1 + _digits(major / unit.factor)
    return [unit_text(value, unit, digits) for value in values]


def binary_labels(values: Sequence[float], largest: float, major: float) -> list[str]:
    """The same with powers of 1024."""
    unit = _binary_unit(major)
    if abs(largest) >= 10 * unit.factor:
        unit = _binary_unit(abs(largest))
    digits = _digits(major / unit.factor)
    return [unit_text(value, unit, digits) for value in values]


def duration_labels(values: Sequence[float], unit: Unit, digits: int | None) -> list[str]:
    """Labels with so many digits; with an exponent if that is None."""
    if digits is None:
        return [f"{value / unit.factor:.1e}{unit.symbol}" for value in values]
    return [unit_text(value, unit, digits) for value in values]


def duration_unit_of(largest: float, major: float) -> Unit:
    """The unit of ticks up to `largest` that are `major` apart, in seconds."""
    unit = _duration_unit(major)
    return unit if abs(largest) <= unit.factor else _duration_unit(abs(largest))


def duration_digits(value: float, unit: Unit) -> int | None:
    """The digits behind the point by the size of a value; None for a thousand years and more."""
    if value >= _LONG_S:
        return None
    if value >= _MINUTE_S:
        return 0
    return 1 + _digits(value / unit.factor if value < 1 else value)


def finer_unit(unit: Unit) -> Unit:
    """The next smaller unit of time; of those below a second there is none."""
    if unit == SECOND:
        return SMALL_DURATION[0]
    return next((u for u in reversed(BIG_DURATION) if u.factor < unit.factor), unit)


def _digits(number: float) -> int:
    """How many digits behind the first one a number has, 2 at most; a negative one has none."""
    thousandths = int(number * 1000)
    if thousandths <= 0:
        return 0
    if thousandths % 10 > 0:
        return 2
    return 1 if thousandths % 100 > 0 else 0


def _decimal_unit(size: float) -> Unit:
    if size < _NEARLY_ZERO or 1 / _DECIMAL_REACH <= size < _DECIMAL_REACH:
        return ONE
    if size >= _DECIMAL_REACH:
        return decimal_unit(size)
    return _small_unit(size, _DECIMAL_REACH)


def _binary_unit(size: float) -> Unit:
    if size < _NEARLY_ZERO or 1 / _BINARY_REACH <= size < _BINARY_REACH:
        return ONE
    if size >= _BINARY_REACH:
        return next((u for u in BIG_BINARY if size < u.factor * _BINARY_REACH), BIG_BINARY[-1])
    return _small_unit(size, _BINARY_REACH)


def _small_unit(size: float, reach: float) -> Unit:
    return next((u for u in SMALL_DECIMAL if size >= u.factor / reach), SMALL_DECIMAL[-1])


def _duration_unit(size_s: float) -> Unit:
    if not math.isfinite(size_s) or size_s < _NEARLY_ZERO:
        return SECOND
    if size_s >= 1:
        return duration_unit(size_s)
    nanos = SMALL_DURATION[2]
    return next((u for u in SMALL_DURATION if size_s > u.factor), nanos)
