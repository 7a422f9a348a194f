"""The gate: runs compared with what was accepted, so that a weakness that is new is found in CI.

What differs by less than three spreads is noise, and never fails. A weakness that was accepted
stays known: it passes, and when it is gone the gate says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from atlas.analysis.compare import compare as compare_populations
from chaosctl.judge.accepted import KNOWING, WEAK, Accepted, AcceptedCheck, Level, Observed
from chaosctl.judge.verdict import EXIT_CODES, UndoState, Verdict

RULES: dict[str, str] = {
    "verdict": "passed before, now failed, or ended by a stop condition; a check likewise",
    "undo": "the undo is not clean; cannot be allowed",
    "missing": "no run, or none that says anything",
    "new-failure": "not in the baseline file, and not passed",
    "score": "the score dropped by more than 5 points and the noise, or is below --min-score",
    "recovery": "recovery takes 25 %, 3 spreads and a second longer",
    "margin": "more than half of a check's margin is used up, beyond 3 spreads",
    "population": "5 runs and more each: Mann-Whitney p < 0.01 and a shift of more than 10 %",
    "document-changed": "the document is not the one of the baseline file",
    "flaky": "runs of one document passed and failed",
}
NEVER_ALLOWED = "undo"
ALL = ""
"""The experiment of a finding that speaks of all of them."""

_NOISE_SPREADS = 3
_RECOVERY_RATIO, _RECOVERY_MS_MIN = 1.25, 1000.0
_MARGIN_USED_RATIO = 0.5
_POPULATION_RUNS, _P_VALUE, _SHIFT_RATIO = 5, 0.01, 0.1


class Effect(StrEnum):
    """What a finding means for the gate."""

    FAIL = "fail"
    UNCLEAR = "unclear"
    WARN = "warn"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that the gate has to say. check: the one it speaks of, if it is of one."""

    rule: str
    experiment: str
    effect: Effect
    text: str
    check: str = ""


@dataclass(frozen=True, slots=True)
class Terms:
    """What the gate was asked to hold. allowed: rules that warn only.

    score_drop_max: points, 0…100. score_min: of the mean over all experiments.
    """

    score_drop_max: float = 5.0
    score_min: float | None = None
    allowed: Sequence[str] = ()


def judge_gate(
    accepted: Mapping[str, Accepted], observed: Mapping[str, Observed], terms: Terms
) -> list[Finding]:
    """Every finding, experiment by experiment."""
    found = [
        finding
        for name in sorted({*accepted, *observed})
        for finding in _findings(name, accepted.get(name), observed.get(name), terms)
    ]
    found += _mean_score(observed, terms)
    return [_allow(finding, terms.allowed) for finding in found]


def gate_verdict(findings: Sequence[Finding]) -> Verdict:
    """Failed for a regression, else inconclusive if something cannot be told, else passed."""
    effects = {finding.effect for finding in findings}
    if Effect.FAIL in effects:
        return Verdict.FAILED
    return Verdict.INCONCLUSIVE if Effect.UNCLEAR in effects else Verdict.PASSED


def gate_exit_code(findings: Sequence[Finding]) -> int:
    """0, 1 or 4."""
    return EXIT_CODES[gate_verdict(findings)]


def mean_score(observed: Mapping[str, Observed]) -> float | None:
    """The mean of the experiments' scores; None if one is unknown, or there is none."""
    scores = [one.score for one in observed.values()]
    known = [score.median for score in scores if score is not None]
    return sum(known) / len(known) if known and len(known) == len(scores) else None


def _allow(finding: Finding, allowed: Sequence[str]) -> Finding:
    is_bad = finding.effect in (Effect.FAIL, Effect.UNCLEAR)
    if not is_bad or finding.rule not in allowed or finding.rule == NEVER_ALLOWED:
        return finding
    return replace(finding, effect=Effect.WARN, text=f"{finding.text} (allowed)")


def _findings(
    name: str, before: Accepted | None, now: Observed | None, terms: Terms
) -> Iterator[Finding]:
    if now is None:
        text = "did not run; if it is gone for good, take it out of the baseline file"
        yield Finding("missing", name, Effect.UNCLEAR, text)
        return
    for run in now.runs:
        if run.undo is not UndoState.CLEAN:
            yield Finding("undo", name, Effect.FAIL, f"undo {run.undo} in run {run.run_id}")
    if now.is_flaky:
        weak = sum(run.finding in WEAK for run in now.runs)
        text = f"{weak} of {len(now.runs)} runs of one document did not pass"
        yield Finding("flaky", name, Effect.WARN, text)
    if trusted := sorted({action for run in now.runs for action in run.trusted}):
        names = ", ".join(f"'{action}'" for action in trusted)
        yield Finding("verdict", name, Effect.WARN, f"nobody saw the effect of {names}: trusted")
    if before is None:
        yield _new(now)
        return
    if any(run.document not in ("", before.document) for run in now.runs):
        text = "the document is not the one of the baseline file"
        yield Finding("document-changed", name, Effect.WARN, text)
    if now.verdict not in KNOWING:
        text = f"{now.verdict}, was {before.verdict}: {now.decisive.reason}"
        yield Finding("missing", name, Effect.UNCLEAR, text)
        return
    yield from _verdict(before, now)
    yield from _score(before, now, terms)
    yield from _recovery(before, now)
    for check in sorted(before.checks):
        yield from _check(check, before, now)


def _new(now: Observed) -> Finding:
    """An experiment that the baseline file has not."""
    if now.verdict in WEAK:
        text = f"is new, and {now.verdict}: {now.decisive.reason}"
        return Finding("new-failure", now.name, Effect.FAIL, text)
    if now.verdict is Verdict.PASSED:
        text = "is new, and passed: accept it with --update"
        return Finding("new-failure", now.name, Effect.NOTE, text)
    text = f"is new, and {now.verdict}: {now.decisive.reason}"
    return Finding("missing", now.name, Effect.UNCLEAR, text)


def _verdict(before: Accepted, now: Observed) -> Iterator[Finding]:
    was_weak, is_weak = before.verdict in WEAK, now.verdict in WEAK
    if is_weak and not was_weak:
        text = f"{now.verdict}, was {before.verdict}: {now.decisive.reason}"
        yield Finding("verdict", now.name, Effect.FAIL, text)
    elif was_weak and not is_weak:
        text = f"passed, was {before.verdict}: accept it with --update"
        yield Finding("verdict", now.name, Effect.NOTE, text)
    elif is_weak:
        text = f"{now.verdict}, a known failure: {now.decisive.reason}"
        yield Finding("verdict", now.name, Effect.NOTE, text)


def _score(before: Accepted, now: Observed, terms: Terms) -> Iterator[Finding]:
    was, score = before.score, now.score
    if was is None:
        return
    if score is None:
        if now.verdict not in WEAK:  # who ends early has often none, and the verdict says it all
            text = f"no score, was {was.median:.0f}"
            yield Finding("score", now.name, Effect.UNCLEAR, text)
        return
    drop = was.median - score.median
    # The spread of one run is no deviation but a guess at the noise: three of it would hide all.
    noise = was.spread * (1 if len(was.values) == 1 else _NOISE_SPREADS)
    text = f"score {score.median:.0f}, was {was.median:.0f}"
    if drop > max(terms.score_drop_max, noise):
        yield Finding("score", now.name, Effect.FAIL, text)
    elif -drop > max(terms.score_drop_max, noise):
        yield Finding("score", now.name, Effect.NOTE, f"{text}: better")


def _recovery(before: Accepted, now: Observed) -> Iterator[Finding]:
    was, took = before.recovery_ms, now.recovery_ms
    if was is None or took is None:
        return  # a run that does not recover fails, which the verdict says
    noise_ms = max(_NOISE_SPREADS * was.spread, _RECOVERY_MS_MIN)
    text = f"recovery {took.median / 1000:.1f} s, was {was.median / 1000:.1f} s"
    if took.median > max(was.median * _RECOVERY_RATIO, was.median + noise_ms):
        yield Finding("recovery", now.name, Effect.FAIL, text)
    elif took.median < min(was.median / _RECOVERY_RATIO, was.median - noise_ms):
        yield Finding("recovery", now.name, Effect.NOTE, f"{text}: better")
    shift = _significant_shift(was, took)
    if shift > _SHIFT_RATIO * was.median:
        text = f"recovery is {shift / 1000:.1f} s longer over {len(took.values)} runs"
        yield Finding("population", now.name, Effect.FAIL, text)


def _check(name: str, before: Accepted, now: Observed) -> Iterator[Finding]:
    was, found = before.checks[name], now.check(name)
    is_other_document = all(run.document != before.document for run in now.runs)
    if found is None:
        if is_other_document:
            text = f"{name}: in the baseline file, and no check with data now"
            yield Finding("document-changed", now.name, Effect.WARN, text, name)
        return
    if is_other_document and was.limit != found.limit:
        return  # margins to different limits do not compare
    if before.verdict in WEAK and now.verdict in WEAK and _is_newly_broken(was, found):
        text = (
            f"{name}: {found.worst.median:.3g} at worst ({found.limit}), held in the accepted runs"
        )
        yield Finding("verdict", now.name, Effect.FAIL, text, name)
    yield from _margin(name, was, found, now)
    shift = -_significant_shift(was.margin, found.margin)
    # A worst value of 0 has no share: what counts then is how far the limit is.
    scale = abs(was.worst.median) or abs(was.margin.median)
    if shift > _SHIFT_RATIO * scale:
        text = f"{name}: {shift:.3g} nearer to its limit over {len(found.margin.values)} runs"
        yield Finding("population", now.name, Effect.FAIL, text, name)


def _is_newly_broken(was: AcceptedCheck, found: AcceptedCheck) -> bool:
    """Whether the check held in every accepted run, and does not now: it is no known failure."""
    return min((was.margin.median, *was.margin.values)) >= 0 > found.margin.median


def _margin(
    name: str, was: AcceptedCheck, found: AcceptedCheck, now: Observed
) -> Iterator[Finding]:
    used = was.margin.median - found.margin.median
    noise = _NOISE_SPREADS * max(was.worst.spread, was.margin.spread)
    if was.margin.median > 0 and used > max(_MARGIN_USED_RATIO * was.margin.median, noise):
        text = (
            f"{name}: {found.worst.median:.3g} at worst, was {was.worst.median:.3g}"
            f" ({found.limit}): {used / was.margin.median:.0%} of the margin is used up"
        )
        yield Finding("margin", now.name, Effect.WARN, text, name)


def _significant_shift(was: Level, now: Level) -> float:
    """How much higher the runs are than the accepted ones, if that is no chance; else 0."""
    if min(len(was.values), len(now.values)) < _POPULATION_RUNS:
        return 0.0
    found = compare_populations(was.values, now.values)
    return found.shift if found.p_value < _P_VALUE else 0.0


def _mean_score(observed: Mapping[str, Observed], terms: Terms) -> Iterator[Finding]:
    if terms.score_min is None:
        return
    mean = mean_score(observed)
    if mean is None:
        names = ", ".join(name for name in sorted(observed) if observed[name].score is None)
        text = f"no mean score: {names} has none"
        yield Finding("score", ALL, Effect.UNCLEAR, text)
    elif mean < terms.score_min:
        text = f"mean score {mean:.0f}, must be {terms.score_min:g}"
        yield Finding("score", ALL, Effect.FAIL, text)
