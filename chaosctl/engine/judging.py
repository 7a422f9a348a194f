"""Which check is judged over which time of a run, and what it says of it."""

from __future__ import annotations

from collections.abc import Sequence

from chaosctl.engine.session import Session
from chaosctl.experiment.model import Check, Phase
from chaosctl.experiment.windows import STEP_MS
from chaosctl.judge.decide import Facts
from chaosctl.judge.hypothesis import CheckState, began_before, judge_check
from chaosctl.judge.samples import Span
from chaosctl.judge.score import CheckScore, score_checks
from chaosctl.judge.verdict import Outcome, merge

PHASE_OF = {"warmup": Phase.BEFORE, "baseline": Phase.BEFORE, "recover": Phase.AFTER}
"""By the phases of a run; all others are the time of the fault."""


def checks_of(session: Session, phase: Phase) -> list[Check]:
    """Those that are judged in a phase."""
    return [c for c in session.setup.experiment.hypothesis if c.is_judged(phase)]


def is_judged_now(session: Session, check: Check) -> bool:
    """Whether the check is judged in the phase in which the run is."""
    return check.is_judged(PHASE_OF.get(session.phase, Phase.DURING))


def fault_spans(session: Session, check: Check) -> list[Span]:
    """The times of the fault over which the check is judged; several where it went out between."""
    end_ms = session.removing_ms or session.sampler.settled_ms
    from_ms = max(session.judged_from_ms, session.injected_ms + check.grace_ms)
    if Phase.ON_FAULT not in check.phases or Phase.DURING in check.phases:
        return [Span(from_ms, end_ms)]
    hits = [(one.confirmed_ms, one.out_ms or end_ms) for one in session.hits if one.confirmed_ms]
    spans: list[Span] = []
    for start_ms, out_ms in sorted(hits):
        start = max(start_ms, from_ms)
        if spans and start <= spans[-1].end_ms:
            spans[-1] = Span(spans[-1].start_ms, max(spans[-1].end_ms, out_ms))
        else:
            spans.append(Span(start, out_ms))
    return spans


def judged_spans(session: Session, check: Check) -> list[Span]:
    """The time that counts in the check's score: of the fault and after it, as far as judged."""
    settled_ms = session.sampler.settled_ms
    spans = fault_spans(session, check) if check.is_judged(Phase.DURING) else []
    if Phase.AFTER not in check.phases:
        return spans
    if Phase.DURING in check.phases:
        return [Span(spans[0].start_ms, settled_ms)]
    return [*spans, Span(session.removed_ms or settled_ms, settled_ms)]


def fault_spans_json(session: Session, check: Check) -> list[dict[str, int]]:
    """The times of the fault over which the check was judged, for the result."""
    spans = fault_spans(session, check) if check.is_judged(Phase.DURING) else []
    return [{"start_ms": span.start_ms, "end_ms": span.end_ms} for span in spans]


def since_ms(session: Session, check: Check, start_ms: int) -> int:
    """From when on the check is judged, of a phase that began at start_ms; live."""
    if session.phase in PHASE_OF or not session.injected_ms:
        return start_ms
    grace_ms = session.injected_ms + check.grace_ms
    if Phase.ON_FAULT in check.phases and Phase.DURING not in check.phases:
        inside = [one.confirmed_ms for one in session.hits if one.confirmed_ms and not one.out_ms]
        grace_ms = max(grace_ms, min(inside, default=session.context.now_ms()))
    return max(start_ms, grace_ms)


def judge_span(session: Session, checks: Sequence[Check], span: Span) -> list[CheckState]:
    """What checks say of a span."""
    return [_judge(session, check, span) for check in checks]


def judge_fault(session: Session) -> list[CheckState]:
    """Judge the whole time of the fault, now that all its data is in.

    Returns a state of every check: of those that are not judged then, what they said after, or
    before.
    """
    session.phase = "report"
    if session.unjudged:
        return []
    checks = checks_of(session, Phase.DURING)
    states = [_worst_of(session, check, fault_spans(session, check)) for check in checks]
    broken = [s for s in states if s.outcome is Outcome.FAIL]
    silent = [s for s in states if s.outcome is Outcome.UNKNOWN]
    blamed = [s for s in broken if not _began_before(session, s)]
    # Where no check is judged during the fault, those of the time after it decide alone.
    is_asked = bool(states) or not session.setup.experiment.hypothesis
    outcome = merge(s.outcome for s in states) if is_asked else Outcome.PASS
    if session.facts.during is Outcome.UNKNOWN and outcome is Outcome.PASS:
        outcome = Outcome.UNKNOWN  # blind was found out live; late data does not open its eyes
    session.know(
        during=outcome,
        breach_was_before=bool(broken) and not blamed,
        broken="; ".join(breach_text(session, s) for s in blamed or broken),
        silent=session.facts.silent or "; ".join(f"{s.name}: {state_text(s)}" for s in silent),
    )
    found = {state.name: state for state in states}
    return [
        found.get(check.name) or _said_otherwise(session, check)
        for check in session.setup.experiment.hypothesis
    ]


def scores_of(session: Session, states: Sequence[CheckState]) -> tuple[CheckScore, ...]:
    """The parts of the score, from the injection to the end of the recovery."""
    if not states:
        return ()
    checks = session.setup.experiment.hypothesis
    spans = [judged_spans(session, check) for check in checks]
    return score_checks(checks, states, session.sampler.samples, spans, session.baseline)


def judged_json(facts: Facts) -> dict[str, Outcome | None]:
    """What the hypothesis said in each phase, and the recovery objective apart from it.

    None: it did not come to that, or nothing is asked then.
    """
    recovery: Outcome | None = facts.after if facts.is_recovery_asked else None
    if facts.recovery_ms is not None and facts.recovery_ms > facts.recovery_within_ms:
        recovery = Outcome.FAIL
    after = facts.after if facts.is_recovery_asked else None
    return {
        "before": facts.baseline,
        "during": facts.during,
        "after": after,
        "recovery": recovery,
    }


def breach_text(session: Session, state: CheckState) -> str:
    """A broken check for the reason: value, limit, and when it began."""
    text = f"{state.name}: {state_text(state)}"
    if state.first_breach_ms is None:
        return text
    said = session.sampler.said_at(
        check_named(session, state.name), state.breach_known_ms or state.first_breach_ms
    )
    text += f", {said}" if said else ""
    since_start_s = (state.first_breach_ms - session.journal.started_ms) / 1000
    text += f", first at +{since_start_s:.0f} s"
    if session.confirmed_ms:
        after_s = (state.first_breach_ms - session.confirmed_ms) / 1000
        text += f", {after_s:.0f} s after the fault was confirmed"
    return text


def state_text(state: CheckState) -> str:
    """The numbers of a check's state."""
    if state.first_breach_ms is None:
        return state.reason or f"{state.value:.4g} ({state.limit_text})"
    return f"{state.worst:.4g} (limit {state.limit_text})"


def check_named(session: Session, name: str) -> Check:
    """The check of that name."""
    return next(c for c in session.setup.experiment.hypothesis if c.name == name)


def _judge(session: Session, check: Check, span: Span) -> CheckState:
    return judge_check(
        check,
        session.sampler.samples,
        start_ms=span.start_ms,
        end_ms=span.end_ms,
        baseline=session.baseline,
    )


def _worst_of(session: Session, check: Check, spans: Sequence[Span]) -> CheckState:
    """What the check says of several spans: the first breach, else what is not known, else all."""
    empty = Span(session.removing_ms, session.removing_ms)
    states = [_judge(session, check, span) for span in spans] or [_judge(session, check, empty)]
    for outcome in (Outcome.FAIL, Outcome.UNKNOWN):
        found = [state for state in states if state.outcome is outcome]
        if found:
            return found[0]
    return min(states, key=lambda state: state.margin)


def _said_otherwise(session: Session, check: Check) -> CheckState:
    """Of a check that is not judged during the fault: after it, or else before."""
    settled_ms = session.sampler.settled_ms
    if Phase.AFTER in check.phases:
        steady_ms = session.removed_ms + (session.facts.recovery_ms or 0)
        return _judge(session, check, Span(steady_ms, settled_ms))
    return _judge(session, check, session.baseline or Span(settled_ms, settled_ms))


def _began_before(session: Session, state: CheckState) -> bool:
    check = check_named(session, state.name)
    return state.first_breach_ms is not None and began_before(
        check,
        session.sampler.samples,
        breach_ms=state.first_breach_ms,
        injected_ms=session.injected_ms,
        baseline=session.baseline,
        step_ms=STEP_MS,
    )
