"""Ticks of a value axis as the original sets them, because cells of a heat map end at them.

As many labelled ticks as fit, and finer ones between them. Source: Atlas `Ticks.scala`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from atlas.errors import requirement_failed
from atlas.expr.number_format import (
    BIG_BINARY,
    BIG_DURATION,
    decimal_unit,
    is_extreme,
    scientific_text,
    statistic_text,
    unit_text,
)
from atlas.graph import Scale, TickLabels
from atlas.render.heatmap.log_linear import PER_DECADE, bucket_end, bucket_of
from atlas.render.heatmap.tick_units import (
    binary_labels,
    decimal_labels,
    duration_digits,
    duration_labels,
    duration_unit_of,
    finer_unit,
)

HEIGHT_PX = 42
"""Height of the canvas for each labelled tick: three times that of a label."""
CANVAS_HEIGHT_MAX = 10_000
"""Beyond, a canvas has no more ticks, so that a request cannot ask for cells without end."""
_SMALLEST_RANGE = 1e-12
_YEAR_S = BIG_DURATION[-1].factor


@dataclass(frozen=True, slots=True)
class Tick:
    """A value on the axis; `is_major` if an axis has its label there."""

    value: float
    label: str
    is_major: bool = True


@dataclass(frozen=True, slots=True)
class Interval:
    """The distance of labelled ticks, that of all ticks, and how many of these make one of those.

    `minor` times `parts` is not always `major`: the original's durations are so.
    """

    major: float
    minor: float
    parts: int


def cell_ticks(
    lower: float, upper: float, canvas_height: int, scale: Scale, labels: TickLabels
) -> tuple[Tick, ...]:
    """The ticks from `lower` to `upper` on a canvas of that height in pixels, ascending."""
    for name, bound in (("lower", lower), ("upper", upper)):
        if not math.isfinite(bound):
            raise requirement_failed(f"{name} bound must be finite")
    count = min(canvas_height, CANVAS_HEIGHT_MAX) // HEIGHT_PX
    if scale is Scale.LOG_LINEAR and labels in (TickLabels.DECIMAL, TickLabels.OFF):
        return tuple(_log_linear(lower, upper, max(1, count)))
    intervals = _INTERVALS[labels]
    length = upper - lower if upper - lower >= _SMALLEST_RANGE else 1.0
    interval = next((i for i in intervals if length / i.major <= count), None)
    if interval is None:
        return Tick(lower, statistic_text(lower)), Tick(upper, statistic_text(upper))
    if labels is TickLabels.BINARY:
        return _binary(lower, upper, interval)
    if labels is TickLabels.DURATION:
        return _duration(lower, upper, interval)
    powers = _powers_of_ten(lower, upper, count) if scale is Scale.LOGARITHMIC else ()
    return powers or _decimal(lower, upper, interval)


def _of_ten(exponents: Iterable[int]) -> Iterator[Interval]:
    for exponent in exponents:
        unit = 10.0**exponent
        for major, minor in ((10, 2), (20, 5), (30, 10), (40, 10), (50, 10)):
            yield Interval(major * unit, minor * unit, major // minor)


def _of_factor(factor: float) -> Iterator[Interval]:
    for m in (1, 2, 3, 4, 5, 10, 20, 30, 40, 50, 100, 200, 300, 400, 500):
        yield Interval(factor * m, factor / 4 * m, 4)


def _of_durations() -> Iterator[Interval]:
    """Parts of each unit added to the unit before it, which is how the original has them."""
    parts = (
        (60, 30, 15, 10, 6, 5, 4, 3, 2, 1),
        (3600, 30, 15, 10, 6, 5, 4),
        (86_400, 12, 6, 4, 3, 2, 1),
        (604_800, 24, 12, 6, 4, 2, 1),
        (31_536_000, 6, 4, 3, 2, 1),
    )
    before = 0.0
    for unit, divisors in zip(BIG_DURATION[1:], parts, strict=True):
        for divisor in divisors:
            part = unit.factor / divisor
            yield Interval(before + part, part / 4, 4)
        before = unit.factor


_DECIMAL = tuple(_of_ten(range(-25, 26)))
_INTERVALS = {
    TickLabels.OFF: _DECIMAL,
    TickLabels.DECIMAL: _DECIMAL,
    TickLabels.BINARY: (
        *_of_ten(range(-1, 2)),
        *(interval for unit in BIG_BINARY for interval in _of_factor(unit.factor)),
    ),
    TickLabels.DURATION: (
        *_of_ten(range(-25, -1)),
        *_of_durations(),
        *_of_factor(_YEAR_S),
        *_of_ten(range(10, 26)),
    ),
}
"""From small to large, for the most part; the first that is wide enough is taken."""


def _base(lower: float, interval: Interval) -> float:
    quotient = lower / interval.major
    return interval.major * math.floor(quotient) if math.isfinite(quotient) else quotient


def _values(lower: float, upper: float, interval: Interval) -> tuple[list[float], list[bool]]:
    """The ticks within the bounds, and which of them are labelled."""
    base = _base(lower, interval)
    if not math.isfinite(base):
        return [], []
    count = int((upper - base) / interval.minor) + 2
    found = [(base + i * interval.minor, i % interval.parts == 0) for i in range(count)]
    kept = [(value, is_major) for value, is_major in found if lower <= value <= upper]
    return [value for value, _ in kept], [is_major for _, is_major in kept]


def _ticks(
    values: Sequence[float], labels: Sequence[str], majors: Sequence[bool]
) -> tuple[Tick, ...]:
    return tuple(map(Tick, values, labels, majors))


def _has_doubles(labels: Sequence[str], majors: Sequence[bool]) -> bool:
    shown = [label for label, is_major in zip(labels, majors, strict=True) if is_major]
    return len(set(shown)) < len(shown)


def _decimal(lower: float, upper: float, interval: Interval) -> tuple[Tick, ...]:
    values, majors = _values(lower, upper, interval)
    labels = decimal_labels(values, upper, interval.major)
    if _has_doubles(labels, majors):  # what is common to all is left out of them
        base = _base(lower, interval)
        labels = [statistic_text(value - base) for value in values]
    return _ticks(values, labels, majors)


def _binary(lower: float, upper: float, interval: Interval) -> tuple[Tick, ...]:
    values, majors = _values(lower, upper, interval)
    if not values:
        return Tick(lower, statistic_text(0.0)), Tick(upper, statistic_text(upper - lower))
    labels = binary_labels(values, upper, interval.major)
    if interval.major < abs(lower) / 100:
        base = _base(lower, interval)
        distances = [value - base for value in values]
        labels = binary_labels(distances, max(distances), max(distances))
    return _ticks(values, labels, majors)


def _duration(lower: float, upper: float, interval: Interval) -> tuple[Tick, ...]:
    values, majors = _values(lower, upper, interval)
    unit = duration_unit_of(upper, interval.major)
    labels = duration_labels(values, unit, duration_digits(upper, unit))
    if _has_doubles(labels, majors) and 1e-3 < upper < 2 * _YEAR_S:
        unit = finer_unit(unit)
        labels = duration_labels(values, unit, duration_digits(upper, unit))
    if _has_doubles(labels, majors):
        base = _base(lower, interval)
        distances = [value - base for value in values]
        digits = duration_digits(interval.major, unit)
        labels = duration_labels(distances, duration_unit_of(upper - lower, interval.major), digits)
    return _ticks(values, labels, majors)


def _powers_of_ten(lower: float, upper: float, count: int) -> tuple[Tick, ...]:
    """Powers of ten for a logarithmic axis; none if it spans so few that even ticks tell more."""
    if lower >= 0:
        spans = [_decades(lower, upper)]
    elif upper <= 0:
        spans = [_decades(-upper, -lower)]
    else:
        spans = [_decades(0, upper), _decades(0, -lower)]
    if max(spans) <= 2:
        return ()
    stride = max(1, math.ceil(sum(spans) / count))
    rising = _rising_powers(max(lower, 0), upper, stride) if upper > 0 else []
    falling = _rising_powers(max(-upper, 0), -lower, stride) if lower < 0 else []
    mirrored = [Tick(-t.value, f"-{t.label}", t.is_major) for t in reversed(falling)]
    ticks = [*(mirrored[:-1] if upper > 0 else mirrored), *rising]
    first = 1 if ticks[0].value < lower else 0
    last = -1 if ticks[-1].value > upper else None
    return tuple(ticks[first:last])


def _rising_powers(lower: float, upper: float, stride: int) -> list[Tick]:
    first = _exponent_below(lower)
    ticks = []
    for exponent in range(first, math.ceil(math.log10(upper)) + 1):
        # Where the axis begins at zero, its first power gives way to it.
        value = 0.0 if lower == exponent == 0 else float(f"1e{exponent}")
        text = f" {scientific_text(value, 0)}"
        label = text if is_extreme(value) else unit_text(value, decimal_unit(value), 0)
        ticks.append(Tick(value, label, (exponent - first) % stride == 0))
    return ticks


def _decades(lower: float, upper: float) -> int:
    return math.ceil(math.log10(upper)) - _exponent_below(lower)


def _exponent_below(value: float) -> int:
    return 0 if value <= 1 else math.floor(math.log10(value))


def _log_linear(lower: float, upper: float, count: int) -> Iterator[Tick]:
    """Ends of log-linear buckets: all, a third, or the powers of ten, as there is room."""
    first, last = bucket_of(lower), bucket_of(upper)
    bucket_count = last - first
    stride = max(1, (bucket_count // PER_DECADE + count - 1) // count * PER_DECADE)
    has_both_signs = first < 0 < last
    for i in range(first, last + 1):
        end, place = bucket_end(i), -i - 1 if i < 0 else i
        if not lower <= end <= upper or (has_both_signs and i == -1):
            continue
        if has_both_signs and i == 0:
            yield Tick(0.0, statistic_text(0.0))
        elif (
            bucket_count < count * PER_DECADE
            or (bucket_count // 3 < count * PER_DECADE and place % 3 == 0)
            or place % PER_DECADE == 0
        ):
            is_major = bucket_count <= count or place % stride == 0
            yield Tick(end, statistic_text(end), is_major)
