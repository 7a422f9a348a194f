"""Change and trend against plain computations; chance, gaps and constants."""

from __future__ import annotations

import itertools
import math
import statistics

import numpy as np
import pytest

from atlas.analysis.trend import (
    CHANGE_VALUES_MIN,
    TREND_STEPS_MAX,
    find_change,
    measure_trend,
)
from atlas.errors import LimitExceeded


def plain_pettitt(values):
    """K and the first step of the new level, by the sum of signs over all pairs."""
    sums = [
        sum(math.copysign(a != b, a - b) for a in values[:k] for b in values[k:])
        for k in range(1, len(values))
    ]
    best = max(range(len(sums)), key=lambda i: abs(sums[i]))
    return abs(sums[best]), best + 1


@pytest.mark.parametrize("seed", range(5))
def test_change_is_where_the_signs_of_all_pairs_say(seed):
    values = np.random.default_rng(seed).integers(0, 9, 30).astype(float)  # with ties
    statistic, index = plain_pettitt(values.tolist())
    found = find_change(values)
    assert (found.statistic, found.index) == (statistic, index)
    assert found.p_value == pytest.approx(min(1, 2 * math.exp(-6 * statistic**2 / (30**3 + 30**2))))
    assert found.before == statistics.median(values[:index].tolist())
    assert found.shift == statistics.median(values[index:].tolist()) - found.before


@pytest.mark.parametrize("count", [CHANGE_VALUES_MIN, 20, 40])
def test_p_value_of_a_change_is_on_the_safe_side(count):
    """By chance alone K is at least this large no more often than p says."""
    found = find_change(np.random.default_rng(1).normal(size=(20_000, count)))
    for level in (0.01, 0.05, 0.2):
        assert (found.p_value <= level).mean() <= level + 0.005


def test_step_in_noise_is_found_where_it_is():
    rng = np.random.default_rng(2)
    values = rng.normal(0, 1, (200, 100))
    values[:, 60:] += 2
    found = find_change(values)
    assert (found.p_value < 0.01).mean() > 0.99
    assert (np.abs(found.index - 60) <= 3).mean() > 0.9
    assert np.median(found.shift) == pytest.approx(2, abs=0.2)


def test_gap_at_the_change_leads_to_the_next_value():
    values = np.array([1, 2, 1, np.nan, 2, 1, 2, 1, np.nan, np.nan, 8, 9, 8, np.inf, 9, 8, 9.0])
    found = find_change(values)
    without = find_change(values[np.isfinite(values)])
    assert (found.index, without.index) == (10, 7)
    assert found.p_value == without.p_value
    assert (found.before, found.after) == (1, 8.5)


def test_constant_has_no_change_and_few_values_have_no_answer():
    found = find_change([np.full(20, 5.0), [*range(CHANGE_VALUES_MIN - 1), *[np.nan] * 10]])
    assert found.index.tolist() == [-1, -1]
    assert found.p_value[0] == 1
    assert np.isnan([found.p_value[1], found.before[1], found.after[1], found.shift[1]]).all()
    short = find_change(np.zeros((2, 3)))
    assert short.index.tolist() == [-1, -1]
    assert np.isnan(short.p_value).all()


def test_fewest_values_suffice_for_the_clearest_step_and_fewer_do_not():
    assert find_change(range(CHANGE_VALUES_MIN)).p_value < 0.05
    fewer = CHANGE_VALUES_MIN - 1
    statistic, _ = plain_pettitt(range(fewer))
    assert 2 * math.exp(-6 * statistic**2 / (fewer**3 + fewer**2)) > 0.05


def test_steady_rise_is_a_change_of_level_too():
    """What the page warns of."""
    assert find_change(np.arange(60.0)).p_value < 0.001


@pytest.mark.parametrize("seed", range(3))
def test_slope_is_the_median_of_all_pairs(seed):
    values = np.random.default_rng(seed).normal(size=20).cumsum()
    values[[3, 11]] = np.nan
    known = [(i, v) for i, v in enumerate(values.tolist()) if not math.isnan(v)]
    slopes = [(b - a) / (j - i) for (i, a), (j, b) in itertools.combinations(known, 2)]
    found = measure_trend(values)
    assert found.slope == pytest.approx(statistics.median(slopes))
    concordance = sum(math.copysign(1, slope) for slope in slopes)
    assert found.tau == pytest.approx(concordance / len(slopes))
    assert found.lower <= found.slope <= found.upper


def test_p_value_of_a_trend_is_the_share_of_orders_that_are_as_steady():
    values = [3.0, 1.0, 4.0, 6.0, 5.0, 9.0]

    def steadiness(order):
        pairs = itertools.combinations(order, 2)
        return abs(sum(math.copysign(1, b - a) for a, b in pairs))

    as_steady = [
        steadiness(order) >= steadiness(values) for order in itertools.permutations(values)
    ]
    assert measure_trend(values).p_value == pytest.approx(sum(as_steady) / len(as_steady))


def test_trend_in_noise_is_found_and_noise_is_none():
    noise = np.random.default_rng(3).normal(size=(300, 60))
    assert (measure_trend(noise).p_value < 0.05).mean() < 0.09
    rising = measure_trend(noise + 0.05 * np.arange(60))
    assert (rising.p_value < 0.05).mean() > 0.99
    assert ((rising.lower <= 0.05) & (rising.upper >= 0.05)).mean() > 0.91


def test_trend_of_a_constant_is_flat_and_of_few_values_unknown():
    found = measure_trend([[2.0] * 9, [1, 2, 3, 4, *[np.nan] * 5]])
    assert (found.tau[0], found.p_value[0], found.slope[0]) == (0, 1, 0)
    assert np.isnan([found.tau[1], found.slope[1], found.upper[1]]).all()


def test_too_many_steps_are_refused():
    with pytest.raises(LimitExceeded, match="too many pairs"):
        measure_trend(np.zeros(TREND_STEPS_MAX + 1))
