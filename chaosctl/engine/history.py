"""What became of earlier runs, quickly: a SQLite file beside the run folders.

It is a memory of what the folders say and never the truth: each look compares it with the folders
and reads again those that changed. If it is lost, broken or of another version it is made anew; if
it cannot be written, it is kept in memory for this one command.
"""

from __future__ import annotations

import json
import math
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chaosctl.context import Context
from chaosctl.engine.folder import RESULT
from chaosctl.engine.journal import FILE_NAME
from chaosctl.engine.ledger import RunState, RunSummary, summarize
from chaosctl.engine.process import from_json
from chaosctl.engine.result import RunResult, read_result
from chaosctl.errors import ChaosctlError

VERSION = 1
DATABASE = "history.sqlite"
BUSY_S_MAX = 5.0

_TABLE = """
CREATE TABLE runs (
  id TEXT PRIMARY KEY, stamp TEXT NOT NULL, experiment TEXT NOT NULL, started_ms INTEGER NOT NULL,
  summary TEXT NOT NULL, said TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX by_start ON runs (started_ms, id);
"""


@dataclass(frozen=True, slots=True)
class PastRun:
    """One run as history remembers it.

    score: 0…100; worst and margins: by check, in its query's unit. NaN, None or absent where it is
    not known.
    """

    summary: RunSummary
    score: float
    recovery_ms: int | None
    worst: Mapping[str, float]
    margins: Mapping[str, float]
    sha256: str


def past_runs(context: Context, *, experiment: str = "", limit: int = 0) -> list[PastRun]:
    """Runs of this user, oldest first; of one experiment, and the newest `limit`, if asked."""
    try:
        rows = _rows(context, context.state_dir / DATABASE, experiment, limit)
    except sqlite3.Error:  # a disk that is full meanwhile, or a file that broke meanwhile
        rows = _rows(context, None, experiment, limit)
    return [_past_run(context, *row) for row in reversed(rows)]


def earlier_runs(context: Context, result: RunResult, limit: int) -> list[PastRun]:
    """The runs of the same experiment before this one that came to a verdict, oldest first."""
    name = str(result.detail.get("experiment", ""))
    started_ms = int(result.detail.get("started_ms") or 0)
    if not name:
        return []
    found = [
        run
        for run in past_runs(context, experiment=name)
        if run.summary.verdict
        and (run.summary.started_ms, run.summary.id) < (started_ms, result.run_id)
    ]
    return found[-limit:]


def result_before(context: Context, result: RunResult) -> RunResult | None:
    """The result of the last earlier run of the same experiment that still has one."""
    for run in reversed(earlier_runs(context, result, limit=10)):
        with suppress(ChaosctlError):  # it was killed, or is of another version
            return read_result(run.summary.folder)
    return None


def _rows(
    context: Context, path: Path | None, experiment: str, limit: int
) -> list[tuple[str, str]]:
    """Summary and what the result said of each run, newest first. path: None for in memory."""
    database = _connect(path)
    try:
        _catch_up(database, context)
        rows: list[tuple[str, str]] = database.execute(
            "SELECT summary, said FROM runs WHERE ? IN ('', experiment)"
            " ORDER BY started_ms DESC, id DESC LIMIT ?",
            [experiment, limit or -1],
        ).fetchall()
        database.commit()
        return rows
    finally:
        database.close()


def _connect(path: Path | None) -> sqlite3.Connection:
    if path is None:
        return _prepared(sqlite3.connect(":memory:"))
    with suppress(OSError):
        path.touch(mode=0o600)
    try:
        return _prepared(sqlite3.connect(path, timeout=BUSY_S_MAX))
    except sqlite3.OperationalError:  # read-only, full, or another has it for too long
        return _connect(None)
    except sqlite3.DatabaseError:  # broken, or of another version: the folders hold it all
        for suffix in ("", "-wal", "-shm"):
            with suppress(OSError):
                path.with_name(path.name + suffix).unlink()
    return _prepared(sqlite3.connect(path, timeout=BUSY_S_MAX))


def _prepared(database: sqlite3.Connection) -> sqlite3.Connection:
    """With our table in it. Raises sqlite3.Error for what is no database of this version."""
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = OFF")  # what a crash loses, the folders give back
        (found,) = database.execute("PRAGMA user_version").fetchone()
        if found not in (0, VERSION):
            raise sqlite3.DatabaseError(f"version {found}")
        if not found:
            database.executescript(f"BEGIN; {_TABLE} PRAGMA user_version = {VERSION}; COMMIT;")
        database.execute("BEGIN IMMEDIATE")
    except sqlite3.Error:
        database.close()
        raise
    return database


def _catch_up(database: sqlite3.Connection, context: Context) -> None:
    """Take in what changed in the folders, and forget what is gone."""
    known = dict(database.execute("SELECT id, stamp FROM runs"))
    found = dict(_stamps(context.runs_dir))
    gone = [(name,) for name in known.keys() - found.keys()]
    database.executemany("DELETE FROM runs WHERE id = ?", gone)
    for name in found.keys() - {n for n, stamp in found.items() if stamp and known.get(n) == stamp}:
        with suppress(ChaosctlError):  # no journal yet, or one of a newer version
            row = _row(context.runs_dir / name, found[name])
            database.execute("INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?, ?, ?)", row)


def _stamps(runs: Path) -> Iterator[tuple[str, str]]:
    """Each run folder and what changes when it does; empty for a run that has no result yet."""
    with suppress(OSError), os.scandir(runs) as entries:
        for entry in entries:
            if not entry.is_dir(follow_symlinks=False):
                continue
            sizes = []
            for name in (FILE_NAME, RESULT):
                with suppress(OSError):
                    status = (Path(entry.path) / name).stat()
                    sizes.append(f"{status.st_size}.{status.st_mtime_ns}")
            yield entry.name, " ".join(sizes) if len(sizes) == 2 else ""


def _row(folder: Path, stamp: str) -> Sequence[Any]:
    summary = summarize(folder)
    said: dict[str, Any] = {}
    with suppress(ChaosctlError):
        said = _said(read_result(folder))
    # Who is alive is asked again as long as something may still happen.
    kept_stamp = stamp if summary.state is RunState.FINISHED else ""
    fields = {
        name: getattr(summary, name)
        for name in summary.__slots__
        if name not in ("folder", "process", "watchdog")
    }
    processes = {
        "process": summary.process.as_json(),
        "watchdog": summary.watchdog.as_json(),
    }
    text = json.dumps(fields | processes)
    return (
        folder.name,
        kept_stamp,
        summary.experiment,
        summary.started_ms,
        text,
        json.dumps(said),
    )


def _said(result: RunResult) -> dict[str, Any]:
    detail = result.detail
    checks = detail.get("checks", ())
    return {
        "score": detail.get("score"),
        "recovery_ms": detail.get("recovery_ms"),
        "worst": {c["name"]: c["worst"] for c in checks if c.get("worst") is not None},
        "margins": {c["name"]: c["margin"] for c in checks if c.get("margin") is not None},
        "sha256": detail.get("document", {}).get("sha256", ""),
    }


def _past_run(context: Context, summary: str, said: str) -> PastRun:
    fields, told = json.loads(summary), json.loads(said)
    fields |= {
        "folder": context.runs_dir / fields["id"],
        "state": RunState(fields["state"]),
        "process": from_json(fields["process"]),
        "watchdog": from_json(fields["watchdog"]),
    }
    score = told.get("score")
    return PastRun(
        summary=RunSummary(**fields),
        score=math.nan if score is None else float(score),
        recovery_ms=told.get("recovery_ms"),
        worst=told.get("worst", {}),
        margins=told.get("margins", {}),
        sha256=told.get("sha256", ""),
    )
