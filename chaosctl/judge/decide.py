"""The verdict of a run, from its facts. Pure, and in one place: every rule of the verdicts is here.

Order of the rules, the first that applies decides: invalid; refused; ended by a signal or an
operator; a clock that was set meanwhile; baseline not healthy; injection failed or not seen; a
breach that the fault is to blame for, which a stop condition does not unsay; stop condition; a
breach that was there before the fault; no recovery; a fault that a person stopped, because nobody
knows what the rest of its time would have shown; too little data; passed. The state of undo never
changes the verdict: it stands beside it, and wins in the exit code.
"""

from __future__ import annotations

from dataclasses import dataclass

from chaosctl.judge.verdict import Outcome, Verdict


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known at the end of a run; None: never came to that.

    Texts are empty where the thing did not happen, else say which one, for the reason.
    is_recovery_asked: False if no check is judged after the fault. unsteady: those that kept it
    from being steady again. during: the checks merged, over the fault. after: the same once steady
    again, or at the end of the time to recover. stopped: when a person stopped the fault. broken,
    silent: the named check with its numbers, ready to print.
    """

    invalid: str = ""
    refused: str = ""
    ended_by: str = ""
    clock: str = ""
    baseline: Outcome | None = None
    baseline_text: str = ""
    injection_error: str = ""
    confirmed: bool | None = None
    confirm_text: str = ""
    stop: str = ""
    stopped: str = ""
    breach_was_before: bool = False
    during: Outcome | None = None
    after: Outcome | None = None
    broken: str = ""
    silent: str = ""
    removed: bool | None = None
    recovery_ms: int | None = None
    recovery_within_ms: int = 0
    is_recovery_asked: bool = True
    unsteady: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict and the reason a person is given for it."""

    verdict: Verdict
    reason: str


def decide(facts: Facts) -> Decision:
    """The verdict. Everything that is not known counts against `passed`."""
    for rule in (_nothing_touched, _not_seen, _ended, _broken, _cut_short, _unknown):
        decision = rule(facts)
        if decision is not None:
            return decision
    text = "the hypothesis held before and during the fault"
    if facts.recovery_ms is not None:
        text += f", and again {facts.recovery_ms / 1000:.1f} s after it"
    return Decision(Verdict.PASSED, text)


def _nothing_touched(facts: Facts) -> Decision | None:
    if facts.invalid:
        return Decision(Verdict.INVALID, facts.invalid)
    if facts.refused:
        return Decision(Verdict.NOT_STARTED, facts.refused)
    if facts.ended_by:
        also = f"; by then {facts.broken}" if facts.broken else ""
        return Decision(Verdict.ABORTED, f"ended by {facts.ended_by}{also}")
    if facts.clock:
        also = f"; by then {facts.broken}" if facts.broken else ""
        return Decision(Verdict.INCONCLUSIVE, f"{facts.clock}{also}")
    if facts.baseline is not Outcome.PASS:
        why = facts.baseline_text or "the hypothesis did not hold before the fault"
        return Decision(Verdict.NOT_STARTED, f"baseline not healthy: {why}")
    return None


def _not_seen(facts: Facts) -> Decision | None:
    if facts.injection_error:
        return Decision(Verdict.INCONCLUSIVE, f"injection failed: {facts.injection_error}")
    if not facts.confirmed:
        why = f": {facts.confirm_text}" if facts.confirm_text else ""
        return Decision(Verdict.INCONCLUSIVE, f"the fault was not seen at the target{why}")
    return None


def _ended(facts: Facts) -> Decision | None:
    if not facts.stop:
        return None
    if facts.during is Outcome.FAIL and not facts.breach_was_before:
        what = facts.broken or "the hypothesis broke during the fault"
        return Decision(Verdict.FAILED, f"{what}; ended early by stop condition {facts.stop}")
    also = f"; by then {facts.broken}" if facts.broken else ""
    return Decision(Verdict.ABORTED, f"stop condition: {facts.stop}{also}")


def _broken(facts: Facts) -> Decision | None:
    also = f"; the fault was {facts.stopped}" if facts.stopped else ""
    if facts.during is Outcome.FAIL:
        what = facts.broken or "the hypothesis broke during the fault"
        if facts.breach_was_before:
            return Decision(Verdict.INCONCLUSIVE, f"{what}, but that began before the fault")
        return Decision(Verdict.FAILED, f"{what}{also}")
    if facts.removed is False:  # as far as anybody saw it is still in: no recovery to speak of
        return None
    if facts.after is Outcome.FAIL:
        return Decision(Verdict.FAILED, f"{facts.broken or _no_recovery(facts)}{also}")
    if facts.recovery_ms is not None and facts.recovery_ms > facts.recovery_within_ms:
        return Decision(Verdict.FAILED, f"{facts.broken or _no_recovery(facts)}{also}")
    return None


def _cut_short(facts: Facts) -> Decision | None:
    if not facts.stopped:
        return None
    said = facts.silent or "too little data"
    if facts.during is Outcome.PASS:
        said = "the hypothesis held until then, which says nothing of the rest"
    return Decision(Verdict.INCONCLUSIVE, f"{facts.stopped}: {said}")


def _unknown(facts: Facts) -> Decision | None:
    little = facts.silent or "too little data"
    if facts.during is not Outcome.PASS:
        return Decision(Verdict.INCONCLUSIVE, f"{little} during the fault")
    if not facts.removed:
        return Decision(Verdict.INCONCLUSIVE, "the fault was not seen to be gone after its removal")
    if facts.after is not Outcome.PASS:
        return Decision(Verdict.INCONCLUSIVE, f"{little} after the fault")
    if facts.recovery_ms is None and facts.is_recovery_asked:
        return Decision(Verdict.INCONCLUSIVE, "recovery was not measured")
    return None


def _no_recovery(facts: Facts) -> str:
    limit = f"within {facts.recovery_within_ms / 1000:g} s of the fault's removal"
    if facts.recovery_ms is None:
        return f"not steady again {limit}" + (f": {facts.unsteady}" if facts.unsteady else "")
    return f"steady again only after {facts.recovery_ms / 1000:.1f} s, not {limit}"
