"""Processor time of a run itself: what it takes to start, and to watch a hundred checks."""

from __future__ import annotations

import argparse
import math

import psutil

from tests.bench.figure import Figure
from tests.integration.bed import Bed, made_bed, wait_for_event

STARTUP_LIMIT_S = 0.4
WATCH_LIMIT_RATIO = 0.05
CHECK_COUNT = 100
FAULT_S = 25
TRIES = 3


def measure(_options: argparse.Namespace) -> list[Figure]:
    """On a small platform that is up already; the best of a few starts, one run with checks."""
    with made_bed() as bed:
        bed.up("--size", "small")
        own_s, all_s = min(_startup_cpu_s(bed) for _ in range(TRIES))
        ratio = _watching_ratio(bed)
    note = f"best of {TRIES}; with watchdog and helper {all_s:.2f} s"
    return [
        Figure("run start-up, processor", own_s, "s", STARTUP_LIMIT_S, note=note),
        Figure(f"watching {CHECK_COUNT} checks", ratio, "cores", WATCH_LIMIT_RATIO),
    ]


def _startup_cpu_s(bed: Bed) -> tuple[float, float]:
    """Processor time by the time a run begins to watch: its own, and all that it started."""
    known, others = bed.run_folders(), set(bed.processes())
    run = bed.start("run", "--plain", bed.document(_document(1)))
    wait_for_event(bed, known, ["warmup"])
    own = psutil.Process(run.pid).cpu_times()
    all_s = sum(_cpu_s(pid) for pid in set(bed.processes()) - others)
    run.terminate()
    bed.finish(run)
    return own.user + own.system, all_s


def _watching_ratio(bed: Bed) -> float:
    """Processor time of the run by wall time, from the confirmed fault until it is taken out."""
    known = bed.run_folders()
    run = bed.start("run", "--plain", bed.document(_document(CHECK_COUNT)))
    wait_for_event(bed, known, ["confirm"])
    process = psutil.Process(run.pid)
    before_s = _cpu_s(run.pid)
    try:
        process.wait(timeout=FAULT_S - 5)
    except psutil.TimeoutExpired:
        ratio = (_cpu_s(run.pid) - before_s) / (FAULT_S - 5)
    else:
        ratio = math.nan
    run.terminate()
    bed.finish(run)
    return ratio


def _cpu_s(pid: int) -> float:
    """User and system time of a process and of its children that have ended."""
    try:
        spent = psutil.Process(pid).cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(spent.user + spent.system + spent.children_user + spent.children_system)


def _document(check_count: int) -> str:
    checks = "".join(
        f"""
  - name: check {number}
    query: name,playback.starts,:eq,:sum,{number},:add
    hold: {{at-least: 0, over: 5s}}"""
        for number in range(check_count)
    )
    return f"""title: many checks
target: {{driver: demo}}
baseline: {{for: 6s}}
hypothesis:{checks}
method:
  - {{fault: instance-hang, select: {{service: recs, zone: us-east-1a}}, for: {FAULT_S}s}}
recovery: {{within: 10s}}
"""
