"""The watchdog of one run: undoes when the run dies, hangs or is stopped.

It is a process of its own: own session, double-forked, deaf to INT, TERM and HUP. The run writes a
byte a second into a pipe. When the pipe closes, or nothing came for 5 s, the watchdog kills the run
first, so that a run that wakes up later cannot inject any more (the fence), and then undoes
everything in the journal. Whatever it needs is imported and opened before there is trouble.
"""

from __future__ import annotations

import argparse
import os
import select
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from chaosctl.context import Context
from chaosctl.engine.audit import append_audit
from chaosctl.engine.journal import FILE_NAME, parse_journal, to_json
from chaosctl.engine.lease import DONE, LEASE_S, LEFT
from chaosctl.engine.process import ProcessId, from_json, identify, is_alive, send
from chaosctl.engine.recover import finish_undo
from chaosctl.engine.undo import UndoerFor
from chaosctl.judge.verdict import UndoState

DEAF_TO = (
    signal.SIGINT,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGTSTP,
    signal.SIGUSR1,
    signal.SIGPIPE,
)
DEATH_TIMEOUT_S = 2.0
LEAVING_TIMEOUT_S = 3.0
"""How long a run that said it leaves may take to print its last words."""

STRAGGLER_S = 1.0
TRIES = 8
PAUSE_S = 1.0
PAUSE_S_MAX = 30.0


def main(argv: Sequence[str], load_undoer: Callable[[Context], UndoerFor] | None = None) -> int:
    """Watch the run whose folder and descriptors `argv` names, until it is through.

    load_undoer: gives what takes records back; the drivers' table unless a test has its own.
    """
    options = _options().parse_args(argv)
    if os.fork():
        return 0
    os.setsid()
    if os.fork():
        os._exit(0)
    for number in DEAF_TO:
        signal.signal(number, signal.SIG_IGN)
    folder = Path(options.folder)
    _redirect(folder / "watchdog.log")
    try:
        context = Context()
        undoer_for = (load_undoer or _drivers)(context)
        os.chdir("/")
        _watch(folder, options.lease, options.ready, context, undoer_for)
    except BaseException:
        traceback.print_exc()
        raise
    return 0


def _watch(folder: Path, lease: int, ready: int, context: Context, undoer_for: UndoerFor) -> None:
    run = _run_process(folder)
    os.write(ready, to_json(identify().as_json()).encode() + b"\n")
    os.close(ready)
    why = _wait_for_end(lease)
    if not why:
        return
    if why == "left":
        _wait_for_death(run, context, LEAVING_TIMEOUT_S)
    send(run, signal.SIGKILL)
    # One that the kernel holds up for longer dies before it runs another line of its own.
    _wait_for_death(run, context, DEATH_TIMEOUT_S)
    _undo_until_clean(folder, context, undoer_for, why)


def _wait_for_end(lease: int) -> str:
    """Why there is something to do; empty when the run said that it is through."""
    while True:
        if not select.select([lease], [], [], LEASE_S)[0]:
            return f"the run did not renew its lease for {LEASE_S:g} s"
        words = os.read(lease, 4096)
        if not words:
            return "the run died"
        if DONE in words:
            return ""
        if LEFT in words:
            return "left"


def _undo_until_clean(folder: Path, context: Context, undoer_for: UndoerFor, why: str) -> None:
    """Undo, and try again with longer and longer pauses, some minutes in all."""
    reason = "the run left the undo to it" if why == "left" else why
    pause_s = PAUSE_S
    for number in range(TRIES):
        if number:
            context.sleep(pause_s)
            pause_s = min(2 * pause_s, PAUSE_S_MAX)
        report = finish_undo(context, folder, undoer_for, by="watchdog", reason=reason)
        if report.state is not UndoState.CLEAN:
            continue
        if _died_injecting(folder):
            # A process that injected for the run may have had one order left, and come after us.
            context.sleep(STRAGGLER_S)
            finish_undo(context, folder, undoer_for, by="watchdog", again=True, reason=reason)
        break
    said = {"undo": report.state, "reason": reason}
    if trouble := append_audit(context, "watchdog", runs=[folder.name], **said):
        print(trouble, file=sys.stderr)  # noqa: T201 - goes to its log in the run folder


def _died_injecting(folder: Path) -> bool:
    names = [event["event"] for event in parse_journal((folder / FILE_NAME).read_bytes())]
    return names.count("inject") > names.count("injected")


def _run_process(folder: Path) -> ProcessId:
    """The run, from its journal: number and start, so that no stranger is killed for it."""
    for event in parse_journal((folder / FILE_NAME).read_bytes()):
        if event["event"] == "start":
            return from_json(event["process"])
    raise ValueError(f"journal in {folder} does not say which process the run is")


def _wait_for_death(run: ProcessId, context: Context, timeout_s: float) -> None:
    until = context.monotonic() + timeout_s
    while is_alive(run) and context.monotonic() < until:
        context.sleep(0.01)


def _drivers(context: Context) -> UndoerFor:
    """Imported now and not at the top: `--help` and tests do without drivers."""
    from chaosctl.worlds import undoer_for  # noqa: PLC0415 - see above

    return undoer_for(context)


def _redirect(log: Path) -> None:
    """Nothing of the terminal is kept open; what goes wrong is said in the run folder."""
    null = os.open(os.devnull, os.O_RDWR)
    written = null
    with suppress(OSError):
        written = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
    os.dup2(null, 0)
    os.dup2(null, 1)
    os.dup2(written, 2)


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="chaosctl.watchdog", description="Started by a run.")
    parser.add_argument("folder")
    parser.add_argument("--lease", type=int, required=True, help="read end of the run's pipe")
    parser.add_argument("--ready", type=int, required=True, help="where to say: ready")
    parser.add_argument("--lock", type=int, default=-1, help="kept open, so the lock lives on")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
