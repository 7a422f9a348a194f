"""Take back what dead runs left: by command, at the start of the next one, and by the watchdog."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from chaosctl.context import Context
from chaosctl.engine.folder import RESULT
from chaosctl.engine.journal import (
    Journal,
    read_journal,
    reopen_journal,
    to_json,
    verify_journal,
    write_whole,
)
from chaosctl.engine.ledger import RunState, RunSummary, list_open_runs
from chaosctl.engine.result import SCHEMA
from chaosctl.engine.terminal import let_go_for
from chaosctl.engine.undo import (
    ROUNDS,
    UndoerFor,
    UndoReport,
    UndoResult,
    bounded_in_thread,
    records_in,
    undo_fields,
    undo_lock,
    undo_records,
    undo_state,
    undone_in,
)
from chaosctl.errors import ChaosctlError, NotStarted
from chaosctl.judge.verdict import EXIT_CODES, UNDO_INCOMPLETE, UndoState, Verdict


def undo_run(
    context: Context, run: RunSummary, undoer_for: UndoerFor, *, by: str = "undo"
) -> UndoReport:
    """Undo every record of a run that nobody is running, again if need be (undo is idempotent).

    Raises NotStarted while the run or its watchdog is at it: `chaosctl halt` is for that. One that
    could not undo it so far, and tries again, is no hindrance: one process undoes at a time.
    """
    if run.state is RunState.ACTIVE and not run.is_left:
        pid = run.pid or run.watchdog_pid
        raise NotStarted(
            f"run is still active (process {pid})",
            where=run.id,
            fix="`chaosctl halt` stops it and has it undone",
        )
    return finish_undo(context, run.folder, undoer_for, by=by, again=True)


def recover(context: Context, undoer_for: UndoerFor, *, by: str = "recover") -> list[UndoReport]:
    """Undo every unfinished run of this user; a report for each, none if there was nothing.

    Never raises for a run that resists: its report says `incomplete` and why.
    """
    return [
        finish_undo(context, run.folder, undoer_for, by=by)
        for run in list_open_runs(context)
        # What another user wrote is not for root to act upon: it would run with root's rights.
        if run.is_left and run.uid == os.geteuid()
    ]


def finish_undo(
    context: Context,
    folder: Path,
    undoer_for: UndoerFor,
    *,
    by: str,
    again: bool = False,
    rounds: int = ROUNDS,
    reason: str = "the run died",
) -> UndoReport:
    """Undo the rest of a dead run and write down how it ended.

    again: also what the journal says is undone. A journal that cannot be added to (a full or
    read-only disk) stops nothing.
    """
    with undo_lock(folder, context, bounded_in_thread) as is_ours:
        if not is_ours:
            return UndoReport(folder.name, folder, (), UndoState.UNKNOWN, by_other=True)
        try:
            events = read_journal(folder)
            records = records_in(events)
        except (ChaosctlError, ValueError) as error:
            failed = UndoResult("", "", (), error=str(error))
            return UndoReport(folder.name, folder, (failed,), UndoState.UNKNOWN)
        journal = _reopen(folder, context)
        damage = _damage(folder)
        done = set() if again else undone_in(events)

        def report(result: UndoResult) -> None:
            if journal is not None:
                journal.append("undo", **undo_fields(result, by))

        results = undo_records(
            [record for record in records if record.id not in done],
            cache(undoer_for),  # one connection to a target does for all its records
            context=context,
            bounded=bounded_in_thread,
            report=report,
            rounds=rounds,
        )
        state = undo_state(results)
        if damage and state is UndoState.CLEAN:
            state, results = UndoState.UNKNOWN, (*results, damage)
        let_go_for(folder)
        counts = _counts(len(records), results)
        _conclude(folder, journal, events, state, by=by, reason=reason, counts=counts)
        if journal is not None:
            with suppress(OSError):
                journal.close()
    return UndoReport(folder.name, folder, results, state)


def _damage(folder: Path) -> UndoResult | None:
    """What speaks against the journal's having every undo record: a line of it is not whole any
    more. One that was torn as it was written is none: what was not durable was not injected."""
    try:
        verify_journal(folder)
    except ChaosctlError as error:
        return UndoResult(
            "", "journal", (folder.name,), error=f"an undo record may be lost: {error}"
        )
    return None


def _counts(of: int, results: Sequence[UndoResult]) -> dict[str, Any]:
    """How many of the records are undone, and what is wrong with the others, for the result."""
    left = [result for result in results if result.error]
    errors = [f"{', '.join(r.instances)} ({r.fault}): {r.error}" for r in left]
    return {"done": of - sum(bool(result.record_id) for result in left), "of": of, "errors": errors}


def _reopen(folder: Path, context: Context) -> Journal | None:
    try:
        return reopen_journal(folder, context)
    except (OSError, ChaosctlError):
        return None


def _conclude(
    folder: Path,
    journal: Journal | None,
    events: Sequence[Mapping[str, Any]],
    state: UndoState,
    *,
    by: str,
    reason: str,
    counts: Mapping[str, Any],
) -> None:
    """A verdict for a run that could not give its own; the state of undo for any.

    counts: how many of its undo records are done, as a result has it.
    """
    before = next((e for e in reversed(events) if e["event"] == "verdict"), None)
    verdict = str(before["verdict"]) if before else Verdict.ABORTED.value
    is_clean = state is UndoState.CLEAN
    said: dict[str, Any] = {
        "verdict": verdict,
        "undo": state,
        "exit_code": EXIT_CODES[Verdict(verdict)] if is_clean else UNDO_INCOMPLETE,
        "reason": _reason(before, state, by) if before else f"ended by {by}: {reason}",
        "fix": _fix(folder, state),
    }
    if journal is not None:
        journal.append("verdict", **said, by=by)
    path = folder / RESULT
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        result = {"schema": SCHEMA, "run_id": folder.name, "detail": _detail(events)}
    if isinstance(result.get("detail"), dict):
        result["detail"]["undo"] = dict(counts)
    with suppress(OSError):  # the journal has it, as far as the disk goes
        write_whole(path, to_json(result | said, indent=1))


def _detail(events: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What the journal's beginning tells of a run that could not say so itself."""
    start = next((e for e in events if e["event"] == "start"), {})
    detail = {key: start[key] for key in ("experiment", "title", "seed") if key in start}
    if "sha256" in start:
        detail["document"] = {"source": start.get("source", ""), "sha256": start["sha256"]}
    if "driver" in start:
        detail["target"] = {"driver": start["driver"]}
    return detail


def _fix(folder: Path, state: UndoState) -> str:
    if state is UndoState.UNKNOWN:
        return f"see by hand that nothing is left at the target, then remove {folder}"
    return "" if state is UndoState.CLEAN else f"chaosctl undo {folder.name}"


def _reason(before: Mapping[str, Any], state: UndoState, by: str) -> str:
    """The run's own reason, without what it said of an undo that is whole by now."""
    text = str(before["reason"])
    own, is_told, _ = text.partition(f"; undo {before['undo']}: ")
    return f"{own}; undone later, by {by}" if is_told and state is UndoState.CLEAN else text
