"""Sizes, limits and odd data of whole images."""

from __future__ import annotations

import io
import math
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from atlas import BadData
from atlas.graph import (
    Axis,
    Graph,
    Layout,
    LegendType,
    Line,
    LineStyle,
    Scale,
)
from atlas.render.png import error_png, render_png
from atlas.render.png.theme import LIGHT

STEP_MS = 60_000
nan, inf = math.nan, math.inf


def graph(
    values=(1.0, 2.0, 3.0, 2.0), style=LineStyle.LINE, label="a", scale=Scale.LINEAR, **given
):
    count = len(values)
    line = Line(label, {}, np.array(values, dtype=float), "ffc80064", style)
    axis = Axis(0, (line,), scale=scale, lower=given.pop("lower", "auto-style"))
    return Graph(0, count * STEP_MS, STEP_MS, (axis,), **given)


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def size(png: bytes) -> tuple[int, int]:
    return Image.open(io.BytesIO(png)).size


def has(image: np.ndarray, rgb: tuple[int, int, int]) -> bool:
    return bool((image == rgb).all(axis=2).any())


def canvas_size(image: np.ndarray) -> tuple[int, int]:
    """Width and height of the box around everything that has the colour of the canvas."""
    rows, columns = np.nonzero((image == LIGHT.canvas).all(axis=2))
    return int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1


def test_size_is_that_of_the_canvas():
    found = pixels(render_png(graph([nan] * 7, width=321, height=123, legend=LegendType.OFF)))
    assert canvas_size(found) == (321, 123)
    assert found.shape[1] > 321
    assert found.shape[0] > 123


@pytest.mark.parametrize("zoom", [0.5, 1.0, 1.5, 2.0])
def test_size_is_that_of_the_image(zoom):
    given = {"width": 400, "height": 200, "zoom": zoom, "title": "a title"}
    image = size(render_png(graph(**given, layout=Layout.IMAGE)))
    wide = size(render_png(graph(**given, layout=Layout.IMAGE_WIDTH)))
    high = size(render_png(graph(**given, layout=Layout.IMAGE_HEIGHT)))
    assert image == (400 * zoom, 200 * zoom)
    assert wide[0] == 400 * zoom < high[0]
    assert high[1] == 200 * zoom < wide[1]
    assert size(render_png(graph(**given, is_only_graph=True))) == image


def test_what_has_no_room_is_left_out_of_a_fixed_size():
    assert size(render_png(graph(width=90, height=70, layout=Layout.IMAGE))) == (90, 70)


def test_sizes_are_limited_and_the_image_says_so():
    found = pixels(render_png(graph(width=5000, height=5000, zoom=0.5)))
    assert found.shape[1] < 1100
    assert has(found, LIGHT.warning)
    assert size(render_png(graph(width=1, height=1, is_only_graph=True))) == (64, 64)
    assert size(render_png(graph(zoom=9, is_only_graph=True))) == (1400, 600)


@pytest.mark.parametrize(("given", "is_warned"), [({}, False), ({"notices": ("n",)}, True)])
def test_what_is_missing_is_said(given, is_warned):
    assert has(pixels(render_png(graph(**given))), LIGHT.warning) is is_warned


def test_a_sixth_axis_is_left_out_with_a_notice():
    axes = tuple(Axis(n, graph().axes[0].lines) for n in range(6))
    found = Graph(0, 4 * STEP_MS, STEP_MS, axes)
    assert has(pixels(render_png(found)), LIGHT.warning)


def test_values_stand_where_they_belong():
    """Half of the scale is half of the height, for the time before the value's instant."""
    given = {"lower": "0", "width": 100, "height": 101, "is_only_graph": True}
    found = pixels(render_png(graph([0.0, 10.0], **given)))
    is_line = (found == (0xC8, 0, 0x64)).all(axis=2)
    assert np.flatnonzero(is_line[:, 10]).tolist() == [100]
    assert np.flatnonzero(is_line[:, 90]).tolist() == [4]  # there is a little room above it
    assert np.flatnonzero(is_line[:, 50]).tolist() == list(range(4, 101))


ODD = {
    "no-steps": [],
    "all-gaps": [nan] * 60,
    "one-step": [5],
    "one-point": [nan] * 30 + [5] + [nan] * 29,
    "infinities": [1, inf, 2, -inf, nan, inf],
    "only-infinities": [inf, -inf],
    "constant": [5] * 60,
    "zeros": [0] * 60,
    "huge": [-1e300, 1e300],
    "the-hugest": [-1.7e308, 1.7e308],
    "tiny": [1e-300, 2e-300],
    "the-tiniest": [0, 5e-324],
    "negative": [-1, -20, -3],
    "next-to-each-other": [1, 1 + 2**-52],
    "many": list(range(1440)),
}


@pytest.mark.parametrize("scale", Scale)
@pytest.mark.parametrize("style", LineStyle)
@pytest.mark.parametrize("name", ODD)
def test_odd_data_makes_an_image(name, style, scale):
    found = graph(ODD[name], style=style, scale=scale, width=64, height=64)
    assert size(render_png(found)) > (64, 64)


def test_no_axes_and_no_end_of_labels():
    assert size(render_png(Graph(0, STEP_MS, STEP_MS))) > (700, 300)
    long = "m" * 100_000 + "\n\x00"
    assert size(render_png(graph(label=long, title=long, notices=(long,)))) > (700, 300)


def test_an_unknown_zone_is_an_error():
    with pytest.raises(BadData, match="Unknown time-zone ID: Mars/Phobos"):
        render_png(graph(zones=("Mars/Phobos",)))


@pytest.mark.parametrize("theme", ["light", "dark", "of a request that is in error"])
@pytest.mark.parametrize("wanted", [(700, 300), (0, -5), (99_999, 99_999)])
def test_errors_are_images_of_an_allowed_size(theme, wanted):
    png = error_png("IllegalArgumentException: no\n\nsuch thing", *wanted, theme)
    width, height = size(png)
    assert 64 <= width <= 2000
    assert 64 <= height <= 1000
    assert len(np.unique(pixels(png)[..., 0])) > 3


def test_pillow_is_loaded_with_the_first_image():
    code = "import sys, atlas.render.png; sys.exit('PIL' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0
