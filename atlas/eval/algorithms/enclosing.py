"""Each value replaced by what is made of the longer step around it; the steps stay as they are."""

from __future__ import annotations

import numpy as np

from atlas.eval.algorithms import BoolArray, FloatArray


def enclosing(
    function: str, values: FloatArray, multiple: int, first: int, is_rate: BoolArray
) -> FloatArray:
    """`function` (sum, avg, min or max) of the values within the same `multiple` steps.

    first: the number of the first step; longer steps end at multiples of `multiple`. is_rate, of
    shape (lines,): a mean of rates is over all of the longer step, others are over its values.
    """
    longer_steps = -(-(first + np.arange(values.shape[1])) // multiple)
    starts = np.flatnonzero(np.diff(longer_steps, prepend=longer_steps[0] - 1))
    has = ~np.isnan(values)
    if function in ("min", "max"):
        combine = np.fmin if function == "min" else np.fmax
        joined = combine.reduceat(values, starts, axis=1)
    else:
        counts = np.add.reduceat(has, starts, axis=1, dtype=np.float64)
        joined = np.add.reduceat(np.where(has, values, 0.0), starts, axis=1)
        joined = np.where(counts > 0, joined, np.nan)
        if function == "avg":
            joined /= np.where(is_rate[:, None], multiple, counts)
    return np.repeat(joined, np.diff(starts, append=values.shape[1]), axis=1)
