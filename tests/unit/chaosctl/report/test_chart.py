"""What a chart draws, dot by dot."""

from __future__ import annotations

import numpy as np
import pytest

from chaosctl.report.chart import Chart, Curve, Level, dots_of, render_chart, value_range
from chaosctl.report.glyphs import ASCII, UNICODE

NAN = np.nan


def chart(*curves, **changes):
    count = max((len(values) for values in curves), default=10)
    lines = [Curve(np.array(values, np.float64), "cyan") for values in curves]
    return Chart(lines, 0, count * 1000, **changes)


def plain(made, width=30, height=5, glyphs=UNICODE):
    return [line.plain for line in render_chart(made, width, height, glyphs)]


def test_dots_follow_values_from_the_bottom_up():
    dots = dots_of(np.array([0.0, 1.0, 2.0, 3.0]), 4, 4, 0, 3)
    assert np.argwhere(dots[::-1].T)[:, 1].tolist() == [0, 1, 2, 3]


def test_dots_leave_a_gap_where_there_is_no_data():
    dots = dots_of(np.array([1.0, NAN, NAN, 1.0]), 8, 4, 0, 3)
    assert dots.any(axis=0).tolist() == [True, True, False, False, False, False, True, True]


def test_a_jump_is_a_line_and_not_two_points():
    dots = dots_of(np.array([0.0, 0.0, 9.0, 9.0]), 4, 10, 0, 9)
    assert dots.sum() > 10
    assert dots.any(axis=1).all()


def test_many_steps_keep_the_least_and_the_greatest_of_a_column():
    values = np.zeros(1000)
    values[500] = 9.0
    dots = dots_of(values, 10, 10, 0, 9)
    assert dots[0].sum() == 1


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], (0.0, 1.0)),
        ([NAN], (0.0, 1.0)),
        ([0.0], (0.0, 1.0)),
        ([5.0], (0.0, 10.0)),
        ([98.0, 100.0], (98.0, 100.0)),
        ([10.0, 100.0], (0.0, 100.0)),
        ([-3.0, 3.0], (-3.0, 3.0)),
        ([1.0, np.inf], (0.0, 2.0)),
    ],
)
def test_range_begins_at_zero_where_that_is_near(values, expected):
    assert value_range(chart(values)) == expected


def test_levels_are_drawn_where_there_are_no_dots_and_named():
    made = chart([1.0] * 10, levels=[Level(0.0, "stop", "stop")])
    lines = plain(made)
    assert "═ ═ ═" in lines[3]
    assert lines[3].rstrip().endswith("stop")
    assert "═" not in lines[0]


def test_fault_is_said_in_words_and_not_by_colour_alone():
    lines = plain(chart([1.0] * 10, shaded=[(2000, 8000)]), width=40)
    assert "━ fault ━" in lines[-1]


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII], ids=["unicode", "ascii"])
@pytest.mark.parametrize(("width", "height"), [(1, 1), (9, 2), (30, 5), (200, 40)])
def test_lines_are_as_many_and_as_wide_as_asked(glyphs, width, height):
    made = chart([NAN, 1.0, 2.0], [3.0, NAN, NAN], levels=[Level(NAN, "limit", "limit")])
    lines = render_chart(made, width, height, glyphs)
    assert len(lines) == max(2, height)
    assert {line.cell_len for line in lines} == {max(width, 12)}


def test_ascii_is_ascii():
    made = chart([1.0, 2.0, NAN], levels=[Level(1.5, "usual", "usual")], shaded=[(0, 9000)])
    assert "".join(plain(made, glyphs=ASCII)).isascii()


def test_letters_stand_at_the_last_value():
    curves = [Curve(np.array([1.0, 1.0]), "cyan", "a"), Curve(np.array([9.0, 9.0]), "green", "b")]
    lines = [line.plain for line in render_chart(Chart(curves, 0, 2000), 30, 6, UNICODE)]
    assert lines[0].rstrip().endswith("b")
    assert "a" in lines[4]
