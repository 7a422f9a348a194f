"""A line summed up in one number; gaps are left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from atlas.eval.algorithms import FloatArray


def _count(values: FloatArray) -> FloatArray:
    return np.asarray(np.count_nonzero(~np.isnan(values), axis=1), np.float64)


def _total(values: FloatArray) -> FloatArray:
    has = ~np.isnan(values)
    return np.where(has.any(axis=1), np.where(has, values, 0.0).sum(axis=1), np.nan)


def _last(values: FloatArray) -> FloatArray:
    steps_after = np.argmax(~np.isnan(values[:, ::-1]), axis=1)
    last_step = values.shape[1] - 1 - steps_after
    return np.asarray(values[np.arange(len(values)), last_step], np.float64)


STATISTICS: Mapping[str, Callable[[FloatArray], FloatArray]] = MappingProxyType(
    {
        "avg": lambda values: _total(values) / _count(values),
        "max": lambda values: np.fmax.reduce(values, axis=1),
        "min": lambda values: np.fmin.reduce(values, axis=1),
        "last": _last,
        "count": _count,
        "total": _total,
    }
)
"""By name; each takes values of shape (lines, steps). Of nothing the count is 0, the rest a gap."""
