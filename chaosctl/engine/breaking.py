"""The phases that touch the target: record, inject, confirm, remove."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict

from chaosctl.engine.plan import CONFIRM_MS_MAX, PlannedStep, make_fault
from chaosctl.engine.session import Hit, Session
from chaosctl.engine.undo import (
    UndoResult,
    undo_fields,
    undo_lock,
    undo_records,
    undo_state,
)
from chaosctl.judge.verdict import UndoState
from monkeys.errors import MonkeyError
from monkeys.target import Reading, RecordIds, UndoRecord

LOOK_EVERY_S = 0.2
ABORTED_CONFIRM_MS_MAX = 1_500
"""After a signal people wait: the undo has been done, only the second look is cut short."""


class FaultOver(Exception):
    """The fault is to be taken out now; the facts say why."""


def hit(session: Session, step: PlannedStep) -> None:
    """Record, inject and confirm one step. Raises FaultOver if it failed or was not seen."""
    session.phase = "record"
    fault = make_fault(session.setup.faults, step)
    session.busy()
    _refuse_vanished(session, step)
    before = fault.look(step.targets, session.world.target)
    session.emit("look", when="before", fault=step.fault, readings=_as_json(before))
    session.hits.append(Hit(step, fault, before))
    records = _write_records(session, step)
    _inject(session, records)
    _confirm(session, session.hits[-1])


def apply_settings(session: Session) -> None:
    """Set at the target what the document wants set for the whole run."""
    records = session.world.settings(_record_ids(session))
    _put_on_disk(session, records)
    for record in records:
        session.busy()
        session.settings.add(record.id)
        session.records.append(record)
        session.world.target.inject(record)


def take_out(session: Session, *, settings_too: bool = False) -> None:
    """Undo the faults of this run that are not undone. Raises LeftToWatchdog."""
    pending = [r for r in session.pending() if settings_too or r.id not in session.settings]
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


def confirm_removed(session: Session) -> None:
    """Look at the target until the faults are seen to be gone, or the time for that is over."""
    limit_ms = ABORTED_CONFIRM_MS_MAX if session.facts.ended_by else CONFIRM_MS_MAX
    for one in reversed(session.hits):
        if one.removed:
            continue
        seen, trouble, after_ms = _look_until_all(session, one, one.fault.was_removed, limit_ms)
        missing = sorted(name for name, is_seen in seen.items() if not is_seen)
        session.emit(
            "removed",
            fault=one.step.fault,
            seen=len(seen) - len(missing),
            of=len(one.step.targets),
            after_ms=after_ms,
            missing=missing,
            trouble=trouble,
        )
        one.removed = bool(seen) and not missing
    if session.hits:
        session.know(removed=all(one.removed for one in session.hits))


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


def _write_records(session: Session, step: PlannedStep) -> tuple[UndoRecord, ...]:
    """Every record of the step on disk. Raises JournalNotWritable: then nothing is injected."""
    deadline_ms = session.context.now_ms() + step.deadline_ms
    fault, ids = session.hits[-1].fault, _record_ids(session)
    records = fault.prepare(step.targets, session.plan.driver, ids, deadline_ms)
    _put_on_disk(session, records)
    return records


def _record_ids(session: Session) -> RecordIds:
    numbers = itertools.count(len(session.records) + 1)
    mark = f"{session.context.rng.getrandbits(16):04x}"  # run ids are unique per user only
    return lambda: f"{session.run_id}-{mark}-{next(numbers)}"


def _put_on_disk(session: Session, records: Sequence[UndoRecord]) -> None:
    for number, record in enumerate(records, 1):
        is_last = number == len(records)
        session.emit("record", durable=is_last, required=is_last, record=record.as_json())


def _inject(session: Session, records: tuple[UndoRecord, ...]) -> None:
    session.phase = "inject"
    session.injected_ms = session.injected_ms or session.context.now_ms()
    session.emit("inject", fault=records[0].fault if records else "", records=len(records))
    for record in records:
        session.listen_to_all()
        session.busy()
        # From here on the record is ours to undo, also if the driver fails half way.
        session.records.append(record)
        try:
            session.world.target.inject(record)
        except MonkeyError as error:
            session.know(injection_error=str(error))
            session.fix = error.fix
            raise FaultOver from error
    session.emit("injected", records=len(records))


def _confirm(session: Session, one: Hit) -> None:
    session.phase = "confirm"
    seen, trouble, after_ms = _look_until_all(session, one, one.fault.took_effect, CONFIRM_MS_MAX)
    missing = sorted(name for name, is_seen in seen.items() if not is_seen)
    of = len(one.step.targets)
    session.emit(
        "confirm",
        fault=one.step.fault,
        seen=len(seen) - len(missing),
        of=of,
        after_ms=after_ms,
        missing=missing,
        trouble=trouble,
    )
    if seen and not missing:
        session.confirmed_ms = session.context.now_ms()
        session.know(confirmed=session.facts.confirmed is not False)
        return
    text = trouble or f"{len(missing)} of {of} do not show it, first {missing[0]}"
    session.know(confirmed=False, confirm_text=text)
    raise FaultOver


def _look_until_all(
    session: Session,
    one: Hit,
    judge: Callable[[Mapping[str, Reading], Mapping[str, Reading]], Mapping[str, bool]],
    limit_ms: int,
) -> tuple[Mapping[str, bool], str, int]:
    """What is seen on each instance; why the last look failed, if it did; after how long."""
    began_ms = session.context.now_ms()
    seen: Mapping[str, bool] = {instance.id: False for instance in one.step.targets}
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
        pause_until_ms = session.context.now_ms() + round(LOOK_EVERY_S * 1000)
        while session.context.now_ms() < pause_until_ms:
            session.listen_and_ask(pause_until_ms)


def _as_json(readings: Mapping[str, Reading]) -> dict[str, object]:
    return {name: asdict(reading) for name, reading in readings.items()}
