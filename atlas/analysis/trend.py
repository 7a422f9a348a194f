"""Has a series changed? Where, by how much, and could it be chance?

`find_change` looks for one step from a level to another: Pettitt's rank test. With R(k) the sum of
the ranks of the first k values, U(k) = 2 R(k) − k (n + 1) compares all values up to k with all that
follow, as Mann and Whitney do; K = max |U(k)| lies where the two differ most, and chance alone
gives so much with p ≈ 2 exp(−6 K² / (n³ + n²)).

`measure_trend` looks for a steady rise or fall: the Mann–Kendall test, which is Kendall's τ against
time, with the slope of Theil and Sen, the median slope of all pairs of values.

Both see ranks, so wild values do not matter, and both take values to be independent of each other:
what a series carries over from step to step looks to them like change.

Sources: Pettitt (1979), A non-parametric approach to the change-point problem, Applied Statistics
28, 126–135. Mann (1945), Econometrica 13, 245–259; Kendall (1975), Rank Correlation Methods; Sen
(1968), JASA 63, 1379–1389, for slope and interval.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from atlas.analysis.arrays import FloatArray, IntArray, as_share, as_values, median
from atlas.errors import LimitExceeded

CHANGE_VALUES_MIN = 11
"""With fewer values not even the clearest step has p < 0.05."""

TREND_VALUES_MIN = 5
"""With fewer values not even the steadiest rise has p < 0.05."""

TREND_STEPS_MAX = 2048
"""All pairs of steps are held in memory."""


@dataclass(frozen=True, slots=True)
class ChangePoint:
    """Where a series changed its level most; each array has the shape (…) of the series.

    index: the first step of the new level, −1 if no step is better than another. before, after:
    medians of the values on either side. statistic: Pettitt's K. All but index are NaN, and index
    is −1, for a series with fewer than CHANGE_VALUES_MIN values.
    """

    index: IntArray
    p_value: FloatArray
    before: FloatArray
    after: FloatArray
    statistic: FloatArray

    @property
    def shift(self) -> FloatArray:
        """How much higher the level is after the change."""
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class Trend:
    """How steadily and how fast a series rises; each array has the shape (…) of the series.

    tau: 1 if every value is above all before it, −1 if below. slope: per step, with its interval
    from lower to upper. NaN for a series with fewer than TREND_VALUES_MIN values.
    """

    tau: FloatArray
    p_value: FloatArray
    slope: FloatArray
    lower: FloatArray
    upper: FloatArray


def find_change(values: npt.ArrayLike) -> ChangePoint:
    """The step at which the level changed most, and how likely chance alone gives as much.

    values: shape (…, steps); NaN is a gap.

    >>> change = find_change([3, 4, 3, 5, 4, 3, 4, 9, 8, 9, 8, 9, 7, 9])
    >>> int(change.index), float(change.shift), round(float(change.p_value), 3)
    (7, 5.0, 0.015)
    """
    from scipy import stats  # noqa: PLC0415 (takes long to load)

    series = as_values(values, "find_change")
    has = ~np.isnan(series)
    count = has.sum(axis=-1)
    if series.shape[-1] < CHANGE_VALUES_MIN:
        return _no_change(count.shape)
    ranks = np.where(has, stats.rankdata(series, axis=-1, nan_policy="omit"), 0.0)
    balance = 2 * ranks.cumsum(axis=-1) - has.cumsum(axis=-1) * (count[..., None] + 1)
    last = np.argmax(np.abs(balance), axis=-1)
    statistic = np.max(np.abs(balance), axis=-1)
    at = np.arange(series.shape[-1])
    index = np.argmax(has & (at > last[..., None]), axis=-1)  # past a gap, if there is one
    with np.errstate(divide="ignore", invalid="ignore"):
        p_value = np.minimum(1.0, 2 * np.exp(-6 * statistic**2 / (count**3 + count**2)))
    enough = count >= CHANGE_VALUES_MIN
    index = np.where(enough & (statistic > 0), index, -1)
    is_after = at >= index[..., None]
    before = median(np.where(is_after & (index >= 0)[..., None], np.nan, series))
    after = median(np.where(is_after, series, np.nan))
    return ChangePoint(
        index, *(np.where(enough, part, np.nan) for part in (p_value, before, after, statistic))
    )


def measure_trend(values: npt.ArrayLike, *, confidence: float = 0.95) -> Trend:
    """How steadily the series rises, how fast, and how likely chance alone gives as much.

    values: shape (…, steps); NaN is a gap. confidence: of the slope's interval.
    Raises LimitExceeded for more than TREND_STEPS_MAX steps.

    >>> trend = measure_trend([1, 3, 2, 4, 6, 5, 7])
    >>> round(float(trend.slope), 2), round(float(trend.p_value), 3)
    (1.0, 0.011)
    """
    series = as_values(values, "measure_trend")
    as_share(confidence, "confidence", "measure_trend")
    steps = series.shape[-1]
    if steps > TREND_STEPS_MAX:
        raise LimitExceeded(
            f"{steps} steps have too many pairs",
            where="measure_trend",
            fix=f"ask the store for longer steps: at most {TREND_STEPS_MAX} fit",
        )
    rows = [_trend_of(row, confidence) for row in series.reshape(-1, steps)]
    columns = np.array(rows, dtype=np.float64).reshape(*series.shape[:-1], 5)
    return Trend(*(columns[..., i] for i in range(5)))


def _trend_of(row: FloatArray, confidence: float) -> tuple[float, float, float, float, float]:
    from scipy import stats  # noqa: PLC0415 (takes long to load)

    at = np.flatnonzero(~np.isnan(row))
    known = row[at]
    if len(at) < TREND_VALUES_MIN:
        return (np.nan,) * 5
    if np.ptp(known) == 0:
        return 0.0, 1.0, 0.0, 0.0, 0.0
    tau = stats.kendalltau(at, known)
    slope = stats.theilslopes(known, at, alpha=confidence)
    return tau.statistic, tau.pvalue, slope.slope, slope.low_slope, slope.high_slope


def _no_change(shape: tuple[int, ...]) -> ChangePoint:
    nothing = np.full(shape, np.nan)
    return ChangePoint(np.full(shape, -1), nothing, nothing, nothing, nothing)
