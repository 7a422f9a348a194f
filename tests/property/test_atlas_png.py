"""What holds for every image: it can be drawn, ticks are round and apart, scales keep the order."""

from __future__ import annotations

import io

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from atlas.expr.instants import parse_zone
from atlas.graph import Axis, Graph, Layout, LegendType, Line, LineStyle, Scale, TickLabels
from atlas.render.png import render_png
from atlas.render.png.scale import ValueScale
from atlas.render.png.time_ticks import time_ticks
from atlas.render.png.value_ticks import value_ticks

LIMIT = 8e307
numbers = st.floats(-LIMIT, LIMIT)
sane = st.one_of(st.floats(-1e9, 1e9), st.floats(-1, 1), st.integers(-100, 100).map(float))
zones = st.sampled_from(
    ["UTC", "US/Pacific", "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe", "-07:30"]
)


@st.composite
def scales(draw, bounds=numbers):
    lower, upper = sorted((draw(bounds), draw(bounds)))
    return ValueScale(draw(st.sampled_from(Scale)), lower, upper)


@st.composite
def graphs(draw):
    count = draw(st.integers(1, 80))
    lines = st.builds(
        Line,
        label=st.text(max_size=30),
        tags=st.just({}),
        values=st.lists(st.floats(), min_size=count, max_size=count).map(np.array),
        color=st.integers(0, 2**32 - 1).map("{:08x}".format),
        style=st.sampled_from(LineStyle),
        width=st.floats(0, 10),
    )
    axes = st.builds(
        Axis,
        number=st.integers(0, 4),
        lines=st.lists(lines, max_size=4).map(tuple),
        ylabel=st.none() | st.text(max_size=30),
        scale=st.sampled_from(Scale),
        lower=st.sampled_from(["auto-style", "auto-data", "-5", "0"]),
        upper=st.sampled_from(["auto-style", "auto-data", "0.001", "1e9"]),
        tick_labels=st.sampled_from(TickLabels),
    )
    step_ms = draw(st.sampled_from([1_000, 60_000, 3_600_000]))
    start_ms = draw(st.integers(-(10**12), 4 * 10**12))
    return Graph(
        start_ms,
        start_ms + count * step_ms,
        step_ms,
        tuple(draw(st.lists(axes, max_size=3))),
        zones=tuple(draw(st.lists(zones, min_size=1, max_size=3))),
        width=draw(st.integers(1, 400)),
        height=draw(st.integers(1, 200)),
        layout=draw(st.sampled_from(Layout)),
        zoom=draw(st.floats(0.1, 2)),
        title=draw(st.none() | st.text(max_size=80)),
        legend=draw(st.sampled_from(LegendType)),
        is_only_graph=draw(st.booleans()),
        theme=draw(st.sampled_from(["light", "dark"])),
        notices=tuple(draw(st.lists(st.text(max_size=60), max_size=2))),
    )


@given(graphs())
def test_every_graph_can_be_drawn(graph):
    image = Image.open(io.BytesIO(render_png(graph)))
    image.load()
    assert image.width >= 32
    assert image.height >= 32


@given(scales(sane), st.integers(2, 40), st.sampled_from(TickLabels))
def test_ticks_are_within_bounds_few_and_told_apart(scale, count_max, mode):
    if scale.upper - scale.lower <= max(abs(scale.lower), abs(scale.upper)) * 1e-12:
        return
    ticks = value_ticks(scale, count_max, mode)
    assert list(ticks.values) == sorted(set(ticks.values))
    assert all(scale.lower <= value <= scale.upper for value in (*ticks.values, *ticks.minor))
    assert len(ticks.values) <= 2 * count_max + 2
    if scale.kind is Scale.LINEAR and mode is not TickLabels.OFF:
        assert len(set(ticks.labels)) == len(ticks.labels)
    if scale.kind is Scale.LINEAR and scale.upper - scale.lower > 1e-200:
        assert ticks.values


@given(scales(), st.integers(2, 40), st.sampled_from(TickLabels))
def test_no_bounds_are_too_odd_for_ticks(scale, count_max, mode):
    ticks = value_ticks(scale, count_max, mode)
    assert len(ticks.labels) == len(ticks.values)


@given(scales(), st.lists(st.floats(allow_nan=False), max_size=20))
def test_scales_keep_the_order(scale, values):
    heights = scale.heights(np.array(sorted(values)))
    assert not np.isnan(heights).any()
    assert (np.diff(np.clip(heights, -1e6, 1e6)) >= 0).all()


@given(scales(sane))
def test_scales_run_from_bound_to_bound(scale):
    low, middle, high = scale.heights(np.array([scale.lower, np.nan, scale.upper])).tolist()
    assert (low, high) in ((0, 1), (0, 0))
    assert np.isnan(middle)


@given(zones, st.integers(-(10**12), 4 * 10**12), st.integers(1_000, 10**12), st.integers(1, 30))
def test_time_ticks_are_in_the_window_and_few(zone, start_ms, length_ms, count_max):
    ticks = time_ticks(start_ms, start_ms + length_ms, parse_zone(zone), count_max)
    instants = list(ticks.instants_ms)
    assert instants == sorted(set(instants))
    assert all(start_ms <= at_ms <= start_ms + length_ms for at_ms in instants)
    assert len(instants) <= 1.3 * count_max + 2
