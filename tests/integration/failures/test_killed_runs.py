"""`chaosctl run` is killed at each phase, for each mechanism: nothing is left 10 s later."""

from __future__ import annotations

import signal
import time

import pytest

from tests.integration.bed import Bed, wait_for_event
from tests.integration.failures.documents import document
from tests.integration.observer.difference import settle, steady

pytestmark = [pytest.mark.integration, pytest.mark.timeout(150)]

PHASES = {
    "plan": "start",
    "lock": "lock",
    "watchdog": "watchdog",
    "warmup": "warmup",
    "baseline": "baseline",
    "record": "record",
    "inject": "inject",
    "confirm": "injected",
    "watch": "confirm",
    "remove": "remove",
    "recover": "removed",
    "report": "verdict",
}
"""The event whose appearance says that a phase has begun."""

WITH_FAULT = ("record", "inject", "confirm", "watch", "remove")
REPLACING_S = 5
"""What the platform's own scaling groups may take to replace what a fault killed."""

CASES = [("unreachable", phase) for phase in PHASES] + [
    (fault, phase)
    for fault in ("dead", "hang", "kill", "latency", "partition")
    for phase in WITH_FAULT
]


def limit_s(fault: str) -> int:
    """Seconds after which nothing may be left."""
    return 10 + (REPLACING_S if fault in ("dead", "kill") else 0)


@pytest.mark.parametrize(("fault", "phase"), CASES)
def test_killed_run_leaves_nothing(bed: Bed, fault: str, phase: str) -> None:
    before = steady(bed.scope)
    known = bed.run_folders()
    run = bed.start("run", "--plain", bed.document(document(fault)))
    wait_for_event(bed, known, [PHASES[phase]])
    run.send_signal(signal.SIGKILL)
    bed.finish(run)
    left, took_s = settle(before, bed.scope, limit_s(fault))
    print(f"residue of {fault} after SIGKILL in {phase}: none after {took_s:.1f} s")
    assert left == []


def test_run_killed_while_validating_leaves_nothing(bed: Bed) -> None:
    before = steady(bed.scope)
    run = bed.start("run", "--plain", bed.document(document("unreachable")))
    time.sleep(0.15)
    run.send_signal(signal.SIGKILL)
    bed.finish(run)
    assert settle(before, bed.scope, 10)[0] == []


@pytest.mark.parametrize("fault", ["dead", "hang", "kill", "latency", "partition", "unreachable"])
def test_interrupted_run_leaves_nothing(bed: Bed, fault: str) -> None:
    before = steady(bed.scope)
    known = bed.run_folders()
    run = bed.start("run", "--plain", bed.document(document(fault)))
    wait_for_event(bed, known, ["confirm"])
    run.send_signal(signal.SIGINT)
    left, took_s = settle(before, bed.scope, 2 + limit_s(fault) - 10)
    said = bed.finish(run)
    print(f"residue of {fault} after SIGINT: none after {took_s:.1f} s")
    assert left == []
    assert said.code == 130, said.text
