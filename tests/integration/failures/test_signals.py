"""A closed terminal, impatience, a halt, a start cut short: nothing is left. Else: the diagonal."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import termios
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.integration.bed import Bed, wait_for_event, wait_until
from tests.integration.failures.documents import document
from tests.integration.observer.difference import settle, steady
from tests.integration.observer.snapshot import Snapshot, take

pytestmark = [pytest.mark.integration, pytest.mark.timeout(150)]


@dataclass(frozen=True, slots=True)
class Breaking:
    """A run whose fault is in."""

    process: subprocess.Popen[str]
    before: Snapshot
    folder: Path


def broken(bed: Bed, fault: str = "unreachable", for_s: float = 30) -> Breaking:
    """Start a run and wait until its fault is confirmed."""
    before, known = steady(bed.scope), bed.run_folders()
    process = bed.start("run", "--plain", bed.document(document(fault, for_s=for_s)))
    return Breaking(process, before, wait_for_event(bed, known, ["confirm"]))


def test_closed_terminal_undoes_and_ends(bed: Bed) -> None:
    before, known = steady(bed.scope), bed.run_folders()
    master, slave = os.openpty()
    process = bed.start(
        "run",
        bed.document(document("unreachable", for_s=30)),
        **dict.fromkeys(("stdin", "stdout", "stderr"), slave),
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(slave)
    os.set_blocking(master, False)
    wait_until(lambda: _drained(master) and _has_event(bed, known, "confirm"), 60, "confirmation")
    os.close(master)
    left, _ = settle(before, bed.scope, 2)
    assert left == []
    assert process.wait(timeout=10) == 129


def test_three_interrupts_leave_the_undo_to_the_watchdog_at_worst(bed: Bed) -> None:
    run = broken(bed, "latency")
    for _ in range(3):
        run.process.send_signal(signal.SIGINT)
        time.sleep(0.05)
    left, _ = settle(run.before, bed.scope, 10)
    assert left == []
    assert bed.finish(run.process).code in (130, 6)


@pytest.mark.parametrize("is_store_frozen", [False, True])
def test_halt_ends_a_run_from_elsewhere(bed: Bed, is_store_frozen: bool) -> None:
    run = broken(bed)
    (store,) = bed.processes("-m atlas serve", str(bed.folder))
    if is_store_frozen:
        os.kill(store, signal.SIGSTOP)
    try:
        said = bed.chaosctl("halt")
        left = settle(run.before, bed.scope, 2)[0]
    finally:
        os.kill(store, signal.SIGCONT)
    assert said.code == 0, said.text
    assert said.seconds < 4  # the interpreter's start included; on its own a halt takes 2 s at most
    assert [residue for residue in left if str(store) not in str(residue)] == []
    assert bed.finish(run.process).code == 5


@pytest.mark.parametrize("after_s", [0.3, 0.6, 0.9, 1.5, 2.5])
def test_interrupted_start_leaves_nothing(fresh: Bed, after_s: float) -> None:
    before = take(fresh.scope)
    starting = fresh.start("demo", "up", "--size", "small")
    time.sleep(after_s)
    starting.send_signal(signal.SIGINT)
    assert fresh.finish(starting, timeout_s=20).code in (0, 130, -signal.SIGINT)
    fresh.chaosctl("demo", "down")  # it may have been up already
    assert [r for r in settle(before, fresh.scope, 2)[0] if r.what != str(fresh.runtime)] == []


def _drained(master: int) -> bool:
    """Read what a terminal would show, so that the run never waits for us."""
    try:
        while os.read(master, 65536):
            pass
    except OSError:
        pass
    return True


def _has_event(bed: Bed, known: set[Path], name: str) -> bool:
    try:
        wait_for_event(bed, known, [name], timeout_s=0)
    except AssertionError:
        return False
    return True
