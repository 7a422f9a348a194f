"""Scores against a plain computation; phases, constants and gaps."""

from __future__ import annotations

import statistics

import numpy as np
import pytest

from atlas.analysis.anomaly import THRESHOLD, VALUES_MIN, score_anomalies
from atlas.errors import BadData


def plain_score(history, value):
    middle = statistics.median(history)
    deviations = [abs(v - middle) for v in history]
    return 0.6744897501960817 * (value - middle) / statistics.median(deviations)


def test_score_is_the_modified_z_score():
    rng = np.random.default_rng(1)
    history = rng.normal(50, 5, 41)
    values = [30.0, 50.0, 61.5]
    wanted = [plain_score(history.tolist(), v) for v in values]
    assert score_anomalies(history, values) == pytest.approx(wanted)


def test_each_phase_is_judged_by_its_own_history():
    rng = np.random.default_rng(2)
    season, cycles = 3, 15
    history = rng.normal([10, 100, 1000], [1, 5, 50], (cycles, season)).ravel()[:-1]
    history[4] = np.nan
    values = rng.normal([1000, 10, 100, 1000], 5, (4,))  # the history ends after phase 1
    for i, score in enumerate(score_anomalies(history, values, season=season)):
        phase = history[(len(history) + i) % season :: season]
        known = phase[~np.isnan(phase)].tolist()
        assert score == pytest.approx(plain_score(known, values[i]))


def test_value_usual_at_noon_is_an_anomaly_at_night():
    rng = np.random.default_rng(3)
    level = np.tile([100.0, 10.0], 20)
    history = level + rng.normal(0, 1, 40)
    day, night = score_anomalies(history, [100.0, 100.0], season=2)
    assert abs(day) < THRESHOLD < night
    assert abs(score_anomalies(history, [100.0])[0]) < THRESHOLD


def test_third_of_the_history_may_be_wild():
    rng = np.random.default_rng(4)
    history = rng.normal(10, 1, 60)
    history[20:40] = 1e6
    assert abs(score_anomalies(history, [10.0])[0]) < THRESHOLD < score_anomalies(history, [30])[0]


def test_mostly_constant_history_is_scored_by_its_mean_deviation():
    history = [0.0] * 16 + [4.0] * 4
    spread = (16 * 0 + 4 * 4) / 20 / 0.7978845608028654
    assert score_anomalies(history, [0, 4]) == pytest.approx([0, 4 / spread])


def test_what_differs_from_a_constant_is_infinitely_unusual():
    found = score_anomalies([7.0] * 10, [7.0, 7.5, 6.0, np.nan])
    assert found[:3].tolist() == [0.0, np.inf, -np.inf]
    assert np.isnan(found[3])


def test_phase_with_too_few_values_has_no_score():
    history = np.arange(2.0 * VALUES_MIN)
    history[1] = np.nan
    found = score_anomalies(history, [0.0, 0.0], season=2)
    assert np.isnan(found).tolist() == [False, True]


def test_short_history_is_refused():
    with pytest.raises(BadData, match="a history of 29 steps is too short") as caught:
        score_anomalies(np.zeros(29), [1.0], season=3)
    assert "give at least 30 steps" in str(caught.value)


def test_many_series_are_scored_as_if_alone():
    rng = np.random.default_rng(5)
    history, values = rng.normal(size=(2, 3, 47)), rng.normal(size=(2, 3, 6))
    together = score_anomalies(history, values, season=4)
    for place in np.ndindex(2, 3):
        alone = score_anomalies(history[place], values[place], season=4)
        assert np.array_equal(alone, together[place])


@pytest.mark.parametrize(
    ("count", "most"), [(VALUES_MIN, 0.040), (20, 0.015), (60, 0.004), (600, 0.001)]
)
def test_false_alarms_on_normal_noise_are_as_the_page_says(count, most):
    rng = np.random.default_rng(6)
    scores = score_anomalies(rng.normal(size=(20_000, count)), rng.normal(size=(20_000, 1)))
    assert (np.abs(scores) > THRESHOLD).mean() < most
