"""Ticks at which cells end, as tables: how many, how many of them labelled, and their labels."""

from __future__ import annotations

import pytest

from atlas import AtlasError
from atlas.graph import Scale, TickLabels
from atlas.render.heatmap.ticks import CANVAS_HEIGHT_MAX, HEIGHT_PX, cell_ticks

D, B, T = TickLabels.DECIMAL, TickLabels.BINARY, TickLabels.DURATION
YEAR_S = 365 * 86_400.0


def ticks_of(lower, upper, count, scale=Scale.LINEAR, labels=D):
    return cell_ticks(lower, upper, count * HEIGHT_PX, scale, labels)


# The counts and labels that Atlas is known to give.
LINEAR = [
    (0, 100, 5, D, 21, 6, "0.0", "100.0"),
    (1, 2, 7, D, 21, 6, "1.0", "2.0"),
    (0, 8, 5, D, 17, 5, "0.0", "8.0"),
    (0, 7, 5, D, 15, 4, "0.0", "7.0"),
    (0.96, 1, 5, D, 21, 5, "0.96", "1.00"),
    (835, 1068, 5, D, 23, 5, "0.84k", "1.06k"),
    (2026, 2027, 5, D, 21, 6, "0.0", "1.0"),
    (200026.23, 200026.2371654, 5, D, 15, 4, "0.0", "7.0m"),
    (20, 21.8, 5, D, 19, 5, "20.0", "21.8"),
    (-21.8, -20, 5, D, 19, 5, "-21.8", "-20.0"),
    (-2027, -2026, 5, D, 21, 6, "0.0", "1.0"),
    (42, 8.123456e12, 5, D, 16, 4, "0.5T", "8.0T"),
    (2126.4044472658984, 2128.626188548245, 9, D, 22, 7, "100.0m", "2.2"),
    (0, 1.468e-3, 5, D, 15, 5, "0.0m", "1.4m"),
    (4559.9, 4569.9, 5, D, 20, 5, "4.560k", "4.570k"),
    (6.667e-3, 0.01, 7, D, 34, 7, "6.7m", "10.0m"),
    (99.938845, 100, 7, D, 31, 7, "99.94", "100.00"),
    (0, 1.7e308, 5, D, 2, 2, "0.0", " 2e+308"),
    (0, 1, 0, D, 2, 2, "0.0", "1.0"),
    (0, 1024, 5, B, 11, 4, "0", "1000"),
    (0, 7258, 5, B, 15, 4, "0", "7168"),
    (0, 10e3, 5, B, 20, 5, "0Ki", "10Ki"),
    (8e3, 10e3, 5, B, 21, 6, "7.8Ki", "9.8Ki"),
    (8e3, 10e6, 5, B, 19, 4, "512Ki", "9728Ki"),
    (9993, 10079, 5, B, 17, 4, "15", "95"),
    (99912000000.0, 99918000000.0, 5, B, 11, 3, "2048Ki", "7168Ki"),
    (339.86152734763687, 339.87716933873867, 5, B, 2, 2, "0.0", "15.6m"),
    (1e12, 1e12 + 5e6, 5, B, 19, 5, "512Ki", "5120Ki"),
]


@pytest.mark.parametrize(
    ("lower", "upper", "count", "labels", "size", "majors", "first", "last"), LINEAR
)
def test_linear(lower, upper, count, labels, size, majors, first, last):
    ticks = ticks_of(lower, upper, count, labels=labels)
    assert (len(ticks), sum(t.is_major for t in ticks)) == (size, majors)
    assert (ticks[0].label, ticks[-1].label) == (first, last)


# Of durations and other scales every label.
OTHERS = [
    (0, 0.08, 4, Scale.LINEAR, T, "0.0ms · · · 20.0ms · · · 40.0ms · · · 60.0ms · · · 80.0ms"),
    (0, 9, 5, Scale.LINEAR, T, "0.0s · · · 2.0s · · · 4.0s · · · 6.0s · · · 8.0s · ·"),
    (0, 100, 4, Scale.LINEAR, T, "0s · · · 30s · · · 60s · · · 90s ·"),
    (0, 5000, 6, Scale.LINEAR, T, "0m · · · 15m · · · 30m · · · 45m · · · 60m · · · 75m · ·"),
    (0, 3 * 86_400, 4, Scale.LINEAR, T, "0d · · · 1d · · · 2d · · · 3d"),
    (
        0,
        2000 * YEAR_S,
        4,
        Scale.LINEAR,
        T,
        "0.0e+00y · · · 5.0e+02y · · · 1.0e+03y · · · 1.5e+03y · · · 2.0e+03y",
    ),
    (1000, 1000.5, 4, Scale.LINEAR, T, "0.0ms · · · 200.0ms · · · 400.0ms · ·"),
    (100.0, 100.005, 4, Scale.LINEAR, T, "0.000ms · · · 2.000ms · · · 4.000ms · ·"),
    (0.01, 1e5, 8, Scale.LOGARITHMIC, D, "1 10 100 1k 10k 100k"),
    (0, 1e5, 8, Scale.LOGARITHMIC, D, "0 10 100 1k 10k 100k"),
    (0, 50, 4, Scale.LOGARITHMIC, D, "0.0 · · · 20.0 · · · 40.0 · ·"),
    (-3000, -2, 4, Scale.LOGARITHMIC, D, "-1k -100 -10"),
    (-3000, 1e-5, 4, Scale.LOGARITHMIC, D, "-1k -100 -10"),
    (-5000, 20000, 3, Scale.LOGARITHMIC, D, "-1k · · 0 · · 1k ·"),
    (1, 1e12, 3, Scale.LOGARITHMIC, D, "1 · · · 10k · · · 100M · · · 1T"),
    (0, 100, 2, Scale.POWER_2, D, "0.0 · · · · 50.0 · · · · 100.0"),
    (0.9, 12, 13, Scale.LOG_LINEAR, D, "900.0m 1.0 2.0 3.0 4.0 5.0 6.0 7.0 8.0 9.0 10.0"),
    (1, 1e4, 2, Scale.LOG_LINEAR, D, "· · · 10.0 · · · · · 1.0k · · ·"),
    (1, 1e20, 2, Scale.LOG_LINEAR, D, "· 10.0 · · · · · · · · · 100.0G · · · · · · · · ·"),
    (-2, 2, 2, Scale.LOG_LINEAR, D, "-1.0 · · · · · · · · 0.0 · · · · · · · · 1.0"),
]


@pytest.mark.parametrize(("lower", "upper", "count", "scale", "mode", "labels"), OTHERS)
def test_labels(lower, upper, count, scale, mode, labels):
    found = ticks_of(lower, upper, count, scale, mode)
    assert " ".join(t.label if t.is_major else "·" for t in found) == labels


def test_minor_ticks_of_durations_are_even():
    assert [t.value for t in ticks_of(0, 100, 4, labels=T)][:5] == [0, 7.5, 15, 22.5, 30]


@pytest.mark.parametrize("scale", Scale)
@pytest.mark.parametrize("mode", TickLabels)
def test_ticks_ascend_within_the_bounds(scale, mode):
    for lower, upper in ((0, 1), (-3, 2000), (1e-7, 5), (-9, -2), (12345, 12346)):
        for height in (64, 300, 1000):
            values = [t.value for t in cell_ticks(lower, upper, height, scale, mode)]
            assert values == sorted(set(values))
            assert all(lower <= value <= upper for value in values)


def test_gigantic_canvas_has_no_more_ticks_than_a_large_one():
    large = ticks_of(0, 1, CANVAS_HEIGHT_MAX // HEIGHT_PX)
    assert len(large) > 1000
    assert cell_ticks(0, 1, 10**9, Scale.LINEAR, D) == large


@pytest.mark.parametrize(
    ("lower", "upper", "name"), [(0, float("inf"), "upper"), (float("nan"), 1, "lower")]
)
def test_bounds_are_finite(lower, upper, name):
    with pytest.raises(AtlasError, match=f"requirement failed: {name} bound must be finite"):
        ticks_of(lower, upper, 5)
