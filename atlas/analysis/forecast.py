"""A forecast with a band: additive Holt–Winters, as wide as its own errors have been.

Holt–Winters keeps a level, a trend per step and a value per phase of the season, and corrects all
three by the error of its forecast for the next step. A gap has no error: it changes nothing but
the time. Nobody has to choose how fast it learns: of a small grid of weights each series takes
those that would have forecast its history best, as many steps ahead as is asked.

The band assumes no distribution. Standing at every past step, the method forecasts what is known
by now; h steps ahead the band is as wide as all but 5 % of those errors were, rounded so that a
new error of the same kind lies inside with at least the confidence asked for.

Sources: Holt (1957) and Winters (1960) as in Hyndman & Athanasopoulos, Forecasting: Principles and
Practice, 3rd ed., §8.2–8.3 (component form); the damped trend of Gardner & McKenzie (1985). The
rank of the band's error is that of split conformal prediction: Lei et al. (2018), Distribution-Free
Predictive Inference for Regression, JASA 113, §2.2.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from atlas.analysis.arrays import FloatArray, IntArray, as_share, as_values, at_least
from atlas.errors import BadData

WARM_UP_STEPS = 10
"""At least so many steps, and whole seasons, make one of the two stretches that a start needs."""

LEVEL_WEIGHTS = (0.03, 0.1, 0.3, 0.9)
TRENDS = ((0.0, 0.0), (0.05, 1.0), (0.2, 1.0))
"""Weight of the trend and its damping: none, slow, quick."""
SEASON_WEIGHTS = (0.0, 0.1, 0.3)

_CELLS_MAX = 1 << 22


@dataclass(frozen=True, slots=True)
class Band:
    """What to expect of the steps after a history; each array has shape (…, horizon).

    NaN where the history of a series has too many gaps to say.
    """

    centre: FloatArray
    lower: FloatArray
    upper: FloatArray


@dataclass(frozen=True, slots=True)
class Weights:
    """How much of an error each part takes over, 0…1; `trend` is a share of what the level takes.

    damping: what is left of the trend after a step: 1 keeps it, 0 is no trend at all.
    """

    level: FloatArray | float
    trend: FloatArray | float = 0.0
    season: FloatArray | float = 0.0
    damping: FloatArray | float = 1.0


@dataclass(frozen=True, slots=True)
class States:
    """What is known after each number of steps, none included.

    level, trend: shape (…, steps + 1). season: shape (…, phases + steps), by the step for which
    the value was found; the first are those of the season before the first step.
    """

    level: FloatArray
    trend: FloatArray
    season: FloatArray


def history_needed(horizon: int, *, season: int = 1, confidence: float = 0.95) -> int:
    """Steps of history that `forecast` needs: to start from, and for enough errors to rank.

    >>> history_needed(10), history_needed(10, season=60)
    (49, 149)
    """
    return 2 * _cycle(season) + horizon + max(_errors_needed(confidence), 2 * horizon) - 1


def forecast(
    history: npt.ArrayLike, horizon: int, *, season: int = 1, confidence: float = 0.95
) -> Band:
    """What to expect of the `horizon` steps after the history.

    history: shape (…, steps); NaN is a gap. season: steps after which it repeats, 1 for none.
    confidence: the share of future values that the band is to hold, each step by itself.
    Raises BadData if the history has fewer steps than `history_needed`.

    >>> band = forecast(np.arange(60.0), 2)
    >>> band.centre, band.upper - band.lower
    (array([60., 61.]), array([0., 0.]))
    """
    values = as_values(history, "forecast")
    at_least(horizon, 1, "horizon", "forecast")
    at_least(season, 1, "season", "forecast")
    as_share(confidence, "confidence", "forecast")
    needed = history_needed(horizon, season=season, confidence=confidence)
    steps = values.shape[-1]
    if steps < needed:
        raise BadData(
            f"a history of {steps} steps is too short to forecast {horizon}",
            where="forecast",
            fix=f"give at least {needed} steps, or ask for a shorter horizon or season",
        )
    flat = values.reshape(-1, steps)
    chunk = max(1, _CELLS_MAX // (steps * len(_grid(season))))
    parts = [
        _forecast_rows(flat[at : at + chunk], horizon, season, confidence)
        for at in range(0, len(flat), chunk)
    ]
    shape = (*values.shape[:-1], horizon)
    centre, radius = (
        np.concatenate([part[i] for part in parts] or [np.empty((0, horizon))]).reshape(shape)
        for i in range(2)
    )
    return Band(centre, centre - radius, centre + radius)


def smooth(values: FloatArray, start: States, weights: Weights) -> States:
    """What is known after each step, from a start without steps.

    values: shape (…, steps); NaN is a gap. The weights and the start may have further axes in
    front, which the result then has too.
    """
    steps, phases = values.shape[-1], start.season.shape[-1]
    level, trend = start.level[..., 0], start.trend[..., 0]
    shape = np.broadcast_shapes(level.shape, values.shape[:-1], np.shape(weights.level))
    levels, trends = np.empty((steps + 1, *shape)), np.empty((steps + 1, *shape))
    seasons = np.empty((phases + steps, *shape))
    levels[0], trends[0] = level, trend
    for phase in range(phases):
        seasons[phase] = start.season[..., phase]
    trend_weight = np.multiply(weights.level, weights.trend)
    for step in range(steps):
        drift = weights.damping * trends[step]
        expected = levels[step] + drift
        value = values[..., step]
        error = np.where(np.isnan(value), 0.0, value - expected - seasons[step])
        levels[step + 1] = expected + weights.level * error
        trends[step + 1] = drift + trend_weight * error
        seasons[step + phases] = seasons[step] + weights.season * error
    by_time_last = (np.moveaxis(part, 0, -1) for part in (levels, trends, seasons))
    return States(*by_time_last)


def project(states: States, weights: Weights, ahead: int) -> FloatArray:
    """What was expected `ahead` steps on, after each number of steps; shape (…, steps + 1)."""
    phases = states.season.shape[-1] - states.level.shape[-1] + 1
    first = (ahead - 1) % phases
    season = states.season[..., first : first + states.level.shape[-1]]
    reach = np.power.outer(weights.damping, np.arange(1, ahead + 1)).sum(axis=-1)
    return np.asarray(states.level + reach[..., None] * states.trend + season)


def _cycle(season: int) -> int:
    return season * math.ceil(WARM_UP_STEPS / season)


def _errors_needed(confidence: float) -> int:
    """How many errors there must be for one of them to be large enough."""
    return math.ceil(round(confidence / (1 - confidence), 9))


def _grid(season: int) -> list[tuple[float, float, float, float]]:
    """The weights to choose from: level, trend, season, damping."""
    seasons = SEASON_WEIGHTS if season > 1 else SEASON_WEIGHTS[:1]
    return [
        (level, trend, seasonal, damping)
        for level, (trend, damping), seasonal in itertools.product(LEVEL_WEIGHTS, TRENDS, seasons)
    ]


def _forecast_rows(
    values: FloatArray, horizon: int, season: int, confidence: float
) -> tuple[FloatArray, FloatArray]:
    """Centre and half-width of the band of each series; values: shape (series, steps)."""
    level, trend, seasonal, damping = np.array(_grid(season)).T[:, :, None]
    weights = Weights(level, trend, seasonal, damping)
    begin, level_at, slope, phases = _start(values, season)
    # The start lies at each series' own `begin`; what comes before is made a gap, and a gap only
    # lets the trend run on. So all can start at step 0 from a level that gets there in time.
    known = np.where(np.arange(values.shape[1]) >= begin[:, None], values, np.nan)
    start = States(
        (level_at - damping * slope * begin)[..., None],
        np.broadcast_to(slope, (len(level), len(slope)))[..., None],
        phases,
    )
    states = smooth(known, start, weights)
    chosen = _best(states, weights, known, begin, horizon)
    states, weights = _take(states, weights, chosen)
    centre = np.empty((len(values), horizon))
    radius = np.empty_like(centre)
    for ahead, expected, errors in _backtest(states, weights, known, begin, range(1, horizon + 1)):
        centre[:, ahead - 1] = expected[..., -1]
        radius[:, ahead - 1] = _conformal_rank(errors, confidence)
    radius = np.maximum.accumulate(radius, axis=1)  # what is further off is not known better
    return np.where(np.isnan(radius), np.nan, centre), radius


def _backtest(
    states: States, weights: Weights, known: FloatArray, begin: IntArray, aheads: Iterable[int]
) -> Iterator[tuple[int, FloatArray, FloatArray]]:
    """For each number of steps ahead: it, what was expected, and the absolute errors."""
    steps = known.shape[-1]
    for ahead in aheads:
        expected = project(states, weights, ahead)
        origins = np.arange(steps + 1 - ahead)
        errors = np.abs(known[:, ahead - 1 :] - expected[..., : len(origins)])
        yield ahead, expected, np.where(origins >= begin[:, None], errors, np.nan)


def _best(
    states: States, weights: Weights, known: FloatArray, begin: IntArray, horizon: int
) -> IntArray:
    """For each series the index of the weights with the least mean absolute error."""
    total: FloatArray = np.zeros(states.level.shape[:-1])
    near_middle_and_far = {1, (horizon + 1) // 2, horizon}
    for _, _, errors in _backtest(states, weights, known, begin, near_middle_and_far):
        total += np.nansum(errors, axis=-1)  # the same steps are gaps for all weights
    return np.asarray(np.argmin(total, axis=0))


def _take(states: States, weights: Weights, chosen: IntArray) -> tuple[States, Weights]:
    """The states and weights of one choice a series."""
    series = np.arange(len(chosen))
    parts = (states.level, states.trend, states.season)
    fields = (weights.level, weights.trend, weights.season, weights.damping)
    picked = (np.asarray(field)[chosen, 0] for field in fields)
    return States(*(part[chosen, series] for part in parts)), Weights(*picked)


def _conformal_rank(errors: FloatArray, confidence: float) -> FloatArray:
    """The error that at most 1 − confidence of further ones exceed; NaN if there are too few."""
    ordered = np.sort(errors, axis=-1)  # gaps last
    count = np.sum(~np.isnan(errors), axis=-1)
    rank = np.ceil(np.round((count + 1) * confidence, 9)).astype(np.int64)
    found = np.take_along_axis(ordered, np.minimum(rank, ordered.shape[-1])[:, None] - 1, axis=-1)
    return np.where(rank <= count, found[:, 0], np.nan)


def _start(values: FloatArray, season: int) -> tuple[IntArray, FloatArray, FloatArray, FloatArray]:
    """Where each series starts, and its level, slope per step and season there.

    From the two stretches after its first value: the slope is the mean difference between them,
    the season the mean of each phase without the slope. A phase without data is like the mean.
    """
    cycle = _cycle(season)
    first = np.argmax(~np.isnan(values), axis=-1)
    padded = np.pad(values, ((0, 0), (0, 2 * cycle)), constant_values=np.nan)
    at = np.arange(2 * cycle)
    window = np.take_along_axis(padded, first[:, None] + at, axis=-1)
    slope = np.nan_to_num(_mean(window[:, cycle:] - window[:, :cycle], axis=-1) / cycle)
    flat = (window - slope[:, None] * at).reshape(len(values), -1, season)
    phases = _mean(flat, axis=1)
    level = _mean(phases, axis=-1)
    seasonal = np.nan_to_num(phases - level[:, None])
    # phases count from the first value; the recurrence counts from step 0
    turned = (np.arange(season) - first[:, None]) % season
    begin = first + 2 * cycle
    return begin, level + slope * (2 * cycle - 1), slope, np.take_along_axis(seasonal, turned, -1)


def _mean(values: FloatArray, axis: int) -> FloatArray:
    """Mean of what is there; NaN of nothing."""
    has = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(has, values, 0.0).sum(axis=axis) / has.sum(axis=axis))
