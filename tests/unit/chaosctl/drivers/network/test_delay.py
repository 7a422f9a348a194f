"""Held frames come out late, in order, and not without bound."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from chaosctl.drivers.network.delay import HeldFrames


def held(delay_s=0.1, jitter_s=0.0, **more):
    return HeldFrames(delay_s, jitter_s, random.Random(1), **more)


def test_a_frame_is_due_after_the_delay_and_not_before():
    frames = held()
    assert frames.next_due_s() is None
    frames.hold(0, b"a", 5.0)
    assert frames.next_due_s() == 5.1
    assert frames.due(5.09) == []
    assert frames.due(5.1) == [(0, b"a")]
    assert frames.due(9.0) == []


def test_what_does_not_fit_is_dropped_and_room_comes_back():
    frames = held(bytes_max=10)
    frames.hold(0, b"x" * 8, 0.0)
    frames.hold(0, b"y" * 3, 0.0)
    assert frames.dropped_count == 1
    assert frames.due(1.0) == [(0, b"x" * 8)]
    frames.hold(0, b"z" * 10, 1.0)
    assert frames.due(float("inf")) == [(0, b"z" * 10)]


@given(
    gaps_ms=st.lists(st.integers(0, 50), min_size=1, max_size=40),
    ways=st.randoms(use_true_random=False),
)
def test_jitter_stays_in_bounds_and_each_way_keeps_its_order(gaps_ms, ways):
    frames, now_s, sent = held(0.1, 0.05), 0.0, []
    for number, gap_ms in enumerate(gaps_ms):
        now_s += gap_ms / 1000
        way = ways.randrange(2)
        frames.hold(way, bytes([number]), now_s)
        sent.append((way, bytes([number]), now_s))
    out = []
    while (due_s := frames.next_due_s()) is not None:
        out += [(way, frame, due_s) for way, frame in frames.due(due_s)]
    assert len(out) == len(sent)
    came = {frame: now for _, frame, now in sent}
    for way in (0, 1):
        assert [f for w, f, _ in out if w == way] == [f for w, f, _ in sent if w == way]
    for _, frame, due_s in out:
        assert 0.05 - 1e-9 <= due_s - came[frame] <= 0.15 + 1e-9
