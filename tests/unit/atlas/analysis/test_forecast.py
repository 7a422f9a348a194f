"""What the band holds, when it is refused, and what gaps do to it."""

from __future__ import annotations

import numpy as np
import pytest

from atlas.analysis.forecast import forecast, history_needed
from atlas.errors import BadData

STEPS = np.arange(400.0)
SEASON = 12


def season_and_line(steps):
    return 20 + 0.1 * steps + 5 * np.sin(2 * np.pi * steps / SEASON)


@pytest.mark.parametrize("horizon", [1, 7, 40])
@pytest.mark.parametrize("season", [1, 7, 24])
@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.99])
def test_history_is_refused_when_a_step_too_short(horizon, season, confidence):
    needed = history_needed(horizon, season=season, confidence=confidence)
    noise = np.random.default_rng(1).normal(size=needed)
    options = {"season": season, "confidence": confidence}
    assert np.isfinite(forecast(noise, horizon, **options).upper).all()
    with pytest.raises(BadData, match=f"a history of {needed - 1} steps is too short") as caught:
        forecast(noise[1:], horizon, **options)
    assert f"give at least {needed} steps" in str(caught.value)


def test_line_and_season_go_on():
    band = forecast(season_and_line(STEPS), 30, season=SEASON)
    wanted = season_and_line(np.arange(400, 430))
    assert band.centre == pytest.approx(wanted, abs=1e-9)
    assert band.upper - band.lower == pytest.approx(np.zeros(30), abs=1e-9)


def test_each_series_is_forecast_as_if_alone():
    values = np.random.default_rng(2).normal(10, 2, (2, 3, 120)).cumsum(axis=-1)
    values[0, 1, :15] = np.nan  # starts late
    together = forecast(values, 5, season=6)
    assert together.centre.shape == (2, 3, 5)
    for place in np.ndindex(2, 3):
        alone = forecast(values[place], 5, season=6)
        assert np.array_equal(alone.centre, together.centre[place])
        assert np.array_equal(alone.upper, together.upper[place])


def test_many_series_are_forecast_in_parts(monkeypatch):
    values = np.random.default_rng(3).normal(size=(5, 60))
    whole = forecast(values, 3)
    monkeypatch.setattr("atlas.analysis.forecast._CELLS_MAX", 60 * 12 * 2)
    assert np.array_equal(forecast(values, 3).upper, whole.upper)


def test_series_that_starts_late_is_forecast_as_if_it_began_there():
    values = season_and_line(STEPS) + np.random.default_rng(4).normal(size=400)
    late = np.concatenate([np.full(31, np.nan), values])
    found, wanted = (forecast(v, 8, season=SEASON) for v in (late, values))
    assert found.centre == pytest.approx(wanted.centre, abs=1e-9)
    assert found.upper == pytest.approx(wanted.upper, abs=1e-9)


def test_gaps_change_little_and_infinities_are_gaps():
    values = season_and_line(STEPS)
    holes = np.random.default_rng(5).random(400) < 0.2
    band = forecast(np.where(holes, np.nan, values), 24, season=SEASON)
    assert band.centre == pytest.approx(season_and_line(np.arange(400, 424)), abs=0.3)
    same = forecast(np.where(holes, np.inf, values), 24, season=SEASON)
    assert np.array_equal(band.upper, same.upper)


def test_series_with_too_little_data_has_no_band_and_others_do():
    values = np.random.default_rng(6).normal(size=(4, 60))
    values[1] = np.nan
    values[2, 30:] = np.nan
    values[3, ::2] = np.nan
    band = forecast(values, 4)
    for part in (band.centre, band.lower, band.upper):
        assert np.isfinite(part[0]).all()
        assert np.isnan(part[1:3]).all()
        assert np.isnan(part[3]).tolist() == [False, False, False, True]  # one error too few


def test_band_never_narrows_with_distance():
    walks = np.random.default_rng(7).normal(size=(20, 120)).cumsum(axis=-1)
    band = forecast(walks, 20)
    width = band.upper - band.lower
    assert (np.diff(width, axis=-1) >= -1e-9).all()
    assert (width[:, -1] > width[:, 0]).all()


@pytest.mark.parametrize(
    ("make", "least"),
    [
        (lambda rng, shape: rng.normal(size=shape), 0.93),
        (lambda rng, shape: rng.poisson(5, shape).astype(float), 0.93),
        (lambda rng, shape: rng.normal(size=shape) + 0.1 * np.arange(shape[1]), 0.93),
        (lambda rng, shape: rng.standard_t(3, shape), 0.93),
        (lambda rng, shape: rng.normal(size=shape).cumsum(axis=1), 0.89),
    ],
    ids=["normal", "poisson", "line", "heavy-tails", "random-walk"],
)
def test_band_holds_the_share_it_promises(make, least):
    horizon = 10
    history = 4 * history_needed(horizon)
    values = make(np.random.default_rng(8), (300, history + horizon))
    band = forecast(values[:, :history], horizon)
    new = values[:, history:]
    inside = ((new >= band.lower) & (new <= band.upper)).mean()
    assert least <= inside <= 0.98


def test_loss_of_half_is_outside():
    rng = np.random.default_rng(9)
    history = 100 + 20 * np.sin(2 * np.pi * STEPS / 60) + rng.normal(0, 3, 400)
    band = forecast(history, 20, season=60)
    new = 100 + 20 * np.sin(2 * np.pi * np.arange(400, 420) / 60)
    assert (new >= band.lower).all()
    assert (new / 2 < band.lower).all()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"horizon": 0}, "horizon must be at least 1: 0"),
        ({"horizon": 1, "season": 0}, "season must be at least 1: 0"),
        ({"horizon": 1, "confidence": 1.0}, "confidence 1.0 is not between 0 and 1"),
    ],
)
def test_nonsense_is_refused(options, text):
    with pytest.raises(BadData, match=text):
        forecast(STEPS, **options)


def test_number_without_time_is_refused():
    with pytest.raises(BadData, match="no time axis"):
        forecast(3.0, 1)
