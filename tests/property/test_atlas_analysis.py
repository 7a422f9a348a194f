"""Laws of the analyses that hold for any data."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from atlas.analysis.anomaly import score_anomalies
from atlas.analysis.compare import Difference, compare, decide
from atlas.analysis.forecast import forecast, history_needed
from atlas.analysis.trend import find_change, measure_trend

NUMBERS = st.one_of(st.integers(-9, 9).map(float), st.just(math.nan), st.just(math.inf))
KNOWN = st.integers(-9, 9).map(float)
SEEDS = st.integers(0, 2**32 - 1)
SCALES = st.sampled_from([0.25, 2.0, 1024.0])  # powers of two: no rounding
SHIFTS = st.integers(-1000, 1000).map(float)
POPULATIONS = st.lists(NUMBERS, max_size=12)
SERIES = st.lists(NUMBERS, min_size=1, max_size=30)


def noise(seed: int, count: int, gaps: float = 0.1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 64, count) / 8 + rng.integers(-4, 5, count).cumsum() / 8
    return np.where(rng.random(count) < gaps, np.nan, values)


def same(found: object, wanted: object) -> bool:
    return np.allclose(found, wanted, rtol=1e-9, atol=1e-9, equal_nan=True)


@given(POPULATIONS, POPULATIONS)
def test_comparison_turns_round_with_its_sides(x, y):
    there, back = compare(x, y), compare(y, x)
    assert same(there.p_value, back.p_value)
    assert same(there.shift, -back.shift)
    assert same([there.lower, there.upper], [-back.upper, -back.lower])
    assert same(there.cliffs_delta, -back.cliffs_delta)
    turned = {Difference.HIGHER: Difference.LOWER, Difference.LOWER: Difference.HIGHER}
    said = decide(there, tolerance=1)
    assert decide(back, tolerance=1) is turned.get(said, said)


@given(POPULATIONS, POPULATIONS, SCALES, SHIFTS)
def test_comparison_does_not_depend_on_unit_or_zero(x, y, scale, shift):
    plain = compare(x, y)
    moved = compare(scale * np.array(x) + shift, scale * np.array(y) + shift)
    assert same(moved.p_value, plain.p_value)
    assert same(moved.superiority, plain.superiority)
    assert same(
        [moved.shift, moved.lower, moved.upper],
        [scale * plain.shift, scale * plain.lower, scale * plain.upper],
    )


@given(POPULATIONS, POPULATIONS, st.floats(0, 10), st.floats(0, 10))
def test_wider_tolerance_never_makes_more_of_a_difference(x, y, one, other):
    found = compare(x, y)
    narrow, wide = (decide(found, tolerance=t) for t in sorted((one, other)))
    order = [Difference.HIGHER, Difference.LOWER, Difference.UNCLEAR, Difference.SAME]
    if Difference.TOO_FEW not in (narrow, wide):
        assert order.index(wide) >= order.index(narrow) or wide is narrow


@given(POPULATIONS, POPULATIONS)
def test_comparison_holds_together(x, y):
    found = compare(x, y)
    assert found.control_count + found.control_gaps == len(x)
    assert found.experiment_count + found.experiment_gaps == len(y)
    if found.control_count and found.experiment_count:
        assert found.lower <= found.shift <= found.upper
        assert 0 < found.p_value <= 1
        assert 0 <= found.superiority <= 1
    else:
        assert math.isnan(found.p_value)
        assert decide(found) is Difference.TOO_FEW


@given(st.lists(KNOWN, min_size=4, max_size=12))
def test_population_does_not_differ_from_itself(x):
    found = compare(x, x)
    assert found.p_value > 0.9
    assert found.cliffs_delta == 0
    assert decide(found, tolerance=1e9) is Difference.SAME


@given(SERIES, SCALES, SHIFTS)
def test_change_does_not_depend_on_unit_or_zero_and_turns_with_the_sign(values, scale, shift):
    plain = find_change(values)
    moved = find_change(scale * np.array(values) + shift)
    turned = find_change(-np.array(values))
    assert moved.index == plain.index == turned.index
    assert same(moved.p_value, plain.p_value)
    assert same(turned.p_value, plain.p_value)
    assert same(moved.shift, scale * plain.shift)
    assert same(turned.shift, -plain.shift)


@given(st.lists(NUMBERS, min_size=12, max_size=30), st.integers(0, 29), st.integers(1, 5))
def test_gaps_move_a_change_and_alter_nothing_else(values, place, count):
    plain = find_change(values)
    place = min(place, len(values))
    wider = find_change([*values[:place], *[math.nan] * count, *values[place:]])
    assert same(wider.p_value, plain.p_value)
    assert same(wider.shift, plain.shift)
    if plain.index >= 0:
        assert wider.index == plain.index + (count if place <= plain.index else 0)


@given(SERIES, SCALES, SHIFTS)
def test_trend_turns_with_time(values, scale, shift):
    plain, back = measure_trend(values), measure_trend(values[::-1])
    moved = measure_trend(scale * np.array(values) + shift)
    assert same([plain.tau, plain.p_value, plain.slope], [-back.tau, back.p_value, -back.slope])
    assert same([moved.tau, moved.p_value], [plain.tau, plain.p_value])
    assert same([moved.slope, moved.lower], [scale * plain.slope, scale * plain.lower])


@given(SEEDS, st.integers(1, 4), SCALES, SHIFTS)
def test_score_does_not_depend_on_unit_or_zero(seed, season, scale, shift):
    history, values = noise(seed, 60), noise(seed + 1, 8)
    plain = score_anomalies(history, values, season=season)
    moved = score_anomalies(scale * history + shift, scale * values + shift, season=season)
    assert same(moved, plain)
    assert same(score_anomalies(-history, -values, season=season), -plain)


@given(SEEDS, st.integers(1, 4))
def test_score_grows_with_the_value(seed, season):
    history = noise(seed, 60)
    low, high = (score_anomalies(history, [v] * season, season=season) for v in (3.0, 4.0))
    assert (np.isnan(low) | (low <= high)).all()


@given(SEEDS, st.integers(1, 6), st.integers(1, 8), SCALES, SHIFTS)
def test_band_moves_with_unit_and_zero(seed, season, horizon, scale, shift):
    history = noise(seed, history_needed(horizon, season=season) + 20)
    plain = forecast(history, horizon, season=season)
    moved = forecast(scale * history + shift, horizon, season=season)
    for name in ("centre", "lower", "upper"):
        found, wanted = getattr(moved, name), scale * getattr(plain, name) + shift
        assert np.allclose(found, wanted, rtol=1e-6, atol=1e-6 * scale, equal_nan=True)


@given(SEEDS, st.integers(1, 6), st.integers(1, 8))
def test_band_holds_its_centre_and_a_surer_one_is_wider(seed, season, horizon):
    needed = history_needed(horizon, season=season, confidence=0.99)
    history = noise(seed, needed + 20, gaps=0.02)
    likely, sure = (forecast(history, horizon, season=season, confidence=c) for c in (0.8, 0.99))
    known = ~np.isnan(sure.centre)
    assert (likely.lower <= likely.centre)[known].all()
    assert (sure.lower <= likely.lower + 1e-9)[known].all()
    assert (sure.upper >= likely.upper - 1e-9)[known].all()
