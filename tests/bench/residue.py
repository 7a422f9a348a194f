"""Seconds until nothing is left of a run that is interrupted or killed, as the observer sees it."""

from __future__ import annotations

import argparse
import signal

from tests.bench.figure import Figure
from tests.integration.bed import Bed, made_bed, wait_for_event
from tests.integration.failures.documents import document
from tests.integration.observer.difference import settle, steady

FAULTS = ("unreachable", "hang", "latency", "partition")
PATIENCE_S = 30


def measure(_options: argparse.Namespace) -> list[Figure]:
    """The slowest of the mechanisms that scaling groups have no part in, on the whole platform."""
    with made_bed() as bed:
        bed.up()
        interrupted = {fault: _clean_after(bed, fault, signal.SIGINT) for fault in FAULTS}
        killed = {fault: _clean_after(bed, fault, signal.SIGKILL) for fault in FAULTS}
    return [
        _slowest("nothing left after SIGINT", interrupted, 2),
        _slowest("nothing left after SIGKILL", killed, 10),
    ]


def _clean_after(bed: Bed, fault: str, number: signal.Signals) -> float:
    before, known = steady(bed.scope), bed.run_folders()
    run = bed.start("run", "--plain", bed.document(document(fault, for_s=60)))
    wait_for_event(bed, known, ["confirm"])
    run.send_signal(number)
    left, seconds = settle(before, bed.scope, PATIENCE_S)
    bed.finish(run)
    return float("inf") if left else seconds


def _slowest(name: str, seconds: dict[str, float], limit_s: float) -> Figure:
    fault = max(seconds, key=lambda one: seconds[one])
    return Figure(name, seconds[fault], "s", limit_s, note=f"slowest: {fault}")
