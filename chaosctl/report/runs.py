"""Runs on record and what became of their undo, as text and as JSON."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from chaosctl.engine.history import PastRun
from chaosctl.engine.ledger import RunState, RunSummary
from chaosctl.engine.undo import UndoReport
from chaosctl.judge.verdict import UNDO_INCOMPLETE, UndoState
from chaosctl.report.symbols import duration

MARKS = {RunState.ACTIVE: "running", RunState.FINISHED: "", RunState.UNFINISHED: "LEFT BEHIND"}


def render_runs(runs: Sequence[RunSummary]) -> str:
    """A line a run, and the fix under each that left something behind."""
    lines = []
    for run in runs:
        started = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(run.started_ms / 1000))
        how = "LEFT BEHIND" if run.is_left else MARKS[run.state] or run.verdict or "ended"
        lines.append(f"{run.id}  {run.experiment:<28} {how:<12} {started}  {run.reason}".rstrip())
        if run.state is RunState.ACTIVE and not run.is_left:
            lines.append(f"  phase {run.phase}, pid {run.pid}, undo steps {run.records}")
        if run.is_left:
            left = run.records - run.undone
            trying = f"; its watchdog (pid {run.watchdog_pid}) tries again" * bool(run.watchdog_pid)
            lines.append(f"  {left} of {run.records} undo steps left{trying}")
            lines.append(f"  fix: chaosctl undo {run.id}")
    return "\n".join(lines)


def render_past(runs: Sequence[PastRun]) -> str:
    """A line a run: when, verdict, score, recovery, reason; and what each left behind."""
    return "\n".join(
        f"{_score(run)}  {_recovery(run)}  {line}" if number == 0 else line
        for run in runs
        for number, line in enumerate(render_runs([run.summary]).splitlines())
    )


def past_as_json(run: PastRun) -> dict[str, Any]:
    """A run as plain JSON values, with what its result said."""
    said = {"score": run.score, "recovery_ms": run.recovery_ms, "worst": dict(run.worst)}
    return run_as_json(run.summary) | said | {"sha256": run.sha256}


def _score(run: PastRun) -> str:
    return "score n/a" if math.isnan(run.score) else f"score {run.score:3.0f}"


def _recovery(run: PastRun) -> str:
    took = "" if run.recovery_ms is None else duration(run.recovery_ms)
    return f"recovery {took:<7}" if took else " " * 16


def run_as_json(run: RunSummary) -> dict[str, Any]:
    """A run as plain JSON values."""
    return {**asdict(run), "folder": str(run.folder)}


def render_undo(report: UndoReport) -> str:
    """What became of each undo step of a run."""
    count = len(report.results)
    done = sum(result.ok for result in report.results)
    lines = [f"{report.run_id}  undo {report.state} ({done}/{count})"]
    for result in report.results:
        mark = "ok  " if result.ok else "FAIL"
        error = f": {result.error}" if result.error else ""
        lines.append(f"  {mark} {result.fault} on {len(result.instances)} instances{error}")
    if report.state is not UndoState.CLEAN:
        lines.append(f"  fix: chaosctl undo {report.run_id}")
    return "\n".join(lines)


def undo_as_json(report: UndoReport) -> dict[str, Any]:
    """An undo report as plain JSON values."""
    return {**asdict(report), "folder": str(report.folder)}


def undo_exit_code(reports: Sequence[UndoReport]) -> int:
    """0 when everything was taken back, else 6."""
    clean = all(report.state is UndoState.CLEAN for report in reports)
    return 0 if clean else UNDO_INCOMPLETE
