"""The phases that only look: warm-up, baseline, watch, recovery; and the judging of each step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from chaosctl.engine.breaking import FaultOver
from chaosctl.engine.judging import (
    checks_of,
    is_judged_now,
    judge_span,
    state_text,
)
from chaosctl.engine.judging import since_ms as _since_ms
from chaosctl.engine.plan import WARMUP_MS_MAX
from chaosctl.engine.session import Session, StoppedByHand
from chaosctl.errors import ChaosctlError, NotStarted, TargetUnreachable
from chaosctl.experiment.model import Check, NoData, Phase
from chaosctl.judge.hypothesis import (
    CheckState,
    judge_check,
    judge_stop,
    own_window_ms,
    recovery,
    watch_ms,
)
from chaosctl.judge.samples import NO_SERIES, STEP_MS, Span, value_at
from chaosctl.judge.verdict import Outcome, Verdict, merge

WARMUP_STEPS = 3
EXPLAIN_S_MAX = 6.0
STORE_SILENT_MS_MAX = 5_000
"""A store that has never answered for so long is down; more waiting would not help."""

SETTLE_MS = 4_000
"""How much longer than its span a phase may wait for the span's last step to settle."""


def warm_up(session: Session) -> None:
    """Wait until every check has had data and held for three steps. Raises NotStarted."""
    session.phase = "warmup"
    began_ms = session.context.now_ms()
    until_ms = began_ms + WARMUP_MS_MAX
    session.emit("warmup", state="begin", at_most_ms=WARMUP_MS_MAX)
    last: Sequence[CheckState] = ()
    while session.context.now_ms() < until_ms:
        if session.listen_and_ask(until_ms):
            last = _judge_step(session, session.sampler.settled_ms - WARMUP_STEPS * STEP_MS)
            if _is_warm(session, session.sampler.settled_ms):
                took_ms = session.context.now_ms() - began_ms
                session.emit("warmup", state="end", took_ms=took_ms)
                return
        _refuse_bad_query(session)
        _refuse_dead_store(session, session.context.now_ms() - began_ms)
    raise NotStarted(
        f"not steady within {WARMUP_MS_MAX / 1000:g} s: {_unsteady_text(session, last)}",
        where="warm-up",
        fix="see `chaosctl demo status`, and `chaosctl atlas query` with the check's query",
    )


def take_baseline(session: Session) -> None:
    """Judge the hypothesis before the fault. Raises NotStarted if it does not hold."""
    session.phase = "baseline"
    if not session.setup.experiment.hypothesis:  # then there is nothing that could be sick
        session.know(baseline=Outcome.PASS)
        return
    start_ms = session.sampler.settled_ms
    span = Span(start_ms, start_ms + session.plan.baseline_ms)
    session.emit("baseline", state="begin", start_ms=span.start_ms, end_ms=span.end_ms)
    until_ms = span.end_ms + SETTLE_MS
    states: list[CheckState] = []
    while session.sampler.settled_ms < span.end_ms and session.context.now_ms() < until_ms:
        if session.listen_and_ask(until_ms):
            states = _judge_step(session, span.start_ms)
            if any(s.outcome is Outcome.FAIL and s.first_breach_ms for s in states):
                break
    states = judge_span(session, checks_of(session, Phase.BEFORE), span)
    session.baseline = span
    outcome = merge(s.outcome for s in states)
    text = "; ".join(s.name + ": " + state_text(s) for s in states if s.outcome != Outcome.PASS)
    fired = [
        s.name or s.query for s in session.setup.experiment.stop if _stop(session, s, span).fired
    ]
    if fired and outcome is Outcome.PASS:
        outcome, text = Outcome.FAIL, f"stop condition {fired[0]!r} is true already"
    session.know(baseline=outcome, baseline_text=text)
    session.emit("baseline", state="end", outcome=outcome, text=text, checks=_as_json(states))


def watch_until(session: Session, until_ms: int) -> None:
    """Judge what settles until one message came or the time is there.

    Raises FaultOver to have everything taken out early, StoppedByHand if a person wanted that.
    """
    if session.stopped_ms and session.pending_faults():
        raise StoppedByHand
    since_ms = session.injected_ms or session.method_ms
    if session.listen_and_ask(until_ms):
        _judge_step(session, since_ms)
        _refuse_if_stopped(session, since_ms)
    _refuse_if_blind(session, since_ms)


def judge_newest(session: Session, check: Check, since_ms: int) -> CheckState:
    """What a check says of its newest windows."""
    settled_ms = session.sampler.settled_ms
    recent_ms = settled_ms - own_window_ms(check) - max(STEP_MS, check.gap_ms)
    return judge_check(
        check,
        session.sampler.samples,
        start_ms=max(_since_ms(session, check, since_ms), recent_ms),
        end_ms=settled_ms,
        baseline=session.baseline,
    )


def measure_recovery(session: Session) -> None:
    """Wait until steady again, and note how long that took."""
    session.phase = "recover"
    checks = checks_of(session, Phase.AFTER)
    if not checks and session.setup.experiment.hypothesis:
        session.know(after=Outcome.PASS, is_recovery_asked=False)
        return
    within_ms = session.setup.experiment.recovery_ms
    end_ms = session.removed_ms + watch_ms(checks, within_ms)
    # A method may go on after its last removal; the data is there then, and only to be looked at.
    until_ms = max(end_ms, session.context.now_ms()) + SETTLE_MS
    took_ms: int | None = None
    while session.context.now_ms() < until_ms and took_ms is None:
        if session.listen_and_ask(until_ms):
            settled_ms = session.sampler.settled_ms
            _judge_step(session, session.removed_ms)
            took_ms = recovery(
                checks,
                session.sampler.samples,
                removed_ms=session.removed_ms,
                now_ms=settled_ms,
                baseline=session.baseline,
            )
            if settled_ms >= end_ms:
                break
    outcome, silent = Outcome.PASS, ""
    if took_ms is None:
        span = Span(session.removed_ms, session.sampler.settled_ms)
        states = judge_span(session, checks, span)
        unknown = [s for s in states if s.outcome is Outcome.UNKNOWN]
        outcome = Outcome.UNKNOWN if unknown else Outcome.FAIL
        silent = "; ".join(f"{s.name}: {state_text(s)}" for s in unknown)
        broken = [f"{s.name}: {state_text(s)}" for s in states if s.outcome is Outcome.FAIL]
        session.know(unsteady="; ".join(broken))
    session.know(recovery_ms=took_ms, after=outcome, silent=session.facts.silent or silent)
    session.emit("recovery", took_ms=took_ms, within_ms=within_ms, outcome=outcome)


def explain(session: Session, states: Sequence[CheckState]) -> dict[str, list[str]]:
    """Why each broken check broke, computed from the store; nothing where that is weak."""
    found: dict[str, list[str]] = {}
    for state in states:
        if session.baseline is None or state.first_breach_ms is None:
            continue
        baseline, end_ms = session.baseline, session.removing_ms
        answer = session.bounded(
            partial(session.world.explain, state, baseline, end_ms), EXPLAIN_S_MAX
        )
        if isinstance(answer, list) and answer:
            found[state.name] = answer
            session.emit("because", name=state.name, findings=answer)
        elif isinstance(answer, Exception):
            session.note(f"why {state.name!r} broke cannot be computed: {answer or 'too slow'}")
    return found


def _judge_step(session: Session, start_ms: int) -> list[CheckState]:
    """Judge what has settled, tell the values, and tell each check whose outcome changed."""
    samples, settled_ms = session.sampler.samples, session.sampler.settled_ms
    # The newest windows are enough here; the whole span is judged again at the end.
    states = [
        judge_newest(session, check, start_ms) for check in session.setup.experiment.hypothesis
    ]
    session.emit(
        "sample",
        durable=False,
        phase=session.phase,
        step_end_ms=settled_ms,
        checks={
            check.name: {
                "step": value_at(samples.get(check.query, NO_SERIES), settled_ms),
                "value": state.value,
                "outcome": state.outcome,
                "limit": state.limit_text,
                "is_judged": is_judged_now(session, check),
            }
            | ({"said": session.sampler.said_at(check, settled_ms)} if check.probe else {})
            for check, state in zip(session.setup.experiment.hypothesis, states, strict=True)
        },
        stops={
            stop.name or stop.query: value_at(samples.get(stop.query, NO_SERIES), settled_ms)
            for stop in session.setup.experiment.stop
        },
    )
    judged = [
        (check, state)
        for check, state in zip(session.setup.experiment.hypothesis, states, strict=True)
        if is_judged_now(session, check)
    ]
    for check, state in judged:
        if state.outcome is Outcome.UNKNOWN and state.longest_gap_ms <= check.gap_ms:
            continue  # its first window is not full yet: nothing to tell anybody
        if session.said.get(state.name) != state.outcome:
            session.said[state.name] = state.outcome
            session.emit("check", phase=session.phase, **check_json(state))
    return [state for _, state in judged]


def _is_warm(session: Session, settled_ms: int) -> bool:
    span = Span(settled_ms - WARMUP_STEPS * STEP_MS, settled_ms)
    for check in checks_of(session, Phase.BEFORE):
        each_step = replace(check, hold=replace(check.hold, over_ms=0, for_steps=1))
        state = judge_check(
            each_step,
            session.sampler.samples,
            start_ms=span.start_ms,
            end_ms=span.end_ms,
            baseline=None,
        )
        is_fed = state.windows == WARMUP_STEPS or check.no_data is NoData.IGNORE
        if not is_fed or state.first_breach_ms is not None:
            return False
    return True


def _unsteady_text(session: Session, states: Sequence[CheckState]) -> str:
    if session.sampler.error is not None:
        return f"store: {session.sampler.error}"
    texts = [f"{s.name}: {state_text(s)}" for s in states if s.outcome is not Outcome.PASS]
    return "; ".join(texts) or "no check held for three steps in a row"


def _refuse_bad_query(session: Session) -> None:
    """What the store says of a query will not get better by waiting."""
    error = session.sampler.error
    if isinstance(error, ChaosctlError) and error.verdict is Verdict.INVALID:
        raise error


def _refuse_dead_store(session: Session, waited_ms: int) -> None:
    if session.sampler.settled_ms or waited_ms < STORE_SILENT_MS_MAX:
        return
    error = session.sampler.error
    raise TargetUnreachable(
        f"store does not answer: {error or 'no reply in time'}",
        where=getattr(error, "where", "") or "store",
        fix=getattr(error, "fix", "") or "`chaosctl demo status` says whether it is up",
    )


def _refuse_if_stopped(session: Session, since_ms: int) -> None:
    span = Span(since_ms, session.sampler.settled_ms)
    for stop in session.setup.experiment.stop:
        state = _stop(session, stop, span)
        if state.fired:
            name = stop.name or stop.query
            session.emit(
                "stop",
                name=name,
                value=state.value,
                limit=state.limit_text,
                known_ms=state.known_ms,
            )
            session.know(stop=f"{name}: {state.value:.4g} ({state.limit_text})")
            raise FaultOver


def _refuse_if_blind(session: Session, since_ms: int) -> None:
    """Nobody breaks a system that they cannot see."""
    for check in checks_of(session, Phase.DURING):
        if check.no_data is not NoData.INCONCLUSIVE:
            continue
        silent_ms = session.sampler.silent_ms(check, _since_ms(session, check, since_ms))
        if silent_ms > check.gap_ms:
            text = f"{check.name}: no data for {silent_ms / 1000:g} s"
            said = session.sampler.said_at(check, session.context.now_ms())
            text += f" ({said})" if said else ""
            error = session.sampler.error
            session.emit("stop", name=check.name, blind=True, text=text, trouble=str(error or ""))
            session.know(during=Outcome.UNKNOWN, silent=text)
            raise FaultOver
    # Checks may be content with silence, but with a dead store no stop condition can fire either.
    dead_ms = session.sampler.unanswered_ms(since_ms)
    gaps_ms = (check.gap_ms for check in session.setup.experiment.hypothesis)
    if dead_ms > max(gaps_ms, default=STORE_SILENT_MS_MAX):
        text = f"store: no answer for {dead_ms / 1000:g} s"
        trouble = str(session.sampler.error or "")
        session.emit("stop", name="store", blind=True, text=text, trouble=trouble)
        session.know(during=Outcome.UNKNOWN, silent=text)
        raise FaultOver


def _stop(session: Session, stop: Any, span: Span) -> Any:
    return judge_stop(
        stop,
        session.sampler.samples,
        start_ms=span.start_ms,
        end_ms=span.end_ms,
        baseline=session.baseline,
    )


def _as_json(states: Sequence[CheckState]) -> list[dict[str, Any]]:
    return [check_json(state) for state in states]


def check_json(state: CheckState) -> dict[str, Any]:
    """A check's state for journal and result."""
    return {
        "name": state.name,
        "outcome": state.outcome,
        "value": state.value,
        "worst": state.worst,
        "margin": state.margin,
        "limit": state.limit_text,
        "first_breach_ms": state.first_breach_ms,
        "known_ms": state.breach_known_ms,
        "longest_gap_ms": state.longest_gap_ms,
        "reason": state.reason,
    }


def all_queries(checks: Sequence[Check], stops: Sequence[Any]) -> list[str]:
    """Every query that an experiment asks the store."""
    compared = [c.hold.population.query for c in checks if c.hold.population is not None]
    own = [c.query for c in checks if c.probe is None]
    return own + compared + [s.query for s in stops if s.probe is None]
