"""How unusual values are, against the history of their own phase of the season.

Modified z-score: 0.6745 (x − median) / MAD, where MAD is the median absolute deviation from the
median. For normal data it is on the scale of standard deviations, and up to half of the history may
be wild without moving it. Where more than half of a phase has one and the same value MAD is 0; then
the mean absolute deviation takes its place, and an infinite score is left for what differs from a
history that never did.

Sources: Iglewicz & Hoaglin (1993), How to Detect and Handle Outliers, ASQC, with their 3.5 as the
usual threshold; NIST/SEMATECH e-Handbook of Statistical Methods, §1.3.5.17. The two factors are
the normal quantile at 3/4 and √(2/π).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from atlas.analysis.arrays import FloatArray, as_values, at_least, median
from atlas.errors import BadData

VALUES_MIN = 10
"""A phase with fewer values has no score: its MAD would be a matter of luck."""

THRESHOLD = 3.5
"""The usual bound for |score|."""

_NORMAL_MAD = 0.6744897501960817
_NORMAL_MEAN_DEVIATION = 0.7978845608028654


def score_anomalies(
    history: npt.ArrayLike, values: npt.ArrayLike, *, season: int = 1
) -> FloatArray:
    """How many standard deviations each value lies above (below: negative) what is usual.

    history: shape (…, steps); values: shape (…, more), the steps that follow it. NaN is a gap.
    season: steps after which the history repeats, 1 for none.
    Returns the shape of values; NaN for a gap, and in a phase with fewer than VALUES_MIN values.
    Raises BadData if not even a history without gaps would do.

    >>> score_anomalies([9, 10, 11, 10, 9, 10, 11, 10, 9, 11], [10, 14, np.nan]).round(1)
    array([0. , 2.7, nan])
    """
    past, new = as_values(history, "score_anomalies"), as_values(values, "score_anomalies")
    at_least(season, 1, "season", "score_anomalies")
    steps = past.shape[-1]
    if steps < VALUES_MIN * season:
        raise BadData(
            f"a history of {steps} steps is too short to judge by",
            where="score_anomalies",
            fix=f"give at least {VALUES_MIN * season} steps, or a shorter season",
        )
    by_phase = _by_phase(past, season)
    has = ~np.isnan(by_phase)
    centre = median(by_phase)
    deviation = np.abs(by_phase - centre[..., None])
    spread = median(deviation) / _NORMAL_MAD
    count = has.sum(axis=-1)
    total = np.where(has, deviation, 0.0).sum(axis=-1)
    mean_spread = total / np.maximum(count, 1) / _NORMAL_MEAN_DEVIATION
    spread = np.where(spread > 0, spread, mean_spread)
    centre = np.where(count >= VALUES_MIN, centre, np.nan)
    phase = (steps + np.arange(new.shape[-1])) % season
    distance = new - centre[..., phase]
    with np.errstate(divide="ignore", invalid="ignore"):
        score = distance / spread[..., phase]
    return np.asarray(np.where(distance == 0, 0.0, score))


def _by_phase(values: FloatArray, season: int) -> FloatArray:
    """Shape (…, phases, cycles); the last cycle filled up with gaps."""
    missing = -values.shape[-1] % season
    widths = [(0, 0)] * (values.ndim - 1) + [(0, missing)]
    full = np.pad(values, widths, constant_values=np.nan)
    return full.reshape(*values.shape[:-1], -1, season).swapaxes(-1, -2)
