"""Which pixels a line, an area and a span touch."""

from __future__ import annotations

import math

import numpy as np
import pytest

from atlas.render.png.columns import fill_runs, line_runs, step_of_column, whole_runs

nan = math.nan


def runs(found) -> list[tuple[int, int] | None]:
    tops, bottoms = found
    return [
        (top, bottom) if top <= bottom else None
        for top, bottom in zip(tops.tolist(), bottoms.tolist(), strict=True)
    ]


LINES = [
    # as many columns as steps: the riser stands in the first column of the later step
    ([3, 1, 1, 4], 4, 1, [(3, 3), (1, 3), (1, 1), (1, 4)]),
    # a step of two columns
    ([3, 1], 4, 1, [(3, 3), (3, 3), (1, 3), (1, 1)]),
    # gaps are not bridged, and a lone point is taller
    ([2, nan, 5, nan, 7, 7], 6, 1, [(1, 3), None, (4, 6), None, (7, 7), (7, 7)]),
    # several steps in a column show their extremes, joined to the column before
    ([1, 9, 4, 5, 6, 2], 2, 1, [(1, 9), (2, 6)]),
    ([1, 2, 9, 9], 2, 1, [(1, 2), (2, 9)]),
    ([1, nan, 9, 9], 2, 1, [(1, 1), (9, 9)]),
    # a pen of three covers the columns beside a riser too
    ([5, 1, 1, 1], 4, 3, [(0, 6), (0, 6), (0, 6), (0, 2)]),
    ([nan, nan], 2, 1, [None, None]),
]


@pytest.mark.parametrize(("rows", "width", "pen", "expected"), LINES)
def test_line(rows, width, pen, expected):
    values = np.array(rows, dtype=float)
    assert runs(line_runs(values, step_of_column(len(rows), width), pen)) == expected


def test_fill_lies_between_its_edges_whichever_is_higher():
    edge = np.array([2.0, 8.0, nan])
    assert runs(fill_runs(edge, np.array([5.0]), step_of_column(3, 3))) == [(2, 5), (5, 8), None]


def test_span_covers_a_column_in_which_any_step_is_on():
    on = np.array([False, True, False, False])
    assert runs(whole_runs(on, step_of_column(4, 2), 10)) == [(0, 9), None]


@pytest.mark.parametrize(("steps", "width"), [(1, 64), (60, 64), (64, 64), (1440, 64), (7, 700)])
def test_columns_show_every_step_in_order(steps, width):
    first = step_of_column(steps, width)
    assert first[0] == 0
    assert np.all(np.diff(first) >= 0)
    assert steps > width or set(first.tolist()) == set(range(steps))
