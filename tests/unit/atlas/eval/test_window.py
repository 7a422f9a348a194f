"""How a time range becomes steps; the examples are the original's."""

from __future__ import annotations

import pytest

from atlas.errors import AtlasError
from atlas.eval.window import graph_window

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


def window(length_ms, *, step_ms=None, width=700, own_ms=60_000, start_ms=0):
    return graph_window(
        start_ms,
        start_ms + length_ms,
        step_ms=step_ms,
        width=width,
        own_step_ms=own_ms,
        block_ms=60 * own_ms,
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


def test_step_that_no_day_holds_is_refused():
    with pytest.raises(AtlasError, match="must be multiple of db step"):
        window(30 * DAY_MS, step_ms=20 * 3_600_000, own_ms=7_000)
