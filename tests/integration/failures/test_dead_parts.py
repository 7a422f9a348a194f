"""A part of the product or of the platform dies or freezes while a fault is in; full disks."""

from __future__ import annotations

import os
import resource
import signal

import pytest

from tests.integration.bed import Bed, journal, wait_for_event
from tests.integration.failures.documents import document
from tests.integration.failures.test_signals import broken
from tests.integration.observer.difference import settle, steady
from tests.integration.observer.processes import every_process
from tests.integration.observer.snapshot import take

pytestmark = [pytest.mark.integration, pytest.mark.timeout(150)]
SPLICE = "chaosctl.drivers.network.splice"


def supervisor(bed: Bed) -> int:
    """The platform's supervisor, as the kernel names it."""
    processes = every_process()
    (pid,) = [
        pid
        for pid in bed.processes("demo_platform", str(bed.folder))
        if processes[pid].name == "demo:supervisor"
    ]
    return pid


def test_killed_splice_is_put_right(bed: Bed) -> None:
    run = broken(bed, "latency", for_s=4)
    splices = bed.processes(SPLICE)
    assert splices
    for pid in splices:
        os.kill(pid, signal.SIGKILL)
    said = bed.finish(run.process)
    assert said.code in (0, 1, 4), said.text
    assert settle(run.before, bed.scope, 2)[0] == []


def test_killed_splice_of_a_killed_run_is_put_right(bed: Bed) -> None:
    run = broken(bed, "latency")
    for pid in [*bed.processes(SPLICE), run.process.pid]:
        os.kill(pid, signal.SIGKILL)
    bed.finish(run.process)
    assert settle(run.before, bed.scope, 10)[0] == []


@pytest.mark.parametrize("fault", ["unreachable", "latency"])
def test_killed_supervisor_takes_the_fault_with_it(fresh: Bed, fault: str) -> None:
    empty = take(fresh.scope)
    fresh.up("--size", "small")
    run = broken(fresh, fault)
    if fault == "latency":
        for pid in fresh.processes(SPLICE):
            os.kill(pid, signal.SIGKILL)
    os.kill(supervisor(fresh), signal.SIGKILL)
    said = fresh.finish(run.process)
    assert said.code == 4, said.text
    assert "undo clean" in said.text or "undo=clean" in said.text
    left, _ = settle(empty, fresh.scope, 10)
    assert left == []


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_store_that_dies_or_freezes_ends_the_fault(fresh: Bed, number: signal.Signals) -> None:
    fresh.up("--size", "small")
    run = broken(fresh, for_s=60)
    (store,) = fresh.processes("-m atlas serve", str(fresh.folder))
    os.kill(store, number)
    said = fresh.finish(run.process, timeout_s=45)
    assert said.code == 4, said.text
    if number == signal.SIGSTOP:
        os.kill(store, signal.SIGCONT)
    left = {residue.kind for residue in settle(run.before, fresh.scope, 2)[0]}
    assert left <= {"missing process"}


def test_disk_that_fills_up_does_not_stop_the_undo_of_a_killed_run(bed: Bed) -> None:
    run = broken(bed)
    for pid in bed.processes("chaosctl.watchdog", run.folder.name):
        _fill_disk_of(pid)
    run.process.kill()
    bed.finish(run.process)
    assert settle(run.before, bed.scope, 10)[0] == []


def test_full_disk_means_no_injection(bed: Bed) -> None:
    before, known = steady(bed.scope), bed.run_folders()
    run = bed.start("run", "--plain", bed.document(document("unreachable")))
    folder = wait_for_event(bed, known, ["baseline"])
    _fill_disk_of(run.pid)
    said = bed.finish(run)
    assert said.code == 4, said.text
    assert "nothing was injected" in said.text
    assert "fix" in said.text
    assert not any(event["event"] == "inject" for event in journal(folder))
    assert settle(before, bed.scope, 2)[0] == []


def _fill_disk_of(pid: int) -> None:
    """From now on its files can't grow, as on a full disk; the error is EFBIG, not ENOSPC."""
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, hard))
