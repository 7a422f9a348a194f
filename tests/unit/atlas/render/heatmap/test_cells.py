"""Cells of heat maps as small tables."""

from __future__ import annotations

import numpy as np
import pytest

from atlas import AtlasError
from atlas.expr.sketch_expr import BUCKET_BOUNDS
from atlas.graph import Axis, HeatMapOptions, Line, LineStyle, Scale
from atlas.render.heatmap import heat_map

HEIGHT = 50  # one labelled tick
NAN, INF = np.nan, np.inf


def line(*values, style=LineStyle.HEATMAP, color="ff0075dc", **tags):
    return Line("x", tags, np.array(values, np.float64), color, style)


def cells(*lines, **axis):
    found = heat_map(Axis(0, lines, **axis), HEIGHT)
    assert found is not None
    return found


def test_no_lines_no_heat_map():
    assert heat_map(Axis(0, (line(1, style=LineStyle.LINE),)), HEIGHT) is None


def test_each_line_counts_once_in_each_step():
    found = cells(line(0, 1, 2), line(1, 1, NAN), line(2, 1.9, INF))
    assert found.edges.tolist() == [0, 0, 0.5, 1, 1.5, 2, 2]
    assert found.counts.tolist() == [
        [0, 1, 0, 1, 0, 1],
        [0, 0, 0, 2, 1, 0],
        [0, 0, 0, 0, 0, 1],
    ]


def test_values_outside_the_bounds_of_the_axis_are_left_out():
    found = cells(line(1, 5, 9), lower="2.0", upper="8.0")
    assert found.counts.sum(axis=1).tolist() == [0, 1, 0]


BOUNDS = [
    ([line(3, 5)], {}, (3, 5)),
    ([line(3, 3)], {}, (3, 4)),
    ([line(3, 5)], {"lower": "0.0"}, (0, 5)),
    ([line(3, 5)], {"lower": "7.0"}, (7, 8)),
    ([line(3, 5)], {"upper": "1.0"}, (0, 1)),
    ([line(NAN, INF)], {}, (0, 1)),
    ([line(3, 5), line(1, 9, style=LineStyle.LINE)], {}, (1, 9)),
    ([line(3, 5), line(1, 9, style=LineStyle.VSPAN)], {}, (3, 5)),
    ([line(3, 5), line(1, 9, style=LineStyle.AREA)], {}, (0, 9)),
    ([line(3, 5), line(1, 9, style=LineStyle.AREA)], {"lower": "auto-data"}, (1, 9)),
    ([line(3, 5), line(-1, -9, style=LineStyle.AREA)], {}, (-9, 5)),
    ([line(3, 5), *[line(-1, 9, style=LineStyle.STACK)] * 2], {}, (-2, 18)),
    ([line(1, 0, percentile="D0004"), line(0, NAN, percentile="D0010")], {}, (4, 5)),
    ([line(1, 0, percentile="nonsense")], {}, (0, 1)),
]


@pytest.mark.parametrize(("lines", "axis", "bounds"), BOUNDS)
def test_bounds(lines, axis, bounds):
    edges = cells(*lines, **axis).edges
    assert (edges[0], edges[-1]) == bounds


def test_bucket_is_spread_over_the_values_that_it_holds():
    """Bucket 0009 holds 9 and more, below 10."""
    found = cells(line(6, 3, 0, percentile="D0008"), line(NAN, 1, -1, percentile="D0009"))
    assert found.edges.tolist() == [8, 8, 8.5, 9, 9.5, 10, 10]
    assert found.counts.tolist() == [[0, 3, 3, 0, 0, 0], [0, 1.5, 1.5, 0.5, 0.5, 0], [0] * 6]


def test_buckets_of_timers_are_in_seconds():
    edges = cells(line(1, percentile="T0078")).edges
    assert edges[0] == pytest.approx(BUCKET_BOUNDS[0x77] / 1e9)
    assert edges[-1] == pytest.approx(BUCKET_BOUNDS[0x78] / 1e9)


def test_bucket_that_does_not_exist_counts_as_a_line():
    assert cells(line(0.2, percentile="T9999")).counts.sum() == 1


def test_colors_are_those_of_the_first_line_or_of_the_axis():
    lines = line(1, color="ff112233"), line(2)
    assert cells(*lines).colors[-1] == "ff112233"
    options = HeatMapOptions(colors=("ff000000", "ffffffff"))
    assert cells(*lines, heat_map=options).colors == options.colors


@pytest.mark.parametrize(
    ("bounds", "indexes"),
    [
        ({}, [0, 1, 4]),
        ({"upper": "2.0"}, [0, 4, 4]),
        ({"lower": "2.0"}, [0, 0, 4]),
        ({"lower": "7.0"}, [0, 0, 0]),
        ({"upper": "0.5"}, [4, 4, 4]),
        ({"upper": "100.0"}, [0, 0, 0]),
        ({"scale": Scale.POWER_2, "upper": "10.0"}, [0, 0, 0]),
    ],
)
def test_color_indexes(bounds, indexes):
    lines = [line(*values) for values in ([1, 1, 1], [NAN, 1, 1], [NAN, NAN, 1], [NAN, NAN, 1])]
    found = cells(*lines, heat_map=HeatMapOptions(**bounds)).color_indexes()
    assert found.max(axis=1).tolist() == indexes
    assert (found == -1).sum() == found.size - 3


def test_counts_cannot_end_below_zero():
    with pytest.raises(AtlasError, match="requirement failed"):
        _ = cells(line(1), heat_map=HeatMapOptions(upper="-1.0")).color_scale
