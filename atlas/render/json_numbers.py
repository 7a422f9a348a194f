"""Values as JSON writes them: what is not a number is text."""

from __future__ import annotations

from typing import Any

import numpy as np

from atlas.graph import FloatArray


def json_values(values: FloatArray) -> list[Any]:
    """Nested lists of the array's shape, with text where JSON has no number."""
    if np.isfinite(values).all():
        return list(values.tolist())
    mixed = values.astype(object)
    mixed[np.isnan(values)] = "NaN"
    mixed[np.isposinf(values)] = "Infinity"
    mixed[np.isneginf(values)] = "-Infinity"
    return list(mixed.tolist())


def json_number(value: float) -> Any:
    """One value."""
    return json_values(np.array([value]))[0]


def table(columns: list[FloatArray], step_count: int) -> FloatArray:
    """Values as rows of a step each, shape (steps, lines)."""
    if not columns:
        return np.zeros((step_count, 0))
    return np.concatenate(columns).reshape(len(columns), step_count).T
