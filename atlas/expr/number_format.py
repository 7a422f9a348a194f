"""Numbers as people read them: `1.2k`, `3.5Mi`, `90.0ms`.

Source: Atlas `UnitPrefix.scala`; rounding is Java's, half up on the shortest decimal digits.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal

_EXTREME_MIN, _EXTREME_MAX = 1e-27, 1e27
_NEARLY_ZERO = 1e-12
_ROUNDING = Context(prec=40, rounding=ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class Unit:
    """What stands behind a number, and how much of it makes one."""

    symbol: str
    factor: float


ONE = Unit("", 1.0)
SECOND = Unit("s", 1.0)

BIG_DECIMAL = tuple(Unit(s, float(f"1e{3 * i}")) for i, s in enumerate("kMGTPEZY", 1))
SMALL_DECIMAL = tuple(Unit(s, float(f"1e-{3 * i}")) for i, s in enumerate("mμnp", 1))
"""As far as `_NEARLY_ZERO`: what is smaller is shown as zero."""
BIG_BINARY = tuple(Unit(f"{s}i", 1024.0**i) for i, s in enumerate("KMGTPEZY", 1))
BIG_DURATION = tuple(
    Unit(symbol, factor * 1.0)
    for symbol, factor in (
        ("s", 1),
        ("m", 60),
        ("h", 3_600),
        ("d", 86_400),
        ("w", 604_800),
        ("y", 365 * 86_400),
    )
)
SMALL_DURATION = (Unit("ms", 1e-3), Unit("μs", 1e-6), Unit("ns", 1e-9), Unit("ps", 1e-12))


def decimal_unit(value: float) -> Unit:
    """The largest power of 1000 that `value` reaches."""
    return _fitting(value, ONE, BIG_DECIMAL, SMALL_DECIMAL)


def binary_unit(value: float) -> Unit:
    """The largest power of 1024 that `value` reaches; below 1 as `decimal_unit`."""
    return _fitting(value, ONE, BIG_BINARY, SMALL_DECIMAL)


def duration_unit(value_s: float) -> Unit:
    """The largest unit of time that `value_s`, in seconds, reaches."""
    return _fitting(value_s, SECOND, BIG_DURATION, SMALL_DURATION)


def is_extreme(value: float) -> bool:
    """Whether no prefix reaches that far, so that an exponent has to say it."""
    size = abs(value)
    return math.isfinite(value) and (size >= _EXTREME_MAX or 0 < size <= _EXTREME_MIN)


def statistic_text(value: float, unit_of: Callable[[float], Unit] = decimal_unit) -> str:
    """A statistic as legends carry it, `$(atlas.avg)` for instance.

    The original puts a blank before an extreme number that is not negative.

    >>> statistic_text(1234.0), statistic_text(1536.0, binary_unit), statistic_text(2e30)
    ('1.2k', '1.5Ki', ' 2e+30')
    """
    if is_extreme(value):
        return ("" if value < 0 else " ") + scientific_text(value, 0)
    return unit_text(value, unit_of(value), 1)


def unit_text(value: float, unit: Unit, digits: int) -> str:
    """`value` in `unit`, with so many digits behind the point."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return f"{rounded(value / unit.factor, digits)}{unit.symbol}"


def scientific_text(value: float, digits: int) -> str:
    """`value` with so many digits behind the point, and an exponent of two digits or more."""
    kept = Decimal(repr(value)).normalize(Context(prec=digits + 1, rounding=ROUND_HALF_UP))
    return f"{kept:.{digits}e}"


def rounded(value: float, digits: int) -> str:
    """A finite value with so many digits behind the point, half up.

    >>> rounded(0.25, 1), rounded(0.35, 1)
    ('0.3', '0.4')
    """
    if abs(value) >= 1e15:
        return f"{value:.{digits}f}"
    return str(Decimal(repr(value)).quantize(Decimal(1).scaleb(-digits), context=_ROUNDING))


def _fitting(value: float, one: Unit, big: tuple[Unit, ...], small: tuple[Unit, ...]) -> Unit:
    size = abs(value)
    if not math.isfinite(value) or size < _NEARLY_ZERO:
        return one
    if size < 1:
        return next((unit for unit in small if unit.factor <= size), small[-1])
    return next((unit for unit in reversed(big) if unit.factor <= size), one)
