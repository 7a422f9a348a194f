"""The phases that touch the target: record, inject, confirm, remove."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import asdict

from chaosctl.engine.choosing import PlannedStep, make_fault
from chaosctl.engine.items import CONFIRM_MS_MAX
from chaosctl.engine.session import Hit, RunEnded, Session, StoppedByHand
from chaosctl.engine.undo import (
    UndoResult,
    undo_fields,
    undo_lock,
    undo_records,
    undo_state,
)
from chaosctl.judge.verdict import UndoState
from monkeys.errors import MonkeyError
from monkeys.load import TrafficLoad
from monkeys.target import Fault, Reading, RecordIds, UndoRecord

LOOK_EVERY_S = 0.2
ABORTED_CONFIRM_MS_MAX = 1_500
"""After a signal people wait: the undo has been done, only the second look is cut short."""


class FaultOver(Exception):
    """The fault is to be taken out now; the facts say why."""


Steps = Generator[int, None, None]
"""Something in progress: gives the moment (epoch ms) from which on it wants to go on."""

Looks = Generator[int, None, tuple[Mapping[str, bool], str, int]]


def hit(session: Session, step: PlannedStep) -> Hit:
    """Look, record and inject one step, at the first level of its ramp.

    Raises FaultOver if it failed. The records are on disk before any of them is injected.
    """
    refuse_more(session)
    session.phase = "record"
    fault = make_fault(session.setup.faults, step)
    session.busy()
    _refuse_vanished(session, step)
    before = fault.look(step.targets, session.world.target)
    session.emit("look", when="before", fault=step.fault, readings=_as_json(before))
    one = Hit(step, fault, before)
    records = _write_records(session, step, fault)
    session.hits.append(one)
    _inject(session, one, records)
    return one


def next_level(session: Session, one: Hit, level: int) -> None:
    """Put the next level of a ramp in the place of this one: never both at once.

    The new records are on disk before the old ones are undone, and the old ones are undone before
    the new ones go in; in between the fault is out for as long as that takes.
    """
    session.phase = "record"
    session.busy()
    fault = make_fault(session.setup.faults, one.step, level)
    records = _write_records(session, one.step, fault)
    take_out(session, one.records)
    refuse_more(session)
    one.fault, one.records = fault, []
    _inject(session, one, records)


def refuse_more(session: Session) -> None:
    """Raise if no more goes in: FaultOver if something that should be out would not go.

    StoppedByHand if a person wanted it while something was on its way out.
    """
    if session.stopped_ms:
        raise StoppedByHand
    stuck = [r for r in session.pending() if r.id in session.undone]
    if stuck:
        error = session.undone[stuck[-1].id].error
        session.know(injection_error=f"no more goes in while {stuck[-1].fault} stays: {error}")
        raise FaultOver


def apply_settings(session: Session) -> None:
    """Set at the target what the document wants set for the whole run."""
    records = session.world.settings(record_ids(session))
    put_on_disk(session, records)
    for record in records:
        session.busy()
        session.settings.add(record.id)
        session.records.append(record)
        session.world.target.inject(record)


def take_out(session: Session, records: Sequence[UndoRecord]) -> None:
    """Undo those of these records that are not undone, the newest first. Raises LeftToWatchdog.

    From here on no signal ends the run, until `go_on`.
    """
    wanted = {record.id for record in records}
    pending = [record for record in session.pending() if record.id in wanted]
    if not pending:
        return
    session.is_undoing = True
    session.phase = "remove"
    are_faults = any(record.id not in session.settings for record in pending)
    if are_faults:
        session.removing_ms = session.context.now_ms()
    session.emit("remove", records=len(pending))

    def report(result: UndoResult) -> None:
        session.undone[result.record_id] = result
        session.emit("undo", **undo_fields(result, "run"))

    with undo_lock(session.folder, session.context, session.bounded) as is_ours:
        if is_ours:
            undo_records(
                pending,
                lambda _driver: session.world.target,
                context=session.context,
                bounded=session.bounded,
                report=report,
            )
        else:
            session.note("another process is undoing this run")
    if are_faults:
        session.removed_ms = session.context.now_ms()


def go_on(session: Session) -> None:
    """After an undo in the middle of the method: signals end the run again, or have by now."""
    if session.facts.ended_by or session.facts.clock:
        raise RunEnded
    session.is_undoing = False


def confirm_all_removed(session: Session) -> None:
    """Look at the target until every fault is seen to be gone, or the time for that is over."""
    limit_ms = ABORTED_CONFIRM_MS_MAX if session.facts.ended_by else CONFIRM_MS_MAX
    for one in reversed(session.hits):
        if not one.removed:
            wait_through(session, confirm_removed(session, one, limit_ms))


def confirm_removed(session: Session, one: Hit, limit_ms: int = CONFIRM_MS_MAX) -> Steps:
    """Look at whom a fault hit until it is seen to be gone there."""
    looks = _look_until_all(session, one, one.fault.was_removed, limit_ms)
    one.removed = yield from _say(session, one, "removed", looks)
    session.know(removed=all(each.removed for each in session.hits))


def wait_through(session: Session, steps: Steps) -> None:
    """Do it to its end, only listening where it waits."""
    for until_ms in steps:
        while session.context.now_ms() < until_ms:
            session.listen_and_ask(until_ms)


def state_of_undo(session: Session) -> UndoState:
    """Clean if every record was taken back and the target looks like it."""
    if session.pending():
        return UndoState.INCOMPLETE
    if session.records and session.facts.removed is False:
        return UndoState.UNKNOWN
    return undo_state(session.undone.values())


def _refuse_vanished(session: Session, step: PlannedStep) -> None:
    live = {instance.id for instance in session.world.target.instances()}
    gone = [instance.id for instance in step.targets if instance.id not in live]
    if gone:
        session.know(injection_error=f"gone since the plan was made: {', '.join(gone)}")
        session.fix = "run it again; the targets are chosen anew each time"
        raise FaultOver


def _write_records(session: Session, step: PlannedStep, fault: Fault) -> tuple[UndoRecord, ...]:
    """Every record of the step on disk. Raises JournalNotWritable: then nothing is injected."""
    deadline_ms = session.context.now_ms() + step.deadline_ms
    ids = record_ids(session)
    if isinstance(fault, TrafficLoad):
        records = fault.prepare_at(session.world.target, ids)
    else:
        records = fault.prepare(step.targets, session.plan.driver, ids, deadline_ms)
    put_on_disk(session, records)
    return records


def record_ids(session: Session) -> RecordIds:
    """Ids for records of this run, each once."""
    numbers = itertools.count(len(session.records) + 1)
    mark = f"{session.context.rng.getrandbits(16):04x}"  # run ids are unique per user only
    return lambda: f"{session.run_id}-{mark}-{next(numbers)}"


def put_on_disk(session: Session, records: Sequence[UndoRecord]) -> None:
    """Write the records down. Raises JournalNotWritable."""
    for number, record in enumerate(records, 1):
        is_last = number == len(records)
        session.emit("record", durable=is_last, required=is_last, record=record.as_json())


def _inject(session: Session, one: Hit, records: tuple[UndoRecord, ...]) -> None:
    # Undoing the level before may have taken a signal in: nothing goes in after that.
    go_on(session)
    session.phase = "inject"
    session.injected_ms = session.injected_ms or session.context.now_ms()
    session.emit("inject", fault=one.step.fault, targets=_names(one), records=len(records))
    for record in records:
        session.listen_to_all()
        session.busy()
        # From here on the record is ours to undo, also if the driver fails half way.
        session.records.append(record)
        one.records.append(record)
        try:
            session.world.target.inject(record)
        except MonkeyError as error:
            session.know(injection_error=str(error))
            session.fix = error.fix
            raise FaultOver from error
    session.emit("injected", records=len(records))


def confirm(session: Session, one: Hit) -> Steps:
    """Look at whom a fault hit until it is seen there. Raises FaultOver if it is not."""
    session.phase = "confirm"
    looks = _look_until_all(session, one, one.fault.took_effect, one.fault.seen_within_ms)
    if (yield from _say(session, one, "confirm", looks)):
        one.confirmed_ms = session.context.now_ms()
        session.confirmed_ms = session.confirmed_ms or one.confirmed_ms
        session.know(confirmed=session.facts.confirmed is not False)
        return
    session.know(confirmed=False, confirm_text=one.trouble)
    raise FaultOver


def _say(session: Session, one: Hit, event: str, looks: Looks) -> Generator[int, None, bool]:
    """Tell what was seen in the end; whether it was seen everywhere."""
    seen, trouble, after_ms = yield from looks
    missing = sorted(name for name, is_seen in seen.items() if not is_seen)
    session.emit(
        event,
        fault=one.step.fault,
        targets=_names(one),
        seen=len(seen) - len(missing),
        of=len(seen),
        after_ms=after_ms,
        missing=missing,
        trouble=trouble,
        left=len(session.pending_faults()),
    )
    one.trouble = trouble
    if missing and not trouble:
        one.trouble = f"{len(missing)} of {len(seen)} do not show it, first {missing[0]}"
    return bool(seen) and not missing


def _names(one: Hit) -> list[str]:
    return [instance.id for instance in one.step.targets]


def _look_until_all(
    session: Session,
    one: Hit,
    judge: Callable[[Mapping[str, Reading], Mapping[str, Reading]], Mapping[str, bool]],
    limit_ms: int,
) -> Looks:
    """What is seen on each instance; why the last look failed, if it did; after how long."""
    began_ms = session.context.now_ms()
    seen: Mapping[str, bool] = dict.fromkeys(one.before, False)
    trouble = ""
    while True:
        session.busy()
        try:
            seen = judge(one.before, one.fault.look(one.step.targets, session.world.target))
            trouble = ""
        except MonkeyError as error:
            trouble = str(error)
        after_ms = session.context.now_ms() - began_ms
        if (seen and all(seen.values())) or after_ms >= limit_ms:
            return seen, trouble, after_ms
        yield session.context.now_ms() + round(LOOK_EVERY_S * 1000)


def _as_json(readings: Mapping[str, Reading]) -> dict[str, object]:
    return {name: asdict(reading) for name, reading in readings.items()}
