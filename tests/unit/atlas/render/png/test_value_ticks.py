"""Ticks of value axes as tables: round numbers, and labels that tell them apart."""

from __future__ import annotations

import pytest

from atlas.graph import Scale, TickLabels
from atlas.render.png.scale import ValueScale
from atlas.render.png.tick_labels import labels_in_one_unit
from atlas.render.png.value_ticks import value_ticks

D, B, T = TickLabels.DECIMAL, TickLabels.BINARY, TickLabels.DURATION
MI, DAY = 1024.0**2, 86_400.0

LINEAR = [
    (0, 1, 5, D, "0 0.2 0.4 0.6 0.8 1.0"),
    (0, 10, 5, D, "0 2 4 6 8 10"),
    (-7, 7, 4, D, "-5 0 5"),
    (0, 1200, 6, D, "0 0.2k 0.4k 0.6k 0.8k 1.0k 1.2k"),
    (999_990, 1_000_010, 4, D, "999990 999995 1000000 1000005 1000010"),
    (0, 0.003, 4, D, "0 1m 2m 3m"),
    (0, 2e30, 4, D, "0 5.0e+29 1.0e+30 1.5e+30 2.0e+30"),
    (0, 3e-200, 3, D, "0 1e-200 2e-200 3e-200"),
    (1, 1 + 2**-48, 2, D, "1.000000000000000 1.000000000000002"),
    (56, 148, 2, D, "100"),
    (0, 3 * MI, 4, B, "0 1Mi 2Mi 3Mi"),
    (0, 0.9 * MI, 4, B, "0 256Ki 512Ki 768Ki"),
    (0, 1.2 * MI, 5, B, "0 0.25Mi 0.50Mi 0.75Mi 1.00Mi"),
    (0, 0.5, 3, B, "0 200m 400m"),
    (0, 0.08, 4, T, "0 20ms 40ms 60ms 80ms"),
    (0, 9, 5, T, "0 2s 4s 6s 8s"),
    (0, 100, 4, T, "0 0.5m 1.0m 1.5m"),
    (0, 5000, 6, T, "0 15m 30m 45m 60m 75m"),
    (0, 3 * DAY, 4, T, "0 1d 2d 3d"),
    (0, 900 * DAY, 4, T, "0 1y 2y"),
]


@pytest.mark.parametrize(("lower", "upper", "count", "mode", "labels"), LINEAR)
def test_linear(lower, upper, count, mode, labels):
    found = value_ticks(ValueScale(Scale.LINEAR, lower, upper), count, mode)
    assert " ".join(found.labels) == labels
    assert all(lower <= value <= upper for value in (*found.values, *found.minor))


OTHERS = [
    (Scale.LOGARITHMIC, 0.01, 1e5, 8, "10m 100m 1 10 100 1k 10k 100k"),
    (Scale.LOGARITHMIC, 30, 70, 4, "30 40 50 60 70"),
    (Scale.LOGARITHMIC, 1e-200, 1e200, 5, "1e-200 1e-100 1 1e+100 1e+200"),
    (Scale.LOGARITHMIC, -1000, 1000, 7, "-1k -100 -10 0 10 100 1k"),
    (Scale.LOG_LINEAR, 0, 1000, 6, "0 5 10 50 100 500 1k"),
    (Scale.POWER_2, 0, 100, 5, "0 40 60 80 100"),
    (Scale.SQRT, 0, 100, 8, "0 20 40 60 80 100"),
]


@pytest.mark.parametrize(("kind", "lower", "upper", "count", "labels"), OTHERS)
def test_other_scales(kind, lower, upper, count, labels):
    found = value_ticks(ValueScale(kind, lower, upper), count, D)
    assert " ".join(found.labels) == labels


def test_an_axis_without_labels_keeps_its_ticks():
    found = value_ticks(ValueScale(Scale.LINEAR, 0, 10), 5, TickLabels.OFF)
    assert found.values == (0, 2, 4, 6, 8, 10)
    assert set(found.labels) == {""}


def test_nothing_to_label_is_no_label():
    assert labels_in_one_unit([], 1.0, D) == []
