"""What the dashboard asks: platform, store, run folders. Every call is bounded in time or size."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from atlas.model import TimeSeries
from chaosctl import demo
from chaosctl.context import Context
from chaosctl.control import Control
from chaosctl.dashboard.snapshots import (
    Answer,
    AnswerLine,
    ExperimentRow,
    FloatArray,
    Heart,
    InstanceCell,
    Platform,
    RunRow,
    StoreFacts,
)
from chaosctl.engine.journal import FILE_NAME, parse_journal, read_journal
from chaosctl.engine.ledger import RunState, RunSummary, summarize
from chaosctl.engine.result import read_result
from chaosctl.errors import ChaosctlError
from chaosctl.experiment.load import bundled_names, load_bundled
from chaosctl.report.snapshot import snapshot_of
from chaosctl.stores.atlas import AtlasStore

TIMEOUT_S = 2.0
STEP_MS = 1000
ERRORS_QUERY = "name,edge.requests,:eq,status,5xx,:eq,:and,:sum,name,edge.requests,:eq,:sum,:div"
_CALLS = "name,ipc.server.call,:eq,statistic,count,:eq,:and"
RATES_QUERY = f"{_CALLS},:sum,(,nf.app,),:by"
FAILED_QUERY = f"{_CALLS},ipc.status,(,unexpected_error,throttled,),:in,:and,:sum,(,nf.app,),:by"
P99_QUERY = (
    "name,ipc.server.call,:eq,ipc.status,throttled,:eq,:not,:and,"
    "(,nf.app,),:by,(,99,),:percentiles,:cf-sum"
)
P99_STEP_MS = 5000
"""Long enough for hundreds of requests, of which the slowest hundredth is looked for."""

RUNS_MAX = 2000
DOCUMENTS_MAX = 200
DOCUMENT_FOLDERS = (".", "experiments")


class PlatformSource:
    """The demo platform, by its control API."""

    def __init__(self, context: Context) -> None:
        self._control = Control(demo.demo_paths(context.runtime_dir).control, timeout_s=TIMEOUT_S)

    def __call__(self) -> Platform:
        """The platform as it is now. Raises MonkeyError."""
        found = self._control.platform()
        everybody = [_cell(one) for one in found["instances"]]
        return Platform(found["id"], found["state"], tuple(everybody), dict(found["problems"]))


class HeartSource:
    """Stream starts, errors, and requests by service, from the store."""

    def __init__(self, store: AtlasStore, context: Context) -> None:
        self._store, self._context = store, context
        self.span_ms = 120_000
        self._services: tuple[dict[str, float], ...] = ({}, {}, {})
        self._asked = 0

    def __call__(self) -> Heart:
        """The last steps. Raises ChaosctlError."""
        end_ms = self._context.now_ms() // STEP_MS * STEP_MS
        start_ms = end_ms - self.span_ms
        step_ms = step_for(self.span_ms)
        start_ms, end_ms = (at // step_ms * step_ms for at in (start_ms, end_ms))
        starts = self._lines(demo.STARTS_QUERY, start_ms, end_ms, step_ms)
        recent_ms = end_ms // STEP_MS * STEP_MS - 5 * STEP_MS
        errors = self._lines(ERRORS_QUERY, recent_ms, end_ms, STEP_MS)
        if self._asked % 2 == 0:  # queries over many series: every other second is enough
            rates = _newest_by_app(self._lines(RATES_QUERY, recent_ms, end_ms, STEP_MS))
            failed = _newest_by_app(self._lines(FAILED_QUERY, recent_ms, end_ms, STEP_MS))
            whole_ms = end_ms // P99_STEP_MS * P99_STEP_MS
            slow = self._lines(P99_QUERY, whole_ms - 2 * P99_STEP_MS, whole_ms, P99_STEP_MS)
            self._services = (rates, failed, _newest_by_app(slow))
        self._asked += 1
        rates, failed, p99_s = self._services
        return Heart(
            start_ms,
            end_ms,
            array_of(starts[0], start_ms, end_ms) if starts else gaps(start_ms, end_ms, step_ms),
            _newest(errors[0]) if errors else math.nan,
            rates,
            {app: failed.get(app, 0.0) / rate for app, rate in rates.items() if rate > 0},
            p99_s,
        )

    def _lines(self, query: str, start_ms: int, end_ms: int, step_ms: int) -> list[TimeSeries]:
        return self._store.lines(query, start_ms, end_ms, step_ms=step_ms, timeout_s=TIMEOUT_S)


class RunsSource:
    """Every run on record. What has ended is read once."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._ended: dict[Path, RunRow] = {}

    def __call__(self) -> tuple[RunRow, ...]:
        """Runs, newest first."""
        rows = []
        for folder in self._folders():
            row = self._ended.get(folder)
            if row is None:
                with suppress(ChaosctlError):  # it has not begun, or is of another version
                    summary = summarize(folder)
                    row = _run_row(summary)
                    if summary.state is RunState.FINISHED:
                        self._ended[folder] = row
            if row is not None:
                rows.append(row)
        return tuple(sorted(rows, key=lambda one: (one.started_ms, one.id), reverse=True))

    def folder_of(self, run_id: str) -> Path:
        """Where a run is kept."""
        return self._context.runs_dir / run_id

    def _folders(self) -> list[Path]:
        try:
            with os.scandir(self._context.runs_dir) as found:
                names = sorted(e.name for e in found if e.is_dir(follow_symlinks=False))
        except OSError:
            return []  # no run yet
        return [self._context.runs_dir / name for name in names[-RUNS_MAX:]]


class JournalTail:
    """The events of one run so far; what was read is not read again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._offset = 0
        self._events: list[dict[str, Any]] = []

    def __call__(self) -> tuple[dict[str, Any], ...]:
        """Every whole event by now. Raises ChaosctlError."""
        path = self.folder / FILE_NAME
        try:
            with path.open("rb") as file:
                file.seek(self._offset)
                new = file.read()
        except OSError as error:
            raise ChaosctlError(f"no journal: {error.strerror}", where=str(path)) from error
        whole = new[: new.rfind(b"\n") + 1]
        self._events += parse_journal(whole, str(path))
        self._offset += len(whole)
        return tuple(self._events)


class QuerySource:
    """The expression of the query screen."""

    def __init__(self, store: AtlasStore, context: Context) -> None:
        self._store, self._context = store, context
        self.expression = ""
        self.span_ms = 300_000
        self.back_ms = 0
        """How long before now the window ends; 0: it follows the clock."""

    def __call__(self) -> Answer:
        """The lines in the window. Raises ChaosctlError."""
        expression, step_ms = self.expression, step_for(self.span_ms)
        end_ms = (self._context.now_ms() - self.back_ms) // step_ms * step_ms
        start_ms = end_ms - self.span_ms // step_ms * step_ms
        if not expression:
            return Answer("", start_ms, end_ms, step_ms, ())
        lines = self._store.lines(
            expression, start_ms, end_ms, step_ms=step_ms, timeout_s=TIMEOUT_S
        )
        drawn = [AnswerLine(line.label, array_of(line, start_ms, end_ms)) for line in lines]
        return Answer(expression, start_ms, end_ms, step_ms, drawn)

    def command(self) -> list[str]:
        """The same question on the command line, without the program's name."""
        span_s, back_s = self.span_ms // 1000, self.back_ms // 1000
        end = f"now-{back_s}s" if back_s else "now"
        command = ["atlas", "query", self.expression, "--start", f"e-{span_s}s", "--end", end]
        return [*command, "--step", f"{step_for(self.span_ms) // 1000}s"]


class StoreSource:
    """The store about itself."""

    def __init__(self, store: AtlasStore, context: Context) -> None:
        self._store, self._context = store, context
        self._before: StoreFacts | None = None

    def __call__(self) -> StoreFacts:
        """Sizes and counts, and datapoints a second since the last time. Raises ChaosctlError."""
        found = self._store.facts(TIMEOUT_S)
        now = StoreFacts(
            series=found.get("atlas_series", math.nan),
            used_bytes=found.get("atlas_used_bytes", math.nan),
            datapoints=found.get("atlas_datapoints_total", math.nan),
            refused=_labelled(found, "atlas_refused_total"),
            block_bytes=_labelled(found, "atlas_block_bytes"),
            at_s=self._context.monotonic(),
        )
        before, self._before = self._before, now
        if before is None or now.at_s <= before.at_s:
            return now
        rate = (now.datapoints - before.datapoints) / (now.at_s - before.at_s)
        return replace(now, per_second=rate)


def experiments() -> tuple[ExperimentRow, ...]:
    """The bundled experiments, and the documents in this folder and in `experiments/`."""
    rows = [ExperimentRow(name, load_bundled(name).title) for name in bundled_names()]
    files = [path for folder in DOCUMENT_FOLDERS for path in sorted(Path(folder).glob("*.yaml"))]
    return (*rows, *(ExperimentRow(str(path), "") for path in files[:DOCUMENTS_MAX]))


def step_for(span_ms: int) -> int:
    """The step in which a span is asked for, so that a screen has a few hundred of them."""
    wanted_ms = max(STEP_MS, span_ms // 400)
    return next(s for s in (1000, 2000, 5000, 10_000, 15_000, 30_000, 60_000) if s >= wanted_ms)


def array_of(line: TimeSeries, start_ms: int, end_ms: int) -> FloatArray:
    """A line's values for the steps in (start_ms, end_ms], shape (steps,); NaN is a gap."""
    values = gaps(start_ms, end_ms, line.step_ms)
    for end_of_step_ms, value in line.points().items():
        index = (end_of_step_ms - start_ms) // line.step_ms - 1
        if 0 <= index < values.size:
            values[index] = value
    return values


def gaps(start_ms: int, end_ms: int, step_ms: int) -> FloatArray:
    """No data at all for the steps in (start_ms, end_ms]."""
    return np.full(max(1, (end_ms - start_ms) // step_ms), np.nan)


def _cell(one: Mapping[str, Any]) -> InstanceCell:
    return InstanceCell(
        id=one["id"],
        service=one["service"],
        region=one["region"],
        zone=one["zone"],
        state=one["state"],
        address=f"{one['address']}:{one['port']}",
        pid=int(one["pid"]),
    )


def _run_row(summary: RunSummary) -> RunRow:
    score = None
    broken: frozenset[str] = frozenset()
    outcomes: tuple[str, ...] = ()
    if summary.state is RunState.ACTIVE:
        now = snapshot_of(read_journal(summary.folder))
        broken = frozenset(n for n, t in now.targets.items() if t.state in ("hit", "seen"))
        outcomes = tuple(check.outcome for check in now.checks.values())
    elif summary.verdict:
        with suppress(ChaosctlError):  # it was taken back by another process: no result
            score = read_result(summary.folder).detail.get("score")
    return RunRow(
        id=summary.id,
        experiment=summary.experiment,
        state=summary.state.value,
        phase=summary.phase,
        verdict=summary.verdict,
        undo=summary.undo,
        reason=summary.reason,
        started_ms=summary.started_ms,
        score=score,
        broken=broken,
        outcomes=outcomes,
    )


def _newest(line: TimeSeries) -> float:
    points = line.points()
    return points[max(points)] if points else math.nan


def _newest_by_app(lines: list[TimeSeries]) -> dict[str, float]:
    found = {line.tags.get("nf.app", ""): _newest(line) for line in lines}
    return {app: value for app, value in found.items() if app and not math.isnan(value)}


def _labelled(found: Mapping[str, float], family: str) -> dict[str, float]:
    """Samples `family{label="x"}` as {x: value}."""
    prefix = f"{family}{{"
    return {
        name[len(prefix) :].split('"')[1]: value
        for name, value in found.items()
        if name.startswith(prefix)
    }
