"""What every analysis does to its input first."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from atlas.errors import BadData

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


def as_values(values: npt.ArrayLike, where: str) -> FloatArray:
    """The values as a new float64 array, shape (…, steps); what is not finite is a gap: NaN.

    where: named in the error. Raises BadData for a number without a time axis.
    """
    found = np.array(values, dtype=np.float64)
    if found.ndim == 0:
        raise BadData(
            "a single number has no time axis", where=where, fix="give an array, time last"
        )
    found[~np.isfinite(found)] = np.nan
    return found


def as_share(share: float, name: str, where: str) -> float:
    """The share itself if it lies between 0 and 1, both excluded. Raises BadData otherwise."""
    if not 0.0 < share < 1.0:
        raise BadData(f"{name} {share} is not between 0 and 1", where=where, fix="0.95 is usual")
    return share


def at_least(number: int, least: int, name: str, where: str) -> int:
    """The number itself if it is large enough. Raises BadData otherwise."""
    if number < least:
        raise BadData(
            f"{name} must be at least {least}: {number}", where=where, fix="it is a count of steps"
        )
    return number


def median(values: FloatArray) -> FloatArray:
    """Median along the last axis of what is there; NaN of nothing."""
    ordered = np.sort(values, axis=-1)  # gaps last
    count = np.sum(~np.isnan(values), axis=-1, keepdims=True)
    pair = np.concatenate([np.maximum(count - 1, 0) // 2, count // 2], axis=-1)
    pair = np.minimum(pair, values.shape[-1] - 1)
    return np.asarray(np.take_along_axis(ordered, pair, axis=-1).mean(axis=-1))
