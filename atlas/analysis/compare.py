"""Are two populations different, by how much, and does it matter?

The Mann–Whitney test asks whether values of one population tend to be larger than those of the
other. U counts the pairs in which they are, ties as half. U over the number of pairs is how often
a random value of the experiment beats one of the control (the common-language effect size);
Cliff's delta, which is also the rank-biserial correlation, is the same from −1 to 1. By how much:
the shift of Hodges and Lehmann, the median difference of all pairs, with its interval.

A test of significance alone is a bad gate: with enough data any trifle is significant, with too
little nothing is. So `decide` asks for both, and says `unclear` where the data does not tell.

Sources: Mann & Whitney (1947), Ann. Math. Statist. 18, 50–60; Hodges & Lehmann (1963), Ann. Math.
Statist. 34, 598–611; Hollander & Wolfe, Nonparametric Statistical Methods, §4.1–4.3 (the interval
is Moses', with its large-sample rank); McGraw & Wong (1992), Psych. Bulletin 111, 361–365; Cliff
(1993), Psych. Bulletin 114, 494–509. That the interval must lie within the tolerance to call two
populations the same is the rule of equivalence tests: Schuirmann (1987).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

import numpy as np
import numpy.typing as npt

from atlas.analysis.arrays import FloatArray, as_share, as_values
from atlas.errors import BadData, LimitExceeded

PAIRS_MAX = 1 << 24
"""All differences are held in memory: 4096 values a side."""

_ARRANGEMENTS_MAX = 20_000


class Difference(StrEnum):
    """What a comparison says of the experiment."""

    HIGHER = "higher"
    LOWER = "lower"
    SAME = "same"
    UNCLEAR = "unclear"
    TOO_FEW = "too-few"


@dataclass(frozen=True, slots=True)
class Comparison:
    """The experiment seen from the control.

    shift: how much higher the experiment is, with its interval from lower to upper, −∞ to ∞ if
    nothing can be said. p_value: two-sided. superiority: how often a value of the experiment is
    the larger one, 0…1. All NaN if a side is empty. control_median: what the shift is relative to.
    counts: values that took part; gaps: those that did not, for they were not finite.
    """

    shift: float
    lower: float
    upper: float
    p_value: float
    superiority: float
    control_median: float
    control_count: int
    experiment_count: int
    control_gaps: int
    experiment_gaps: int
    confidence: float

    @property
    def cliffs_delta(self) -> float:
        """−1 if every value of the experiment is below the control's, 1 if above."""
        return 2 * self.superiority - 1

    @property
    def p_least(self) -> float:
        """The p-value of complete separation: the best that samples of this size can show."""
        return 2 / math.comb(self.control_count + self.experiment_count, self.control_count)


def compare(
    control: npt.ArrayLike, experiment: npt.ArrayLike, *, confidence: float = 0.95
) -> Comparison:
    """The experiment compared with the control.

    control, experiment: shape (values,), in any order; what is not finite is dropped and counted.
    Raises BadData for other shapes, LimitExceeded for more than PAIRS_MAX pairs.

    >>> found = compare([10, 11, 12, 13, 14], [13, 14, 15, 16, 17])
    >>> found.shift, (found.lower, found.upper), round(found.p_value, 3), found.superiority
    (3.0, (0.0, 6.0), 0.04, 0.92)
    """
    as_share(confidence, "confidence", "compare")
    x, x_gaps = _population(control)
    y, y_gaps = _population(experiment)
    if len(x) * len(y) > PAIRS_MAX:
        raise LimitExceeded(
            f"{len(x)} and {len(y)} values make too many pairs",
            where="compare",
            fix="ask the store for longer steps: 4096 values a side fit",
        )
    shift, lower, upper = _shift(x, y, confidence)
    p_value, superiority = _test(x, y)
    return Comparison(
        shift=shift,
        lower=lower,
        upper=upper,
        p_value=p_value,
        superiority=superiority,
        control_median=float(np.median(x)) if len(x) else math.nan,
        control_count=len(x),
        experiment_count=len(y),
        control_gaps=x_gaps,
        experiment_gaps=y_gaps,
        confidence=confidence,
    )


def decide(
    found: Comparison, *, tolerance: float = 0.0, tolerance_ratio: float = 0.0
) -> Difference:
    """Whether the difference is more than chance and more than a trifle.

    tolerance: the largest shift that does not matter, in the unit of the values; tolerance_ratio:
    the same as a share of the control's median. The larger of the two holds.

    higher, lower: significant, and the shift is beyond the tolerance. same: the whole interval of
    the shift is within it. unclear: neither. too-few: no data of this size could be significant.

    >>> found = compare([10, 11, 12, 13, 14] * 2, [13, 14, 15, 16, 17] * 2)
    >>> decide(found, tolerance=1).value, decide(found, tolerance_ratio=0.5).value
    ('higher', 'same')
    """
    if tolerance < 0 or tolerance_ratio < 0:
        raise BadData(
            "a tolerance is not negative", where="decide", fix="say how much does not matter"
        )
    alpha = 1 - found.confidence
    if not min(found.control_count, found.experiment_count) or found.p_least > alpha:
        return Difference.TOO_FEW
    allowed = max(tolerance, tolerance_ratio * abs(found.control_median))
    is_significant = found.p_value <= alpha
    if is_significant and abs(found.shift) > allowed:
        return Difference.HIGHER if found.shift > 0 else Difference.LOWER
    # Significant, and yet no shift: so many pairs are ties that their median does not see what
    # differs, as with counts that are mostly 0.
    is_blind = is_significant and found.shift == 0
    if -allowed <= found.lower and found.upper <= allowed and not is_blind:
        return Difference.SAME
    return Difference.UNCLEAR


def _population(values: npt.ArrayLike) -> tuple[FloatArray, int]:
    """The values that are finite, and how many are not."""
    found = as_values(values, "compare")
    if found.ndim != 1:
        raise BadData(
            f"a population has one axis, not {found.ndim}", where="compare", fix="use .ravel()"
        )
    known = found[~np.isnan(found)]
    return known, len(found) - len(known)


def _test(x: FloatArray, y: FloatArray) -> tuple[float, float]:
    """Two-sided p-value, and the share of pairs in which y is larger."""
    from scipy import stats  # noqa: PLC0415 (takes long to load)

    if not len(x) or not len(y):
        return math.nan, math.nan
    pooled = np.concatenate([x, y])
    if np.ptp(pooled) == 0:
        return 1.0, 0.5
    method: Literal["auto"] | stats.PermutationMethod = "auto"  # exact if a side is small
    has_ties = len(np.unique(pooled)) < len(pooled)
    can_try_all = math.comb(len(pooled), len(x)) <= _ARRANGEMENTS_MAX
    if has_ties and can_try_all and min(len(x), len(y)) > 1:
        method = stats.PermutationMethod(n_resamples=_ARRANGEMENTS_MAX)
    result = stats.mannwhitneyu(y, x, alternative="two-sided", method=method)
    return float(result.pvalue), float(result.statistic) / (len(x) * len(y))


def _shift(x: FloatArray, y: FloatArray, confidence: float) -> tuple[float, float, float]:
    """The median difference of all pairs, and its interval."""
    from scipy import special  # noqa: PLC0415

    pairs = len(x) * len(y)
    if not pairs:
        return math.nan, math.nan, math.nan
    differences = np.subtract.outer(y, x).ravel()
    z = float(special.ndtri((1 + confidence) / 2))
    rank = math.floor(pairs / 2 - z * math.sqrt(pairs * (len(x) + len(y) + 1) / 12))
    wanted = [(pairs - 1) // 2, pairs // 2]
    if rank >= 1:
        wanted += [rank - 1, pairs - rank]
    differences.partition(wanted)
    centre, *ends = differences[wanted[:2]].mean(), *differences[wanted[2:]]
    lower, upper = ends or (-math.inf, math.inf)
    return float(centre), float(lower), float(upper)
