"""The method: what goes in and out, in which order, some of it at the same time.

Each item is a generator that does something and then gives the moment from which on it wants to go
on. So all of them run in the one thread that also listens to signals and to the store: no item is
interrupted half way, and while they wait, checks and stop conditions are judged. An exception ends
all of them; what they injected is undone by the run.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace

from chaosctl.engine.breaking import (
    FaultOver,
    Steps,
    confirm,
    confirm_all_removed,
    confirm_removed,
    go_on,
    hit,
    next_level,
    take_out,
)
from chaosctl.engine.choosing import PlannedStep
from chaosctl.engine.items import (
    BranchItem,
    ManualItem,
    ParallelItem,
    PlannedItem,
    SerialItem,
    StepItem,
    WaitItem,
    manual_steps,
)
from chaosctl.engine.script import follow
from chaosctl.engine.session import Hit, RunEnded, Session, StoppedByHand, WaitForPerson
from chaosctl.engine.watching import judge_newest, watch_until
from chaosctl.errors import NotStarted
from chaosctl.experiment.model import NoData
from chaosctl.judge.verdict import Outcome

POLL_MS = 200
"""How often a manual step or a branch looks whether it can go on."""


def carry_out(session: Session) -> None:
    """Do the whole method. Raises FaultOver or RunEnded when it is cut short.

    Not if a person stops the fault: it is out then, and what comes after it is worth a look.
    """
    try:
        if session.world.script is not None:
            follow(session, session.world.script)
        else:
            _follow_plan(session)
    except StoppedByHand:
        _end_early(session)


def _follow_plan(session: Session) -> None:
    session.method_ms = session.context.now_ms()
    try:
        with closing(_serial(session, session.plan.method)) as steps:
            for until_ms in steps:
                session.phase = "watch"
                while session.context.now_ms() < until_ms:
                    watch_until(session, until_ms)
    except FaultOver:
        _refuse_if_untouched(session)
        raise
    if not session.injected_ms:
        session.know(confirm_text="no branch that was taken injects anything")


def _end_early(session: Session) -> None:
    """Take out what is in, because a person wants that, and see that it is gone."""
    if not session.injected_ms:
        session.know(refused="before anything was injected: stopped by hand")
        raise FaultOver
    after_ms = session.stopped_ms - session.injected_ms
    session.know(stopped=f"stopped by hand after {after_ms / 1000:.1f} s")
    if session.world.script is None:
        session.know(stopped=f"{session.facts.stopped} of {session.plan.fault_ms / 1000:g} s")
    if session.facts.confirmed is None:
        session.know(confirm_text=session.facts.stopped)
    take_out(session, session.pending_faults())
    go_on(session)
    confirm_all_removed(session)


def refuse_without_person(session: Session) -> None:
    """Raise NotStarted if a branch may come to a manual step, and nobody is there to do it."""
    steps = list(manual_steps(session.plan.method))
    if steps and session.setup.wait_for_person is None:
        raise NotStarted(
            f"nobody is there to say that a manual step is done: {steps[0].text}",
            where="method",
            fix="run it on a terminal, with standard input and error connected to it",
        )


def _refuse_if_untouched(session: Session) -> None:
    """What ends the method before anything went in is no verdict on a fault."""
    facts = session.facts
    if session.injected_ms or facts.injection_error or facts.refused:
        return
    why = f"stop condition {facts.stop}" if facts.stop else facts.silent
    session.know(refused=f"before anything was injected: {why}")


def _serial(session: Session, items: Sequence[PlannedItem]) -> Steps:
    for item in items:
        yield from _carry(session, item)


def _carry(session: Session, item: PlannedItem) -> Steps:
    match item:
        case StepItem():
            yield from _step(session, session.plan.steps[item.step])
        case WaitItem():
            yield session.context.now_ms() + item.for_ms
        case ManualItem():
            yield from _manual(session, item)
        case SerialItem():
            yield from _serial(session, item.items)
        case ParallelItem():
            yield from _parallel(session, item)
        case BranchItem():
            yield from _branch(session, item)


def _parallel(session: Session, item: ParallelItem) -> Steps:
    """Each lane in turn as its time comes, those that are due first in the document's order."""
    lanes = [_carry(session, one) for one in item.items]
    due_ms = dict.fromkeys(range(len(lanes)), session.context.now_ms())
    while due_ms:
        for number in sorted(due_ms):
            if due_ms[number] > session.context.now_ms():
                continue
            try:
                due_ms[number] = next(lanes[number])
            except StopIteration:
                del due_ms[number]
        if due_ms:
            yield min(due_ms.values())


def _step(session: Session, step: PlannedStep) -> Steps:
    """In, watched, out; as often as asked for."""
    if step.after_ms:
        yield session.context.now_ms() + step.after_ms
    for number in range(step.times):
        if number and step.pause_ms:
            yield session.context.now_ms() + step.pause_ms
        one = hit(session, step)
        yield from confirm(session, one)
        yield from _hold(session, one)
        one.out_ms = session.context.now_ms()
        take_out(session, one.records)
        go_on(session)
        yield from confirm_removed(session, one)


def _hold(session: Session, one: Hit) -> Steps:
    """Stay in for the step's time, level by level where it has a ramp."""
    began_ms = session.context.now_ms()
    for level in range(1, one.step.levels):
        yield began_ms + one.step.level_ms(level)
        next_level(session, one, level)
        session.emit("ramp", fault=one.step.fault, level=level + 1, of=one.step.levels)
        yield from confirm(session, one)
    yield began_ms + one.step.for_ms


def _branch(session: Session, item: BranchItem) -> Steps:
    """Decide by what had happened when the branch was reached; no data decides nothing."""
    reached_ms = session.context.now_ms()
    until_ms = reached_ms + item.decide_ms_max
    since_ms = session.injected_ms or session.method_ms
    check = next(c for c in session.setup.experiment.hypothesis if c.name == item.check)
    if check.no_data is NoData.IGNORE:  # what need not be known to judge must be known to decide
        check = replace(check, no_data=NoData.INCONCLUSIVE)
    while True:
        is_known = session.sampler.settled_ms + 1000 > reached_ms
        state = judge_newest(session, check, since_ms) if is_known else None
        if state is not None and state.outcome is not Outcome.UNKNOWN:
            break
        if session.context.now_ms() >= until_ms:
            session.know(during=Outcome.UNKNOWN, silent=f"{item.check}: no data to branch on")
            session.emit("branch", check=item.check, outcome=Outcome.UNKNOWN, way="none")
            raise FaultOver
        yield min(until_ms, session.context.now_ms() + POLL_MS)
    is_so = (state.outcome is Outcome.PASS) is item.is_holding
    way = "then" if is_so else "else"
    session.emit("branch", check=item.check, outcome=state.outcome, value=state.value, way=way)
    yield from _serial(session, item.then if is_so else item.otherwise)


def _manual(session: Session, item: ManualItem) -> Steps:
    """Ask a person, and go on once they say that it is done."""
    wait_for_person = _person(session)
    until_ms = session.context.now_ms() + item.within_ms
    is_over = [False]
    session.emit("manual", state="asked", text=item.text, within_ms=item.within_ms)
    number = session.begin(lambda: wait_for_person(item.text, lambda: is_over[0]))
    try:
        while (answer := session.answer(number)) is None and session.context.now_ms() < until_ms:
            yield min(until_ms, session.context.now_ms() + POLL_MS)
    finally:
        is_over[0] = True
    if answer is True:
        session.emit("manual", state="done", text=item.text)
        return
    why = f"not done in {item.within_ms / 1000:g} s" if answer is None else "the terminal is gone"
    session.emit("manual", state="not done", text=item.text, why=why)
    what = f"manual step {item.text!r}: {why}"
    if session.injected_ms:
        session.know(ended_by=what)
        raise RunEnded
    session.know(refused=what)
    raise FaultOver


def _person(session: Session) -> WaitForPerson:
    return session.setup.wait_for_person or (lambda _text, _is_over: False)
