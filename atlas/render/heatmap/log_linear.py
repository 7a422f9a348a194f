"""Log-linear buckets: nine to each power of ten from 1e-9 on, of equal width; below zero mirrored.

Bucket i ≥ 0 ends at `bucket_end(i)`, where the next one begins. Source: Atlas `LogLinear.scala`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from atlas.graph import FloatArray

IntArray = npt.NDArray[np.int64]

PER_DECADE = 9
EXPONENT_MIN = -9
_COUNTED_MAX = 1e7
_DIGITS = 6  # of a value decide on its bucket, where that many can be counted in whole numbers
_POWERS = np.array([float(f"1e{k}") for k in range(EXPONENT_MIN, 309)])  # logarithms are not exact


def bucket_end(index: int) -> float:
    """The bound of a bucket that is farther from zero."""
    if index < 0:
        return -bucket_end(-index - 1)
    return bucket_width(index) * (index % PER_DECADE + 1)


def bucket_width(index: int) -> float:
    """How wide a bucket is, index ≥ 0; past the largest number infinitely so."""
    return float(f"1e{index // PER_DECADE + EXPONENT_MIN}")


def bucket_of(value: float) -> int:
    """The bucket of a finite value."""
    return int(buckets_of(np.array([value]))[0])


def buckets_of(values: FloatArray) -> IntArray:
    """The bucket of each finite value."""
    sizes = np.abs(values)
    decades = np.maximum(np.searchsorted(_POWERS, sizes, side="right") - 1, 0)
    powers = _POWERS[decades]
    # Up to 1e7 whole numbers decide, because a quotient may lie just above one.
    exponents = np.maximum(_DIGITS - EXPONENT_MIN - decades, 0)
    counted = np.trunc(np.minimum(sizes, _COUNTED_MAX) * _POWERS[exponents - EXPONENT_MIN])
    exact = np.maximum(counted - 1, 0) // 10**_DIGITS
    above = np.ceil((sizes - powers) / powers)
    within = np.where(decades + EXPONENT_MIN <= _DIGITS, exact, above).astype(np.int64)
    buckets = within + decades * PER_DECADE
    return np.asarray(np.where(values < 0, -buckets - 1, buckets))


def positions_of(values: FloatArray, first: int) -> FloatArray:
    """How many buckets lie from the end of bucket `first` to each value, which is 0 or more."""
    buckets = buckets_of(values)
    widths = _POWERS[buckets // PER_DECADE]
    begins = widths * (buckets % PER_DECADE)
    return np.asarray(np.maximum(buckets - first - 1, 0) + (values - begins) / widths)
