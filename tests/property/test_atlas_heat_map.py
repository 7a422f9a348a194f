"""What holds for every heat map: nothing that lies within its bounds is lost or counted twice."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from atlas.expr.sketch_expr import BUCKET_BOUNDS
from atlas.graph import Axis, Graph, HeatMapOptions, Layout, Line, LineStyle, Scale, TickLabels
from atlas.render import as_v2
from atlas.render.heatmap import heat_map
from atlas.render.png import render_png

LARGE = 1.7e308
sane = st.one_of(st.floats(-1e9, 1e9), st.floats(-1, 1), st.integers(-100, 100).map(float))
bounds = st.just("auto-style") | st.just("auto-data") | sane.map(str)
options = st.builds(
    HeatMapOptions,
    scale=st.sampled_from(Scale),
    lower=st.just("auto-style") | st.floats(0, 10).map(str) | st.floats(-LARGE, LARGE).map(str),
    upper=st.just("auto-style") | st.floats(0, 10).map(str) | st.floats(0, LARGE).map(str),
    colors=st.just(()) | st.just(("ff000000", "ffffffff")),
)


@st.composite
def axes(draw, values):
    count = draw(st.integers(1, 20))
    lines = st.builds(
        Line,
        label=st.just(""),
        tags=st.just({}) | st.integers(0, len(BUCKET_BOUNDS) - 1).map(bucket_tags),
        values=st.lists(values, min_size=count, max_size=count).map(np.array),
        style=st.just(LineStyle.HEATMAP),
    )
    return Axis(
        0,
        tuple(draw(st.lists(lines, min_size=1, max_size=5))),
        scale=draw(st.sampled_from(Scale)),
        lower=draw(bounds),
        upper=draw(st.sampled_from(["auto-style", "auto-data"])),
        tick_labels=draw(st.sampled_from(TickLabels)),
        heat_map=draw(options),
    )


def bucket_tags(bucket):
    return {"percentile": f"T{bucket:04X}"}


heights = st.integers(1, 1200)


@given(axes(st.one_of(sane, st.floats())), heights)
def test_values_within_the_bounds_are_counted_once(axis, height):
    plain = tuple(Line("", {}, line.values, style=line.style) for line in axis.lines)
    found = heat_map(Axis(0, plain, scale=axis.scale, lower=axis.lower), height)
    values = np.stack([line.values for line in plain])
    inside = (values >= found.edges[0]) & (values <= found.edges[-1])
    np.testing.assert_array_equal(found.counts.sum(axis=1), inside.sum(axis=0))


@given(st.lists(st.tuples(st.integers(0, 150), st.floats(0, 1e6)), min_size=1), heights)
def test_rates_of_buckets_are_spread_without_loss(rates, height):
    lines = tuple(
        Line("", bucket_tags(bucket), np.array([rate, rate / 2]), style=LineStyle.HEATMAP)
        for bucket, rate in rates
    )
    total = sum(rate for _, rate in rates)
    counts = heat_map(Axis(0, lines), height).counts
    np.testing.assert_allclose(counts.sum(axis=1), [total, total / 2], rtol=1e-9, atol=1e-12)


@given(axes(st.one_of(sane, st.floats())), heights)
def test_every_count_has_a_color(axis, height):
    found = heat_map(axis, height)
    indexes = found.color_indexes()
    assert ((indexes >= 0) == (found.counts > 0)).all()
    assert indexes.max() < len(found.colors)
    assert len(found.color_scale.bounds()) == len(found.colors) + 1
    assert (found.edges[1:] >= found.edges[:-1]).all()


@given(axes(st.one_of(sane, st.floats())), heights, st.sampled_from(Layout))
def test_every_heat_map_can_be_answered(axis, height, layout):
    count = len(axis.lines[0].values)
    graph = Graph(0, count * 60_000, 60_000, (axis,), width=99, height=height, layout=layout)
    assert Image.open(io.BytesIO(render_png(graph))).size > (31, 31)
    items = json.loads(as_v2.render(replace(graph, hints=("no-image",))))
    (cells,) = [item["data"]["values"] for item in items if item["type"] == "heatmap"]
    assert len(cells) == count
