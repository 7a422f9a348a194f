"""Try one cell: a run, an event in a phase of it, and what the observer says afterwards."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.integration.bed import Bed, wait_until
from tests.integration.failures.documents import document
from tests.integration.observer.difference import Residue, diff, settle, steady
from tests.integration.observer.processes import descendants, every_process
from tests.integration.observer.snapshot import Snapshot, take
from tests.matrix.cells import EVENTS, PHASE_OF, PHASES, Cell
from tests.matrix.results import Result, commit, sources_version
from tests.matrix.striking import STRIKES, Stage, preloading, set_stage, watchdogs

FOR_S, BASELINE_S, RECOVERY_S = 3, 2, 5
EXPIRED_S = FOR_S + 5 + 10 + 2
"""Fault, confirmation and margin are the deadline that a fault carries; and a little."""

REACHED_S, ENDED_S, PATIENCE_S = 40, 60, 30
SLOW_S = 0.05
"""How much longer a phase's line takes to write, where a phase is too short to be hit without."""


def try_cell(bed: Bed, cell: Cell) -> Result:
    """Try it; where the run was a phase further by then, once more with a slow journal."""
    result = _try(bed, cell, slow=False)
    if result.is_clean and cell.phase not in result.hit:
        result = _try(bed, cell, slow=True)
    return result


def kill_at(bed: Bed, fault: str, phase: str, after_s: float) -> Result:
    """SIGKILL of the run so many seconds after a phase has begun, or at its end."""
    return _try(bed, Cell(phase, "SIGKILL", fault), slow=False, after_s=after_s)


@dataclass(slots=True)
class _Struck:
    """A run that was hit. folder: None if it had none yet."""

    process: subprocess.Popen[str]
    folder: Path | None
    before: Snapshot
    at_s: float
    hit: list[str]

    def since_s(self) -> float:
        return time.monotonic() - self.at_s


def _try(bed: Bed, cell: Cell, *, slow: bool, after_s: float = 0.0) -> Result:
    result = Result(
        cell.name,
        sources_version(),
        commit(),
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        load=round(os.getloadavg()[0], 1),
        limit_s=cell.limit_s,
    )
    with set_stage(bed, cell.event) as stage:
        before = steady(bed.scope)
        stage.start()
        struck = _strike(stage, cell, before, slow=slow, after_s=after_s)
        result.hit = struck.hit
        WAYS.get(cell.event, _ends)(bed, cell, struck, result)
    return result


def _strike(stage: Stage, cell: Cell, before: Snapshot, *, slow: bool, after_s: float) -> _Struck:
    bed, known = stage.bed, stage.bed.run_folders()
    text = document(cell.fault, for_s=FOR_S, baseline_s=BASELINE_S, recovery_s=RECOVERY_S)
    if slow and PHASES[cell.phase]:
        stage.variables["MATRIX_SLOW"] = f"{PHASES[cell.phase]}:{SLOW_S}"
    process = bed.start(
        "run",
        "--plain",
        *stage.options,
        bed.document(text),
        variables=preloading(bed, stage.variables),
    )
    folder = _wait_for(bed, known, process, PHASES[cell.phase])
    if after_s:
        with suppress(subprocess.TimeoutExpired):
            process.wait(after_s)
    first = _phase(folder)
    at_s = time.monotonic()
    STRIKES[cell.event](stage, process.pid, folder)
    return _Struck(process, folder, before, at_s, list(dict.fromkeys([first, _phase(folder)])))


def _wait_for(
    bed: Bed, known: set[Path], process: subprocess.Popen[str], event: str
) -> Path | None:
    """Until the run journals the event, or without one until it reads YAML; its folder then."""
    until_s = time.monotonic() + REACHED_S
    mark = f'"event":"{event}"'.encode()
    while process.poll() is None and time.monotonic() < until_s:
        if not event:
            with suppress(OSError):
                if b"/yaml/" in Path(f"/proc/{process.pid}/maps").read_bytes():
                    return None
        else:
            for folder in bed.run_folders() - known:
                with suppress(OSError):
                    if mark in (folder / "journal.jsonl").read_bytes():
                        return folder
        time.sleep(0.0005)
    raise AssertionError(f"no {event or 'document'} in time: {bed.finish(process, 5).text}")


def _phase(folder: Path | None) -> str:
    """The phase that a run is in, by its journal: for telling what was hit, not for judging."""
    if folder is None:
        return "validate"
    with suppress(OSError):
        for line in reversed((folder / "journal.jsonl").read_bytes().split(b"\n")):
            for event, phase in PHASE_OF.items():
                if f'"event":"{event}"'.encode() in line:
                    return phase
    return "plan"


def _ends(bed: Bed, _cell: Cell, struck: _Struck, result: Result) -> None:
    """The event ends the run, or has the watchdog end it."""
    began_s = struck.since_s()
    left, clean_s = settle(struck.before, bed.scope, PATIENCE_S)
    result.clean_s = round(began_s + clean_s, 2)
    said = bed.finish(struck.process, ENDED_S)
    result.code, result.left = said.code, _texts(left)
    result.said = "" if result.is_clean else said.text[-2000:]


def _goes_on(bed: Bed, _cell: Cell, struck: _Struck, result: Result) -> None:
    """The run goes on, and comes to its own end."""
    said = bed.finish(struck.process, ENDED_S)
    result.ended_s = round(struck.since_s(), 2)
    left, clean_s = settle(struck.before, bed.scope, PATIENCE_S)
    result.code, result.clean_s, result.left = said.code, round(clean_s, 2), _texts(left)
    result.said = _last_line(said.text) if result.is_clean else said.text[-2000:]


def _stops(bed: Bed, cell: Cell, struck: _Struck, result: Result) -> None:
    """The watchdog kills a stopped run. Before there is one nothing was touched: it just waits."""
    if watchdogs(bed, struck.folder):
        _ends(bed, cell, struck, result)
        return
    own = {struck.process.pid, *descendants(every_process(), struck.process.pid)}
    touched = [
        residue
        for residue in diff(struck.before, take(bed.scope))
        if not (residue.kind.endswith("process") and int(residue.what.split()[0]) in own)
    ]
    result.said = "no watchdog yet: it waits, with nothing touched, and ends when it is let go"
    for number in (signal.SIGTERM, signal.SIGCONT):
        struck.process.send_signal(number)
    struck.at_s = time.monotonic()
    _ends(bed, cell, struck, result)
    result.left += _texts(touched)


def _both(bed: Bed, _cell: Cell, struck: _Struck, result: Result) -> None:
    """What goes by itself until the faults' deadline has passed, and what `recover` takes back."""
    left: list[Residue] = []
    while struck.since_s() < EXPIRED_S:
        left = diff(struck.before, take(bed.scope))
        for residue in left:
            result.lasting[residue.kind] = round(struck.since_s(), 1)
        if not left:
            break
    result.code = bed.finish(struck.process, ENDED_S).code
    result.kept = sorted({residue.kind for residue in left})
    began_s = time.monotonic()
    said = bed.chaosctl("recover")
    asked_s = time.monotonic() - began_s
    left, clean_s = settle(struck.before, bed.scope, PATIENCE_S)
    result.undone_s = round(asked_s + clean_s, 2)
    result.clean_s = result.undone_s  # the limit is for the command; a deadline is the fault's own
    result.left = _texts(left) + ([said.text] if said.code else [])
    result.said = said.text[-2000:] if result.left else ""


WAYS: dict[str, Callable[[Bed, Cell, _Struck, Result], None]] = {
    **{name: _goes_on for name, event in EVENTS.items() if event.goes_on},
    "SIGSTOP": _stops,
    "SIGKILL of both": _both,
}


def calm(bed: Bed) -> None:
    """Wait until what a run started is gone; take back what it should have taken back."""
    busy = ("chaosctl.drivers.network", "chaosctl.watchdog", "chaosctl run")
    try:
        wait_until(lambda: not any(bed.processes(words) for words in busy), 15, "calm")
    except AssertionError:
        for pid in [pid for words in busy for pid in bed.processes(words)]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    bed.chaosctl("recover")


def _texts(left: list[Residue]) -> list[str]:
    return [str(residue) for residue in left]


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else ""
