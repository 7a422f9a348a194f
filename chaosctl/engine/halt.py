"""The kill switch: stop every run, whatever else hangs.

It talks to processes and folders only: no store, network, dashboard or driver is in its way.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from chaosctl.context import Context
from chaosctl.engine.folder import HALT
from chaosctl.engine.journal import read_journal
from chaosctl.engine.ledger import RunState, RunSummary, list_open_runs, summarize
from chaosctl.engine.process import is_alive, send
from chaosctl.engine.recover import finish_undo
from chaosctl.engine.undo import UndoerFor
from chaosctl.errors import ChaosctlError

REACT_S = 0.5
"""A run that has not begun to end by then is killed; its watchdog undoes, within 2 s in all."""

FINISH_S = 30.0
POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Halted:
    """What became of one run. how: `stopped` by itself, `killed`, `recovered` (was dead already).

    undo: clean, incomplete or unknown (another user's watchdog is still at it).
    """

    run_id: str
    user: str
    how: str
    undo: str
    detail: str = ""


def halt_all(context: Context, undoer_for: UndoerFor, *, reason: str) -> list[Halted]:
    """Stop every run that this user may signal (root: all) and see that each is undone.

    Asks by SIGUSR1, kills after 0.5 s those that do not react, and undoes what no watchdog does.
    """
    runs = list_open_runs(context)
    active = [run for run in runs if not run.is_left]
    for run in active:
        _say_why(run, reason)
        send(run.process, signal.SIGUSR1)
    killed = _kill_deaf(context, active)
    _wait_for_undo(context, active)
    halted = [
        _outcome(context, run, undoer_for, "killed" if run.id in killed else "stopped")
        for run in active
    ]
    dead = [run for run in runs if run.is_left and run.uid == os.geteuid()]
    return halted + [_outcome(context, run, undoer_for, "recovered") for run in dead]


def _say_why(run: RunSummary, reason: str) -> None:
    """Best effort: the signal alone is enough. Never through a link that another user laid."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    with suppress(OSError):
        descriptor = os.open(run.folder / HALT, flags, 0o644)
        try:
            os.write(descriptor, reason.encode())
        finally:
            os.close(descriptor)


def _kill_deaf(context: Context, runs: Sequence[RunSummary]) -> set[str]:
    """Give each time to react, then kill who did not; ids of the killed."""
    until = context.monotonic() + REACT_S
    deaf = list(runs)
    while deaf and context.monotonic() < until:
        deaf = [run for run in deaf if not _has_reacted(run)]
        if deaf:
            context.sleep(POLL_S)
    return {run.id for run in deaf if send(run.process, signal.SIGKILL)}


def _has_reacted(run: RunSummary) -> bool:
    if not is_alive(run.process):
        return True
    try:
        events = read_journal(run.folder)
    except ChaosctlError:
        return False
    return any(e["event"] in ("halt", "verdict") for e in events)


def _wait_for_undo(context: Context, runs: Sequence[RunSummary]) -> None:
    """Until every run and watchdog is through with its first try, or the time for that is over."""
    until = context.monotonic() + FINISH_S
    while context.monotonic() < until:
        if not any(_is_busy(run) for run in runs):
            return
        context.sleep(POLL_S)


def _is_busy(run: RunSummary) -> bool:
    """Whether its process or its watchdog is at it, and not only waiting to try once more."""
    if not (is_alive(run.process) or is_alive(run.watchdog)):
        return False
    try:
        return not summarize(run.folder).is_left
    except ChaosctlError:
        return True


def _outcome(context: Context, run: RunSummary, undoer_for: UndoerFor, how: str) -> Halted:
    try:
        now = summarize(run.folder)
    except ChaosctlError as error:
        return Halted(run.id, run.user, how, "unknown", str(error))
    if now.state is RunState.FINISHED:
        return Halted(run.id, run.user, how, "clean")
    if not now.is_left or run.uid != os.geteuid():
        pid = now.pid or now.watchdog_pid
        return Halted(run.id, run.user, how, "unknown", f"process {pid} is still at it")
    report = finish_undo(context, run.folder, undoer_for, by="halt")
    errors = "; ".join(result.error for result in report.results if result.error)
    return Halted(run.id, run.user, how, report.state, errors)
