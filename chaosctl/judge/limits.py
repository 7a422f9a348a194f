"""The limits of a condition as numbers, and a value held against them. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from chaosctl.experiment.model import Comparison, Condition, Limit
from chaosctl.experiment.windows import STEP_MS
from chaosctl.judge.samples import Series, Span, mean, step_ends, value_at

TOLERANCE = 1e-9
"""Relative: a mean of ten times 0.97 is not below 97 % because of its last binary digit."""

NO_BAND: Mapping[int, tuple[float, float]] = {}


@dataclass(frozen=True, slots=True)
class Bounds:
    """A condition's limits, with what they take from the baseline worked out.

    numbers: None where there is no baseline yet, NaN where it had no data. band: of a forecast, by
    step end; None if the condition has none, or there is no baseline yet.
    """

    condition: Condition
    numbers: tuple[float | None, ...]
    band: Mapping[int, tuple[float, float]] | None = None

    def over(self, ends: range) -> tuple[float | None, ...]:
        """The numbers that hold for a window of steps."""
        if self.condition.comparison is not Comparison.WITHIN:
            return self.numbers
        if self.band is None:
            return (None, None)
        found = [self.band.get(end, (math.nan, math.nan)) for end in ends]
        low = math.fsum(pair[0] for pair in found) / len(found)
        return (low, math.fsum(pair[1] for pair in found) / len(found))

    def text(self, ends: range) -> str:
        """How they read: 'at least 97%', 'below 50% of baseline (14.9)', '… for 3 steps'."""
        condition = self.condition
        words = condition.comparison.value.replace("-", " ")
        text = f"{words} {' and '.join(self._parts(ends))}"
        if condition.over_ms:
            text += f" over {condition.over_ms / 1000:g} s"
        if condition.for_steps > 1:
            text += f" for {condition.for_steps} steps"
        return text

    def _parts(self, ends: range) -> list[str]:
        if self.condition.comparison is Comparison.WITHIN:
            low, high = self.over(ends)
            return ["forecast" if low is None else f"forecast ({low:.3g} to {high:.3g})"]
        pairs = zip(self.condition.limits, self.numbers, strict=True)
        return [
            f"{limit.text} ({now:.3g})" if limit.of_baseline and now is not None else limit.text
            for limit, now in pairs
        ]


def bounds_of(
    condition: Condition, series: Series, baseline: Span | None, step_ms: int = STEP_MS
) -> Bounds:
    """The limits for this series; None as baseline: there is none yet."""
    if condition.comparison is Comparison.WITHIN:
        band = None if baseline is None else _band(condition, series, baseline, step_ms)
        return Bounds(condition, (), band)
    usual = math.nan
    if baseline is not None and any(limit.of_baseline for limit in condition.limits):
        usual = mean(series, step_ends(baseline, step_ms))
    return Bounds(condition, tuple(_number(limit, usual, baseline) for limit in condition.limits))


def numbers_of(condition: Condition, usual: float) -> tuple[float, ...]:
    """The limits, `usual` being the mean over the baseline; NaN where it takes more than that."""
    return tuple(
        limit.value * usual + limit.offset if limit.of_baseline else limit.value
        for limit in condition.limits
    )


def is_met(condition: Condition, value: float, numbers: Sequence[float | None]) -> bool:
    """Whether the value is within its limits; equal (to rounding) is within unless strict."""
    if None in numbers:
        return True
    known = [number for number in numbers if number is not None]
    if any(math.isnan(number) for number in known):
        return True  # nothing to compare with: said as unknown, never blamed as a breach
    if any(math.isclose(value, number, rel_tol=TOLERANCE, abs_tol=0.0) for number in known):
        return condition.comparison not in (Comparison.ABOVE, Comparison.BELOW)
    return distance(condition.comparison, value, known) > 0


def distance(comparison: Comparison, value: float, numbers: Sequence[float | None]) -> float:
    """How far inside its limits the value is; negative: outside. NaN: cannot be told."""
    known = [math.nan if number is None else number for number in numbers]
    if comparison in (Comparison.BETWEEN, Comparison.WITHIN):
        return min(value - known[0], known[1] - value)
    if comparison in (Comparison.AT_LEAST, Comparison.ABOVE):
        return value - known[0]
    return known[0] - value


def _number(limit: Limit, usual: float, baseline: Span | None) -> float | None:
    if not limit.of_baseline:
        return limit.value
    return None if baseline is None else limit.value * usual + limit.offset


def _band(
    condition: Condition, series: Series, baseline: Span, step_ms: int
) -> Mapping[int, tuple[float, float]]:
    """Least and greatest value expected, by step end, as far ahead as the baseline reaches."""
    ends = step_ends(baseline, step_ms)
    values = tuple(value_at(series, end) for end in ends)
    band = _forecast(values, condition.confidence)
    return {ends[-1] + number * step_ms: pair for number, pair in enumerate(band, 1)}


@lru_cache(maxsize=128)
def _forecast(values: tuple[float, ...], confidence: float) -> tuple[tuple[float, float], ...]:
    """The band of the steps after these; shorter than anybody wants where they are too few."""
    from atlas.analysis.forecast import forecast, history_needed  # noqa: PLC0415 - takes long

    finite = [value if math.isfinite(value) else math.nan for value in values]
    known = [number for number, value in enumerate(finite) if not math.isnan(value)]
    history = finite[known[0] :] if known else []
    horizon = len(history)
    while horizon > 0 and history_needed(horizon, confidence=confidence) > len(history):
        horizon -= 1
    if horizon == 0:
        return ()
    band = forecast(history, horizon, confidence=confidence)
    return tuple(zip(band.lower.tolist(), band.upper.tolist(), strict=True))
