"""A method that is a script: activities one after the other, known only by what they answer.

Whoever opens the world hands the script over (`World.script`); the phases around it, the records,
the signals, the judging and the undo are those of any other run. An action counts as seen when a
probe after it holds that did not hold before it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from chaosctl.engine.breaking import (
    FaultOver,
    confirm_removed,
    go_on,
    put_on_disk,
    record_ids,
    take_out,
    wait_through,
)
from chaosctl.engine.items import CONFIRM_MS_MAX
from chaosctl.engine.session import Hit, Session, StoppedByHand
from chaosctl.engine.watching import watch_until
from chaosctl.judge.verdict import Outcome
from monkeys.target import Fault, RecordIds, UndoRecord

ASK_AGAIN_MS = 300
FINAL_MS = 2_000
"""Holds at least one whole step."""

OVERTIME_MS = 10_000
"""An activity ends itself; this is for the case that it does not."""


@dataclass(frozen=True, slots=True)
class Performed:
    """What came of an activity; text: its answer, or why it failed, in a line."""

    ok: bool
    text: str = ""


@dataclass(frozen=True, slots=True)
class ScriptStep:
    """One activity. perform blocks for at most limit_ms and never raises.

    observers: of an action, the steps (by number) that should see it; on the first of the actions
    they see together. observes: of a probe, the names of those actions.
    """

    name: str
    is_action: bool
    perform: Callable[[], Performed]
    limit_ms: int
    pause_before_ms: int = 0
    pause_after_ms: int = 0
    is_background: bool = False
    observers: tuple[int, ...] = ()
    observes: tuple[str, ...] = ()


class Script(Protocol):
    """What a world with a script hands to the engine."""

    steps: tuple[ScriptStep, ...]
    fault: Fault
    unjudged: str
    """Why nothing is judged once the script has begun; empty if it is."""
    is_judged_throughout: bool
    """Whether a breach that heals before the end counts."""
    trusts: bool
    """Whether an action that nothing observes is taken as done."""

    def records(self, ids: RecordIds) -> tuple[UndoRecord, ...]:
        """All that has to be done afterwards; the last is done first."""

    def has_looked_since(self, at_ms: int) -> bool:
        """Whether each check has been asked anew since then."""

    def saw(self, probe: str) -> None:
        """The probe shows the fault, and did not before."""

    def end(self) -> None:
        """End what still runs; nothing begins after it. Bounded in time."""


@dataclass(slots=True)
class _Job:
    """An activity on its way."""

    step: ScriptStep
    done: Performed | None = None

    @property
    def is_done(self) -> bool:
        return self.done is not None


@dataclass(slots=True)
class _Following:
    session: Session
    script: Script
    background: list[_Job] = field(default_factory=list)
    before: dict[str, bool] = field(default_factory=dict)
    proven: set[str] = field(default_factory=set)


def follow(session: Session, script: Script) -> None:
    """Go through the script and take it back. Raises FaultOver or RunEnded when cut short."""
    session.method_ms = session.context.now_ms()
    session.unjudged = script.unjudged
    one = Hit(session.plan.steps[0], script.fault, {})
    session.hits.append(one)
    one.records = _record(session, script)
    following = _Following(session, script)
    try:
        for number in range(len(script.steps)):
            _do(following, number)
        for job in following.background:
            _finish(following, job)
        _sum_up(following)
        if not script.unjudged:
            _look_once_more(session, script)
    except StoppedByHand:
        if not script.is_judged_throughout:  # its end, which it would be judged at, never came
            session.judged_from_ms = session.context.now_ms()
        raise
    finally:
        session.busy()
        script.end()
    one.out_ms = session.context.now_ms()
    take_out(session, one.records)
    go_on(session)
    wait_through(session, confirm_removed(session, one))
    if script.unjudged:
        session.know(during=Outcome.UNKNOWN, silent=script.unjudged)
        raise FaultOver


def with_trust(session: Session, reason: str) -> str:
    """Whoever reads the verdict is to know what it is taken on trust from."""
    if not session.trusted:
        return reason
    names = ", ".join(f"'{name}'" for name in session.trusted)
    return f"{reason}; trusted, not seen: {names}"


def _record(session: Session, script: Script) -> list[UndoRecord]:
    """What takes it back is on disk before the first activity. Raises JournalNotWritable."""
    session.phase = "record"
    session.busy()
    records = script.records(record_ids(session))
    put_on_disk(session, records)
    session.phase = "inject"
    session.injected_ms = session.context.now_ms()
    session.emit("inject", fault=script.fault.name, records=len(records))
    session.records.extend(records)
    session.emit("injected", records=len(records))
    return list(records)


def _do(following: _Following, number: int) -> None:
    session, step = following.session, following.script.steps[number]
    _pause(session, step.pause_before_ms)
    for observer in step.observers:
        probe = following.script.steps[observer]
        said = _wait(session, _start(session, probe))
        following.before[probe.name] = said.ok
        _tell(session, probe, said, when="before")
    if step.observes:
        _observe(following, step)
    else:
        job = _start(session, step)
        if step.is_background:
            following.background.append(job)
        else:
            _finish(following, job)
    _pause(session, step.pause_after_ms)


def _start(session: Session, step: ScriptStep) -> _Job:
    job = _Job(step)

    def reply(value: Any) -> None:
        job.done = value if isinstance(value, Performed) else Performed(False, str(value))
        session.inbox.put(job)  # says nothing itself, but ends the waiting

    session.context.in_background(step.perform, reply)
    return job


def _wait(session: Session, job: _Job) -> Performed:
    _watch(session, job.step.limit_ms + OVERTIME_MS, is_over=lambda: job.is_done)
    return job.done or Performed(False, "did not end")


def _finish(following: _Following, job: _Job) -> None:
    """Wait for an activity. Raises FaultOver if it was an action, and failed."""
    session, step = following.session, job.step
    said = _wait(session, job)
    _tell(session, step, said)
    if step.is_action and not said.ok:
        session.know(injection_error=f"action '{step.name}': {said.text}")
        session.fix = "see what it says, and perform it by hand"
        raise FaultOver


def _observe(following: _Following, probe: ScriptStep) -> None:
    """Ask until the probe sees the actions before it. Raises FaultOver if it never does."""
    session = following.session
    began_ms = session.context.now_ms()
    while True:
        said = _wait(session, _start(session, probe))
        after_ms = session.context.now_ms() - began_ms
        if said.ok or after_ms >= CONFIRM_MS_MAX:
            break
        _pause(session, ASK_AGAIN_MS)
    is_change = said.ok and not following.before.get(probe.name, False)
    _tell(session, probe, said, when="after")
    session.emit(
        "confirm",
        fault=", ".join(probe.observes),
        seen=int(is_change),
        of=1,
        after_ms=after_ms,
        missing=[] if is_change else [probe.name],
        trouble="" if is_change else _why_not(probe, said),
    )
    if not said.ok:
        session.know(confirmed=False, confirm_text=_why_not(probe, said))
        session.fix = "see what the probe says, and whether the action does what it should"
        raise FaultOver
    if is_change:
        session.confirmed_ms = session.confirmed_ms or session.context.now_ms()
        following.proven |= set(probe.observes)
        following.script.saw(probe.name)


def _why_not(probe: ScriptStep, said: Performed) -> str:
    if said.ok:
        return f"probe '{probe.name}' held before the action as well, so it shows nothing"
    return f"probe '{probe.name}' does not see it: {said.text}"


def _sum_up(following: _Following) -> None:
    """Whether every action was seen, or is trusted."""
    session, script = following.session, following.script
    actions = [step.name for step in script.steps if step.is_action]
    unseen = [name for name in actions if name not in following.proven]
    if not actions:
        session.know(confirmed=False, confirm_text="the method has no action, nothing was broken")
    elif unseen and not script.trusts:
        names = ", ".join(f"'{name}'" for name in unseen)
        session.know(confirmed=False, confirm_text=f"nothing in the document shows {names}")
        session.fix = "add a probe with a tolerance after it, or run with --trust-actions"
    else:
        session.trusted = tuple(unseen)
        session.confirmed_ms = session.confirmed_ms or session.context.now_ms()
        session.know(confirmed=True)


def _look_once_more(session: Session, script: Script) -> None:
    """The hypothesis at the end of the method, with the fault still in."""
    end_ms = session.context.now_ms()
    longest_ms = max(check.gap_ms for check in session.setup.experiment.hypothesis)
    _watch(session, longest_ms, is_over=partial(script.has_looked_since, end_ms))
    if not script.is_judged_throughout:
        session.judged_from_ms = session.context.now_ms()
    _watch(session, FINAL_MS)


def _pause(session: Session, ms: int) -> None:
    if ms:
        _watch(session, ms)


def _watch(session: Session, for_ms: int, is_over: Callable[[], bool] = lambda: False) -> None:
    """Judge each step for so long, or until it is over, which a message tells."""
    session.phase = "watch"
    until_ms = session.context.now_ms() + for_ms
    while session.context.now_ms() < until_ms and not is_over():
        watch_until(session, until_ms)


def _tell(session: Session, step: ScriptStep, said: Performed, *, when: str = "") -> None:
    session.emit(
        "activity",
        name=step.name,
        kind="action" if step.is_action else "probe",
        ok=said.ok,
        text=said.text,
        when=when,
    )
