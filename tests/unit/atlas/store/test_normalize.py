"""Samples to steps: the worked examples of the reference, and the kinds side by side."""

from __future__ import annotations

import numpy as np
import pytest

from atlas.store.normalize import COUNTER, GAUGE, RATE, SUM, Normalizer


class Written:
    """A sink that remembers what stands in each step of one row."""

    def __init__(self):
        self.steps = {}

    def put(self, rows, times_ms, values):
        self.steps |= dict(zip(times_ms.tolist(), values.tolist(), strict=True))

    def put_max(self, rows, times_ms, values):
        for t, v in zip(times_ms.tolist(), values.tolist(), strict=True):
            self.steps[t] = max(v, self.steps.get(t, v))

    def put_sum(self, rows, times_ms, values):
        for t, v in zip(times_ms.tolist(), values.tolist(), strict=True):
            self.steps[t] = v + self.steps.get(t, 0.0)

    def put_if_absent(self, rows, times_ms, values):
        for t, v in zip(times_ms.tolist(), values.tolist(), strict=True):
            self.steps.setdefault(t, v)


def normalized(kind, step_ms, samples):
    normalizer, sink = Normalizer(step_ms), Written()
    normalizer.grow(8)
    normalizer.start(3, kind)
    for time_ms, value in samples:
        row, time, number = np.array([3], np.int32), np.array([time_ms]), np.array([float(value)])
        normalizer.update(kind, row, time, number, sink=sink)
    return sink.steps


def seconds(samples):
    return [(t * 1000, v) for t, v in samples]


@pytest.mark.parametrize(
    ("kind", "step_ms", "samples", "expected"),
    [
        pytest.param(
            RATE,
            60_000,
            seconds([(30, 4), (90, 2), (150, 8), (210, 6)]),
            {0: 2, 60_000: 3, 120_000: 5, 180_000: 7},
            id="rate half way between boundaries",
        ),
        pytest.param(
            RATE,
            60_000,
            seconds([(10, 1), (20, 5), (30, 90), (40, 5), (50, 4), (60, 2)]),
            {0: 0.8333333333333334, 60_000: 17.833333333333332},
            id="rate six times a step",
        ),
        pytest.param(RATE, 10, [(10, 1), (20, 1), (40, 1)], {10: 1, 20: 1, 40: 1}, id="rate gap"),
        pytest.param(RATE, 10, [(20, 1), (10, 5), (20, 9)], {20: 1, 10: 5}, id="rate late"),
        pytest.param(RATE, 10, [(20, 1), (25, 5), (13, 7)], {20: 1}, id="rate late, off boundary"),
        pytest.param(
            COUNTER, 10, [(10, 0), (20, 1), (40, 2)], {20: 100, 30: 50, 40: 50}, id="counter"
        ),
        pytest.param(
            COUNTER,
            60_000,
            seconds([(0, 9), (60, 3), (120, 63), (60, 99)]),
            {60_000: 0, 120_000: 1},
            id="counter reset gives one zero, late is ignored",
        ),
        pytest.param(GAUGE, 10, [(11, 3), (15, 5), (20, 4), (21, 1)], {20: 5, 30: 1}, id="gauge"),
        pytest.param(SUM, 10, [(11, 3), (15, 5), (20, 4), (21, 1)], {20: 12, 30: 1}, id="sum"),
    ],
)
def test_samples_become_steps(kind, step_ms, samples, expected):
    assert normalized(kind, step_ms, samples) == pytest.approx(expected)


def test_row_handed_out_again_starts_anew():
    normalizer, sink = Normalizer(10), Written()
    normalizer.grow(1)
    row = np.array([0], np.int32)
    normalizer.start(0, RATE)
    normalizer.update(RATE, row, np.array([15]), np.array([8.0]), sink=sink)
    normalizer.start(0, RATE)
    normalizer.update(RATE, row, np.array([10]), np.array([1.0]), sink=sink)
    assert sink.steps == {10: 1.0}


def test_counter_between_its_samples_is_counting():
    normalizer, sink = Normalizer(10), Written()
    normalizer.grow(2)
    row = np.array([1], np.int32)
    normalizer.start(1, COUNTER)
    normalizer.update(COUNTER, row, np.array([20]), np.array([8.0]), sink=sink)
    assert normalizer.is_counting(row, 20).tolist() == [True]
    assert normalizer.is_counting(row, 21).tolist() == [False]
