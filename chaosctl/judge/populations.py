"""Compares the values of two queries over the same time: are those of the first worse?

Two things are asked of a difference: that it is more than chance (Mann–Whitney), and that it is
more than what does not matter (the shift of Hodges and Lehmann against the tolerance). It passes
only if the data shows that it is not worse: the interval of the shift must end within the
tolerance. What shows neither is unknown, and so is what is too little to show anything.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from chaosctl.experiment.model import Condition, Population
from chaosctl.experiment.windows import STEP_MS
from chaosctl.judge.samples import Samples, Series, Span, step_ends, value_at
from chaosctl.judge.verdict import Outcome


@dataclass(frozen=True, slots=True)
class Compared:
    """What a comparison says. shift: of the first against the second, in the query's unit.

    margin: how far the shift is inside the tolerance; negative if outside. superiority: how often a
    value of the first is the larger one, 0…1. All NaN if there is nothing to compare.
    """

    outcome: Outcome
    shift: float
    margin: float
    superiority: float
    values: int
    reason: str


def compare_populations(
    condition: Condition,
    query: str,
    samples: Samples,
    span: Span,
    step_ms: int = STEP_MS,
) -> Compared:
    """The values of the query against those of the condition's population, over the span."""
    from atlas.analysis.compare import Difference, compare, decide  # noqa: PLC0415 - takes long

    population = condition.population
    if population is None:
        raise ValueError(condition)
    ends = step_ends(span, step_ms)
    control = _values(samples.get(population.query, {}), ends)
    experiment = _values(samples.get(query, {}), ends)
    if not control or not experiment:
        nan = math.nan
        side = "to compare with" if experiment else ""
        return Compared(Outcome.UNKNOWN, nan, nan, nan, 0, f"no data {side}".strip())
    found = compare(control, experiment, confidence=condition.confidence)
    allowed = max(population.tolerance, population.tolerance_ratio * abs(found.control_median))
    said = decide(found, tolerance=allowed)
    count = min(len(control), len(experiment))
    outcome, reason = Outcome.UNKNOWN, "too little data to tell"
    if said in _worse(population):
        outcome, reason = Outcome.FAIL, "breached"
    elif said is not Difference.TOO_FEW:
        is_shown = _is_shown(population, found.lower, found.upper, allowed, said)
        outcome = Outcome.PASS if is_shown else Outcome.UNKNOWN
        reason = "" if is_shown else "the data does not show whether it is worse"
    worst = _worst_shift(population, found.shift)
    return Compared(outcome, found.shift, allowed - worst, found.superiority, count, reason)


def in_words(condition: Condition) -> str:
    """The condition for people."""
    population = condition.population
    if population is None:
        raise ValueError(condition)
    much = ""
    if population.tolerance or population.tolerance_ratio:
        amount = f"{population.tolerance:g}"
        if population.tolerance_ratio:
            amount = f"{population.tolerance_ratio * 100:g}%"
        much = f" by more than {amount}"
    worse = "different" if population.worse == "either" else population.worse
    return f"not {worse}{much} than '{population.query}'"


def _values(series: Series, ends: range) -> list[float]:
    return [v for end in ends if math.isfinite(v := value_at(series, end))]


def _worse(population: Population) -> tuple[str, ...]:
    return ("higher", "lower") if population.worse == "either" else (population.worse,)


def _is_shown(
    population: Population, lower: float, upper: float, allowed: float, said: str
) -> bool:
    """Whether the data shows that the first is not worse by more than is allowed."""
    if population.worse == "either":
        return said == "same"
    if population.worse == "higher":
        return said == "lower" or (upper <= allowed and said != "unclear") or upper < allowed
    return said == "higher" or (-lower <= allowed and said != "unclear") or -lower < allowed


def _worst_shift(population: Population, shift: float) -> float:
    if population.worse == "either":
        return abs(shift)
    return shift if population.worse == "higher" else -shift
