"""Processor time of what is drawn: the live view of a run, and the dashboard."""

from __future__ import annotations

import argparse
import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
import threading
import time

import psutil

from chaosctl.engine.journal import read_journal
from chaosctl.report.live import LiveView
from tests.bench.figure import Figure
from tests.integration.bed import Bed, made_bed
from tests.screens import FAILED, RUNS

LIMIT_RATIO = 0.05
COLUMNS, LINES = 160, 50
START_S, WATCHED_S = 8.0, 20.0


def measure(_options: argparse.Namespace) -> list[Figure]:
    """The live view of a recorded run, and the overview of a small platform that is up."""
    figures = [Figure("live view", _live_ratio(), "cores", LIMIT_RATIO, note="recorded run")]
    with made_bed() as bed:
        bed.up("--size", "small")
        ratio = _dashboard_ratio(bed)
    note = f"overview, {COLUMNS}×{LINES}"
    return [*figures, Figure("dashboard", ratio, "cores", LIMIT_RATIO, note=note)]


def _live_ratio() -> float:
    """Processor time of drawing a recorded run by the time that the run took."""
    events = read_journal(RUNS / FAILED)
    now_s = [0.0]
    with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123 - a device
        view = LiveView(nowhere, clock=lambda: now_s[0])
        view._console.size = (COLUMNS, LINES)
        view(events[0])
        began_s = time.process_time()
        for event in events[1:]:
            now_s[0] = event["t_ms"] / 1000
            view(event)
            if event["event"] == "sample":
                view._draw()  # and once more between two steps, as its timer does
        spent_s = time.process_time() - began_s
    took_ms: int = events[-1]["t_ms"]
    return spent_s * 1000 / took_ms


def _dashboard_ratio(bed: Bed) -> float:
    """Processor time of the whole program on a terminal by wall time, once it has started."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "chaosctl", "dashboard"],
        env={**bed.environment(), "TERM": "xterm-256color"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    threading.Thread(target=_drain, args=(ours,), daemon=True).start()
    try:
        time.sleep(START_S)
        before = psutil.Process(process.pid).cpu_times()
        time.sleep(WATCHED_S)
        after = psutil.Process(process.pid).cpu_times()
    finally:
        process.terminate()
        process.wait(timeout=10)
        os.close(ours)
    return (after.user + after.system - before.user - before.system) / WATCHED_S


def _drain(descriptor: int) -> None:
    try:
        while os.read(descriptor, 1 << 16):
            pass
    except OSError:  # the terminal is closed
        return
