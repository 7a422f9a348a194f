"""Take back what was injected, from records alone: reverse order, every step tried, bounded.

Needs neither the store nor room on the disk. A lock in the run folder keeps run, watchdog and a
later command from doing it at once; who gets it second finds in the journal what is done already.
"""

from __future__ import annotations

import fcntl
import os
import queue
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from chaosctl.context import Context, Work, in_thread
from chaosctl.engine.folder import UNDO_LOCK
from chaosctl.engine.journal import Event
from chaosctl.judge.verdict import UndoState
from monkeys.errors import MonkeyError
from monkeys.target import UndoRecord

STEP_TIMEOUT_S = 8.0
"""For one record; longer than any driver's own time-out, so that this one is the last resort."""

WITHIN = "undo_within_s"
"""In a record's detail: it needs so long, where that is more."""

ROUNDS = 3
PAUSE_S = 0.3
LOCK_TIMEOUT_S = 20.0


class Undoes(Protocol):
    """The part of a target that undo needs."""

    def undo(self, record: UndoRecord) -> None:
        """Take back what the record describes; idempotent, bounded in time."""


UndoerFor = Callable[[str], Undoes]
"""From a driver's name (`UndoRecord.driver`) to what undoes its records. Raises ChaosctlError."""

Bounded = Callable[[Work, float], Any]
"""Does work for at most so many seconds; its value, the exception it raised, or TimeoutError."""


@dataclass(frozen=True, slots=True)
class UndoResult:
    """How one record fared. error: what, where, fix in a line, empty when it was taken back."""

    record_id: str
    fault: str
    instances: tuple[str, ...]
    error: str = ""
    took_ms: int = 0

    @property
    def ok(self) -> bool:
        """Whether it was taken back."""
        return not self.error


@dataclass(frozen=True, slots=True)
class UndoReport:
    """What became of a whole run's records. by_other: another process is at it."""

    run_id: str
    folder: Path
    results: tuple[UndoResult, ...]
    state: UndoState
    by_other: bool = False


def undo_records(
    records: Sequence[UndoRecord],
    undoer_for: UndoerFor,
    *,
    context: Context,
    bounded: Bounded,
    report: Callable[[UndoResult], None],
    rounds: int = ROUNDS,
) -> tuple[UndoResult, ...]:
    """Undo in reverse order; what fails is tried again after the others, `rounds` times in all.

    report: told of each try. Returns one result for each record, in the order of undoing.
    """
    results: dict[str, UndoResult] = {}
    waiting = list(reversed(records))
    for number in range(rounds):
        if number and waiting:
            bounded(lambda: context.sleep(PAUSE_S), PAUSE_S + 1.0)
        for record in list(waiting):
            result = _undo_one(record, undoer_for, context, bounded)
            results[record.id] = result
            report(result)
            if result.ok:
                waiting.remove(record)
    return tuple(results.values())


def undo_state(results: Iterable[UndoResult]) -> UndoState:
    """Clean only if everything was taken back."""
    return UndoState.CLEAN if all(r.ok for r in results) else UndoState.INCOMPLETE


def records_in(events: Iterable[Event]) -> list[UndoRecord]:
    """Every undo record of a journal, in order of injection. Raises ValueError for newer ones."""
    return [UndoRecord.from_json(e["record"]) for e in events if e["event"] == "record"]


def undone_in(events: Iterable[Event]) -> set[str]:
    """Ids of records that a journal says were taken back."""
    return {e["record_id"] for e in events if e["event"] == "undo" and e.get("ok")}


def undo_fields(result: UndoResult, by: str) -> Mapping[str, Any]:
    """The fields of the `undo` event for one try."""
    return {
        "record_id": result.record_id,
        "fault": result.fault,
        "instances": result.instances,
        "ok": result.ok,
        "error": result.error,
        "took_ms": result.took_ms,
        "by": by,
    }


def bounded_in_thread(work: Work, timeout_s: float) -> Any:
    """`Bounded` for processes that have nothing else to listen to meanwhile."""
    answer: queue.SimpleQueue[Any] = queue.SimpleQueue()
    in_thread(work, answer.put)
    try:
        return answer.get(timeout=timeout_s)
    except queue.Empty:
        return TimeoutError()


@contextmanager
def undo_lock(
    folder: Path, context: Context, bounded: Bounded, timeout_s: float = LOCK_TIMEOUT_S
) -> Iterator[bool]:
    """Be the only one to undo this run. Yields False when another still is after `timeout_s`.

    A folder or lock that cannot be opened locks nobody out: then undoing matters more.
    """
    try:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(folder / UNDO_LOCK, flags, 0o600)
    except OSError:
        yield True
        return
    try:
        yield _wait_for_lock(descriptor, context, bounded, timeout_s)
    finally:
        os.close(descriptor)


def _wait_for_lock(descriptor: int, context: Context, bounded: Bounded, timeout_s: float) -> bool:
    until = context.monotonic() + timeout_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if context.monotonic() >= until:
                return False
            bounded(lambda: context.sleep(0.05), 1.0)
        except OSError:
            return True  # a file system without locks
        else:
            return True


def _undo_one(
    record: UndoRecord, undoer_for: UndoerFor, context: Context, bounded: Bounded
) -> UndoResult:
    began = context.monotonic()
    within_s = max(STEP_TIMEOUT_S, float(record.detail.get(WITHIN, 0.0)))
    answer = bounded(lambda: undoer_for(record.driver).undo(record), within_s)
    return UndoResult(
        record_id=record.id,
        fault=record.fault,
        instances=tuple(i.id for i in record.instances),
        error=describe(answer) if isinstance(answer, BaseException) else "",
        took_ms=round((context.monotonic() - began) * 1000),
    )


def describe(error: BaseException) -> str:
    """An error in a line: what, where, fix."""
    if isinstance(error, TimeoutError) and not error.args:
        return f"did not answer within {STEP_TIMEOUT_S:g} s"
    text = str(error) or type(error).__name__
    known = isinstance(error, MonkeyError) or hasattr(error, "fix")
    if not known:
        return f"{type(error).__name__}: {text}"
    fix = getattr(error, "fix", "")
    return f"{text}; fix: {fix}" if fix else text
