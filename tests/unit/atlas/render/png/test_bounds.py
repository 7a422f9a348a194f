"""Bounds of axes as a table: asked for, or from the data with a little room."""

from __future__ import annotations

import math

import numpy as np
import pytest

from atlas.graph import Axis, Line, LineStyle, Scale
from atlas.render.png.bounds import stack_edges, value_scale

LINE, AREA, STACK, VSPAN = LineStyle.LINE, LineStyle.AREA, LineStyle.STACK, LineStyle.VSPAN
nan, inf = math.nan, math.inf

CASES = [
    (LINE, [10, 20], "auto-style", "auto-style", (9.6, 20.4)),
    (LINE, [0, 100], "auto-style", "auto-style", (0, 104)),
    (LINE, [1, 100], "auto-style", "auto-style", (0, 103.96)),
    (AREA, [10, 20], "auto-style", "auto-style", (0, 20.8)),
    (AREA, [-20, -10], "auto-style", "auto-style", (-20.8, 0)),
    (AREA, [10, 20], "auto-data", "auto-data", (9.6, 20.4)),
    (STACK, [10, 20], "auto-style", "auto-style", (0, 20.8)),
    (LINE, [5, 5], "auto-style", "auto-style", (0, 10.4)),
    (LINE, [-5, -5], "auto-style", "auto-style", (-10.4, 0)),
    (LINE, [0, 0], "auto-style", "auto-style", (0, 1.04)),
    (LINE, [nan, nan], "auto-style", "auto-style", (0, 1.04)),
    (LINE, [nan, 1, inf, 3, -inf], "auto-style", "auto-style", (0.92, 3.08)),
    (VSPAN, [0, 1000], "auto-style", "auto-style", (0, 1.04)),
    (LINE, [10, 20], "0", "100.5", (0, 100.5)),
    (LINE, [10, 20], "-5.0", "auto-style", (-5, 21)),
    (LINE, [10, 20], "20", "auto-style", (20, 21.04)),
    (LINE, [10, 20], "auto-data", "3", (1.96, 3)),
    (LINE, [10, 20], "NaN", "auto-style", (9.6, 20.4)),
    (LINE, [0, 1], "-Infinity", "Infinity", (-8e307, 8e307)),
]


@pytest.mark.parametrize(("style", "values", "lower", "upper", "bounds"), CASES)
def test_bounds(style, values, lower, upper, bounds):
    line = Line("a", {}, np.array(values, dtype=float), style=style)
    found = value_scale(Axis(0, (line,), lower=lower, upper=upper))
    assert (found.lower, found.upper) == pytest.approx(bounds)


def test_logarithmic_bounds_stay_above_zero():
    line = Line("a", {}, np.array([0.01, 1e5]))
    found = value_scale(Axis(0, (line,), scale=Scale.LOGARITHMIC))
    assert (found.lower, found.upper) == pytest.approx((0.009, 1.1e5))


def test_stack_rises_above_zero_and_falls_below():
    rows = [[1, -1, nan, 0], [2, -2, 5, 0], [-3, 3, 1, 4]]
    lines = tuple(Line("a", {}, np.array(row, dtype=float), style=STACK) for row in rows)
    edges = [[edge.tolist() for edge in pair] for pair in stack_edges(Axis(0, lines))]
    low, high = 0, 1
    assert edges[0][low][:2] == [0, -1]
    assert edges[0][high][:2] == [1, 0]
    assert math.isnan(edges[0][high][2])  # a gap is no zero
    assert edges[0][high][3] == 0  # and a zero at the foot is a line
    assert (edges[1][low][:3], edges[1][high][:3]) == ([1, -3, 0], [3, -1, 5])
    assert (edges[2][low], edges[2][high]) == ([-3, 0, 5, 0], [0, 3, 6, 4])
