"""Heat maps in an image: cells where their values are, in the colour of their count."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from atlas.graph import Axis, Graph, HeatMapOptions, Layout, LegendType, Line, LineStyle
from atlas.render.png import render_png

STEP_MS = 60_000
ONE, TWO = (0xFF, 0, 0), (0, 0, 0xFF)
COLORS = HeatMapOptions(colors=("ffff0000", "ff0000ff"))


def line(*values, style=LineStyle.HEATMAP):
    return Line("x", {}, np.array(values, np.float64), "ff00ff00", style)


def graph(*lines, **given):
    count = len(lines[0].values)
    axes = (Axis(0, lines, lower="0", upper="4", heat_map=COLORS),)
    return Graph(0, count * STEP_MS, STEP_MS, axes, **{"width": 100, "height": 100, **given})


def pixels(found):
    return np.asarray(Image.open(io.BytesIO(render_png(found))).convert("RGB"))


def rows_of(image, column, color):
    return np.flatnonzero((image[:, column] == color).all(axis=1)).tolist()


def test_cells_stand_where_their_values_are():
    """Ticks are 0.5 apart, an eighth of the height; in the grid's rows the colours are mixed."""
    found = pixels(graph(line(1.1, 3.9), line(1.4, 0), is_only_graph=True))
    below = [row for row in rows_of(found, 20, TWO) if 62 <= row <= 74]
    assert len(below) >= 11
    assert below == rows_of(found, 20, TWO)
    top, bottom = rows_of(found, 80, ONE)[0], rows_of(found, 80, ONE)[-1]
    assert (top, bottom) == (1, 99)
    assert 22 <= len(rows_of(found, 80, ONE)) <= 26
    assert rows_of(found, 80, TWO) == []


def test_column_of_several_steps_shows_the_highest_count():
    lines = line(*[1.2, 1.2] * 200), line(*[1.2, np.nan] * 200)
    found = pixels(graph(*lines, is_only_graph=True))
    assert (found == TWO).all(axis=2).any(axis=0).sum() > 80  # all but those of the grid
    assert not (found == ONE).all(axis=2).any()


def test_lines_are_drawn_over_cells():
    found = pixels(graph(line(1.2, 1.2), line(1.2, 1.2, style=LineStyle.LINE), is_only_graph=True))
    assert rows_of(found, 50, (0, 0xFF, 0)) == [69]


@pytest.mark.parametrize("given", [{}, {"theme": "dark"}, {"zoom": 2.0}, {"width": 64}])
def test_legend_has_the_colors_instead_of_the_lines(given):
    whole = pixels(graph(line(1.2, 1.2), **given))
    bare = pixels(graph(line(1.2, 1.2), legend=LegendType.OFF, **given))
    below = whole[bare.shape[0] - 8 :]
    assert {ONE, TWO} <= set(map(tuple, below.reshape(-1, 3).tolist()))
    hundred = pixels(graph(*[line(1.2, 1.2)] * 100, **given))
    assert hundred.shape == whole.shape


def test_same_cells_at_every_zoom():
    lines = [line(*np.sin(np.arange(20) + i) + 2) for i in range(5)]
    small, large = (
        pixels(graph(*lines, is_only_graph=True, zoom=zoom))[0 :: int(zoom), 0 :: int(zoom)]
        for zoom in (1.0, 2.0)
    )
    assert (small == large).all(axis=2).mean() > 0.9


ODD = {
    "gaps": [np.nan, np.nan],
    "infinities": [np.inf, -np.inf, 1],
    "huge": [-1.7e308, 1.7e308],
    "equal and huge": [1e308, 1e308],
    "tiny": [0, 5e-324],
    "one": [1],
    "none": [],
}


@pytest.mark.parametrize("values", ODD.values(), ids=ODD)
@pytest.mark.parametrize("layout", Layout)
def test_odd_values_can_be_drawn(values, layout):
    for axis in graph(line(*values)).axes:
        automatic = replace(axis, lower="auto-style", upper="auto-data")
        found = replace(graph(line(*values), layout=layout), axes=(automatic,))
        assert pixels(found).size
