"""Counts to colours: where each begins, and that what lies outside has the first or the last."""

from __future__ import annotations

import numpy as np
import pytest

from atlas.graph import Scale
from atlas.render.heatmap.color_scale import ColorScale, gradient

COUNTS = np.array([1.0, 2, 10, 50, 99, 100])


@pytest.mark.parametrize(
    ("kind", "indexes"),
    [
        (Scale.LINEAR, [0, 0, 0, 2, 4, 4]),
        (Scale.LOGARITHMIC, [0, 0, 2, 4, 4, 4]),
        (Scale.LOG_LINEAR, [0, 0, 2, 3, 4, 4]),
        (Scale.POWER_2, [0, 0, 0, 1, 4, 4]),
        (Scale.SQRT, [0, 0, 1, 3, 4, 4]),
    ],
)
def test_indexes(kind, indexes):
    assert ColorScale(kind, 1, 100, 5).indexes(COUNTS).tolist() == indexes


@pytest.mark.parametrize(
    ("kind", "bounds"),
    [
        (Scale.LINEAR, [1, 20.8, 40.6, 60.4, 80.2, 100]),
        (Scale.LOGARITHMIC, [1, 5.382, 10.602, 22.038, 47.096, 102]),
        (Scale.LOG_LINEAR, [1, 3, 7, 20, 60, 100]),
        (Scale.POWER_2, [1, 44.730, 63.250, 77.462, 89.444, 100]),
        (Scale.SQRT, [1, 7.84, 21.16, 40.96, 67.24, 100]),
    ],
)
def test_bounds(kind, bounds):
    assert ColorScale(kind, 1, 100, 5).bounds() == pytest.approx(bounds, abs=1e-3)


@pytest.mark.parametrize("kind", Scale)
def test_equal_bounds_have_one_color(kind):
    found = ColorScale(kind, 3, 3, 5).indexes(np.array([3.0])).tolist()
    assert found == ([4] if kind is Scale.LOG_LINEAR else [0])


@pytest.mark.parametrize("kind", Scale)
def test_counts_outside_the_bounds(kind):
    assert ColorScale(kind, 2, 9, 5).indexes(np.array([0.01, 1e9])).tolist() == [0, 4]


@pytest.mark.parametrize(
    ("color", "alphas"),
    [
        ("ff123456", ["33", "66", "99", "cc", "ff"]),
        ("00123456", ["33", "66", "99", "cc", "ff"]),
        ("40123456", ["7f", "bf", "ff"]),
        ("c0123456", ["ff"]),
    ],
)
def test_gradient(color, alphas):
    assert gradient(color) == tuple(f"{alpha}123456" for alpha in alphas)
