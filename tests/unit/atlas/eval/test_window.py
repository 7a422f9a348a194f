"""How a time range becomes steps; the examples are the original's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.eval.window import graph_window, readable_step

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


def window(length_ms, *, step_ms=None, width=700, own_ms=60_000, start_ms=0):
    return graph_window(
        start_ms,
        start_ms + length_ms,
        step_ms=step_ms,
        width=width,
        own_step_ms=own_ms,
    )


@pytest.mark.parametrize(
    ("length_ms", "width", "own_ms", "step_ms"),
    [
        (3 * HOUR_MS, 700, 60_000, 60_000),
        (12 * HOUR_MS, 700, 60_000, 120_000),
        (DAY_MS, 700, 60_000, 180_000),
        (DAY_MS, 1600, 60_000, 60_000),
        (14 * DAY_MS, 700, 60_000, 1_800_000),
        (HOUR_MS // 2, 700, 10_000, 10_000),
        (300_000, 1440, 1000, 1000),
    ],
)
def test_step_is_long_enough_for_the_width(length_ms, width, own_ms, step_ms):
    assert window(length_ms, width=width, own_ms=own_ms).step_ms == step_ms


def test_first_step_of_the_window_is_one_more_than_is_shown():
    context = window(300_000, start_ms=600_000)
    assert (context.start_ms, context.end_ms, context.step_count) == (600_000, 960_000, 6)


def test_ends_are_rounded_down_and_a_single_instant_gets_one_step():
    context = window(0, start_ms=610_000)
    assert (context.start_ms, context.end_ms) == (540_000, 660_000)


@pytest.mark.parametrize(
    ("asked_ms", "step_ms"), [(61_000, 120_000), (420_000, 600_000), (1, 60_000)]
)
def test_step_asked_for_is_rounded_up_to_a_readable_one(asked_ms, step_ms):
    assert window(5 * HOUR_MS, step_ms=asked_ms).step_ms == step_ms


SECOND_MS, MINUTE_MS = 1000, 60_000
RANGES_MS = {
    "5 min": 5 * MINUTE_MS,
    "15 min": 15 * MINUTE_MS,
    "1 h": HOUR_MS,
    "3 h": 3 * HOUR_MS,
    "12 h": 12 * HOUR_MS,
    "1 d": DAY_MS,
    "7 d": 7 * DAY_MS,
    "30 d": 30 * DAY_MS,
}
STEPS_S = {  # store's step, width: the step of a graph of each range, in seconds
    (1, 300): (1, 3, 12, 60, 180, 300, 3600, 10_800),
    (1, 700): (1, 2, 6, 20, 120, 180, 900, 7200),
    (1, 2000): (1, 1, 3, 10, 30, 60, 600, 1800),
    (5, 300): (5, 5, 15, 60, 180, 300, 3600, 10_800),
    (5, 700): (5, 5, 10, 20, 120, 180, 900, 7200),
    (5, 2000): (5, 5, 5, 10, 30, 60, 600, 1800),
    (10, 300): (10, 10, 20, 60, 180, 300, 3600, 10_800),
    (10, 700): (10, 10, 10, 20, 120, 180, 900, 7200),
    (10, 2000): (10, 10, 10, 10, 30, 60, 600, 1800),
    (60, 300): (60, 60, 60, 60, 180, 300, 3600, 10_800),
    (60, 700): (60, 60, 60, 60, 120, 180, 900, 7200),
    (60, 2000): (60, 60, 60, 60, 60, 60, 600, 1800),
}


@pytest.mark.parametrize(("own_s", "width"), STEPS_S)
def test_step_of_every_range_that_a_dashboard_offers(own_s, width):
    found = [
        window(length_ms, width=width, own_ms=own_s * SECOND_MS).step_ms // SECOND_MS
        for length_ms in RANGES_MS.values()
    ]
    assert dict(zip(RANGES_MS, found, strict=True)) == dict(
        zip(RANGES_MS, STEPS_S[own_s, width], strict=True)
    )


@pytest.mark.parametrize("own_s", [1, 5, 10, 60])
def test_step_that_a_dashboard_asks_for_is_given(own_s):
    asked_s = [1, 5, 10, 15, 30, *(60 * n for n in (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60, 720))]
    for step_s in (s for s in asked_s if s % own_s == 0):
        assert readable_step(step_s * SECOND_MS, own_s * SECOND_MS) == step_s * SECOND_MS


@given(st.integers(1, 5000), st.integers(1, 10**9))
def test_step_is_a_multiple_of_the_stores_and_not_much_longer_than_asked_for(own_s, asked_s):
    own_ms, asked_ms = own_s * SECOND_MS, max(asked_s, own_s) * SECOND_MS
    found_ms = readable_step(asked_ms, own_ms)
    assert found_ms % own_ms == 0
    assert found_ms >= asked_ms
    if asked_ms <= 12 * HOUR_MS and own_s in {1, 5, 10, 60, 7, 45, 90, 3600}:
        assert found_ms <= 2 * asked_ms
