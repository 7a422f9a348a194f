"""Counts to colours: which colour a count has, and from which count to which each colour goes.

Source: Atlas `Scales.scala`, `Ticks.simple`, `Palette.gradient`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from atlas.graph import FloatArray, Scale
from atlas.render.heatmap.log_linear import bucket_end, bucket_of, positions_of

GRADIENT_COUNT = 5
_OPAQUE = 255
_EXPONENTS = {Scale.LINEAR: 1.0, Scale.POWER_2: 2.0, Scale.SQRT: 0.5}


@dataclass(frozen=True, slots=True)
class ColorScale:
    """Colours for counts from `lower` to `upper`; what lies outside has the first or the last."""

    kind: Scale
    lower: float
    upper: float
    color_count: int

    def indexes(self, counts: FloatArray) -> npt.NDArray[np.int64]:
        """Which colour each count has; where the bounds are equal, all have the same."""
        if self.kind is Scale.LOG_LINEAR:
            first, last = bucket_of(self.lower) - 1, bucket_of(self.upper)
            if first != last:
                shares = positions_of(counts, first) / abs(last - first)
                return self._clipped(shares * self.color_count)
        low, high = _warped(np.array([self.lower, self.upper]), self.kind)
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            shares = (_warped(counts, self.kind) - low) / ((high - low) / self.color_count)
        return self._clipped(np.nan_to_num(shares))

    def bounds(self) -> list[float]:
        """Where the first colour begins, and where each of them ends."""
        places = np.arange(1, self.color_count + 1)
        if self.kind is Scale.LOG_LINEAR:
            first, last = bucket_of(self.lower) - 1, bucket_of(self.upper)
            first = max(first, 0) if self.lower >= 0 else first
            if first != last:
                passed = np.trunc(places / (self.color_count / abs(last - first)))
                return [self.lower, *(bucket_end(int(count) + first) for count in passed)]
        low, high = _warped(np.array([self.lower, self.upper]), self.kind)
        with np.errstate(invalid="ignore", over="ignore"):
            ends = _unwarped(places * ((high - low) / self.color_count) + low, self.kind)
        return [self.lower, *ends.tolist()]

    def _clipped(self, places: FloatArray) -> npt.NDArray[np.int64]:
        return np.clip(np.trunc(places), 0, self.color_count - 1).astype(np.int64)


def gradient(color: str) -> tuple[str, ...]:
    """The colour at rising opacity up to the full one; a translucent colour sets the steps."""
    alpha = int(color[:2], 16)
    step = _OPAQUE // GRADIENT_COUNT if alpha in (0, _OPAQUE) else alpha
    count = _OPAQUE // step
    return tuple(f"{_OPAQUE - step * (count - 1 - i):02x}{color[2:]}" for i in range(count))


def _warped(values: FloatArray, kind: Scale) -> FloatArray:
    """What a scale is linear in."""
    if kind is Scale.LOGARITHMIC:
        return np.asarray(np.sign(values) * np.log10(np.abs(values) + 1))
    with np.errstate(over="ignore"):
        return np.asarray(np.sign(values) * np.abs(values) ** _EXPONENTS.get(kind, 1.0))


def _unwarped(values: FloatArray, kind: Scale) -> FloatArray:
    """The bounds that clients are told; on a logarithmic scale they are 2 more than the count.

    The original adds 1 where it had to take 1 away, and clients show what it says.
    """
    sizes = np.abs(values)
    if kind is Scale.LOGARITHMIC:
        return np.asarray(np.sign(values) * (10.0**sizes + 1))
    return np.asarray(np.sign(values) * sizes ** (1 / _EXPONENTS.get(kind, 1.0)))
