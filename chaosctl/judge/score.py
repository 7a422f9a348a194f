"""The score of a run, 0 to 100: for how much of the time checks held, by how much they count.

A check's score is the share of the judged time of fault and recovery in which it held, at most 49
if it failed. What cannot be told makes the whole score unknown: it is neither zero nor left out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from chaosctl.experiment.model import Check
from chaosctl.judge.hypothesis import CheckState, held_share
from chaosctl.judge.samples import Samples, Span
from chaosctl.judge.verdict import Outcome

FAILED_MAX = 49.0


@dataclass(frozen=True, slots=True)
class CheckScore:
    """A part of the score. held: share of the time, 0…1; score: 0…100; NaN where it is unknown."""

    name: str
    weight: float
    held: float
    score: float


def score_checks(
    checks: Sequence[Check],
    states: Sequence[CheckState],
    samples: Samples,
    spans: Sequence[Sequence[Span]],
    baseline: Span | None,
) -> tuple[CheckScore, ...]:
    """The score of each check over its spans; one that has none counts for nothing.

    states: what the checks say, in their order; spans: when each was judged from the injection on.
    """
    return tuple(
        _scored(check, state, held_share(check, samples, spans=own, baseline=baseline))
        if own
        else CheckScore(check.name, 0.0, math.nan, math.nan)
        for check, state, own in zip(checks, states, spans, strict=True)
    )


def total_score(parts: Sequence[CheckScore]) -> float:
    """The mean of the parts by their weights; NaN if one that counts is unknown, or none does.

    >>> total_score([CheckScore("a", 3.0, 1.0, 100.0), CheckScore("b", 1.0, 0.2, 20.0)])
    80.0
    """
    counted = [part for part in parts if part.weight > 0]
    weight = sum(part.weight for part in counted)
    return sum(part.weight * part.score for part in counted) / weight if counted else math.nan


def _scored(check: Check, state: CheckState, held: float) -> CheckScore:
    score = 100 * held
    if state.outcome is Outcome.UNKNOWN:
        score = math.nan
    elif state.outcome is Outcome.FAIL:
        score = min(score, FAILED_MAX)
    return CheckScore(check.name, check.weight, held, score)
