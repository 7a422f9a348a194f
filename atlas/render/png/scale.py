"""Scales: values of an axis to heights between 0 (the lower bound) and 1 (the upper)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

import numpy as np

from atlas.graph import FloatArray, Scale

Warp = Callable[[FloatArray], FloatArray]
DECADES_SHOWN = 3  # of values below the largest bound, before the logarithm gives way to a line


@dataclass(frozen=True, slots=True)
class ValueScale:
    """A scale between two bounds, lower < upper, both finite."""

    kind: Scale
    lower: float
    upper: float

    def heights(self, values: FloatArray) -> FloatArray:
        """Where values stand: 0 at the lower bound, 1 at the upper. NaN stays NaN."""
        warp = _warp(self)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            low, high = warp(np.array([self.lower, self.upper])).tolist()
            if not high > low:  # bounds that differ, but not to the warp
                return np.where(np.isnan(values), np.nan, (values > self.lower) * 1.0)
            return np.asarray((warp(values) - low) / (high - low))


def _warp(scale: ValueScale) -> Warp:
    """The function in whose values the scale is linear."""
    if scale.kind is Scale.LOG_LINEAR:
        return partial(_log_linear, exponent=exponent_min(scale))
    largest = max(abs(scale.lower), abs(scale.upper))
    if scale.kind is not Scale.LOGARITHMIC:
        return lambda values: _POWERS[scale.kind](values / largest)
    if scale.lower > 0:
        return _log10
    bend = 10.0 ** exponent_min(scale)
    return lambda values: np.sign(values) * np.log1p(np.abs(values) / bend)


def exponent_min(scale: ValueScale) -> int:
    """The power of 10, at most 0, below which a logarithmic scale is linear."""
    smallest = max(abs(scale.lower), abs(scale.upper)) / 10**DECADES_SHOWN
    if scale.lower > 0:
        smallest = min(smallest, scale.lower)
    return max(min(0, math.floor(math.log10(max(smallest, 1e-300)))), -300)


def _log10(values: FloatArray) -> FloatArray:
    return np.log10(np.maximum(values, 0))


def _log_linear(values: FloatArray, exponent: int) -> FloatArray:
    """Nine per power of 10, evenly spread inside it; below the smallest a line to 0."""
    sizes = np.abs(values)
    smallest = 10.0**exponent
    exponents = np.floor(np.log10(np.clip(sizes, smallest, 1e308)))
    above = 9 * (exponents - exponent) + sizes / 10.0**exponents
    return np.sign(values) * np.where(sizes < smallest, sizes / smallest, above)


def _power_2(values: FloatArray) -> FloatArray:
    return values * np.abs(values)


def _sqrt(values: FloatArray) -> FloatArray:
    return np.sign(values) * np.sqrt(np.abs(values))


_POWERS: Mapping[Scale, Warp] = MappingProxyType(
    {Scale.LINEAR: np.positive, Scale.POWER_2: _power_2, Scale.SQRT: _sqrt}
)
