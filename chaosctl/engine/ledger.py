"""Every run on record, and how each stands."""

from __future__ import annotations

import json
import os
import pwd
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from chaosctl.context import Context
from chaosctl.engine.folder import RESULT
from chaosctl.engine.journal import Event, JournalTooNew, read_journal
from chaosctl.engine.lock import read_holders
from chaosctl.engine.process import ProcessId, from_json, is_alive, owner
from chaosctl.engine.undo import undone_in
from chaosctl.errors import ChaosctlError
from chaosctl.judge.verdict import UndoState

PHASES = {
    "start": "plan",
    "plan": "lock",
    "lock": "lock",
    "warmup": "warmup",
    "baseline": "baseline",
    "look": "record",
    "record": "record",
    "inject": "inject",
    "injected": "confirm",
    "confirm": "watch",
    "remove": "remove",
    "removed": "recover",
    "recovery": "report",
    "verdict": "report",
}
"""The phase a run is in after an event; other events do not change it."""


class RunState(StrEnum):
    """How a run stands now."""

    ACTIVE = "active"  # the run or its watchdog is alive and not through
    FINISHED = "finished"  # nobody is alive, nothing is left to undo
    UNFINISHED = "unfinished"  # nobody is alive and something may be left: `chaosctl recover`


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One run, from its folder.

    process, watchdog: as the journal names them; pid and watchdog_pid: 0 unless alive.
    user: owner of the folder. verdict, undo, reason: empty before there is a verdict.
    """

    id: str
    folder: Path
    state: RunState
    experiment: str
    title: str
    phase: str
    started_ms: int
    verdict: str
    undo: str
    reason: str
    records: int
    undone: int
    pid: int
    watchdog_pid: int
    user: str
    uid: int
    process: ProcessId
    watchdog: ProcessId

    @property
    def is_left(self) -> bool:
        """Whether there is something to undo that nobody but a watchdog, at most, goes on with."""
        told = self.state is RunState.ACTIVE and self.verdict and not self.pid
        return bool(told) or self.state is RunState.UNFINISHED


def _summaries(folders: Iterable[Path]) -> list[RunSummary]:
    runs = []
    for folder in folders:
        try:
            runs.append(summarize(folder))
        except JournalTooNew as error:
            runs.append(_unreadable(folder, str(error)))
        except ChaosctlError:
            continue  # no journal yet: it has touched nothing
    return sorted(runs, key=lambda run: (run.started_ms, run.id))


def _unreadable(folder: Path, reason: str) -> RunSummary:
    """A run of which only the folder is known: something of it may be left."""
    nobody, uid = from_json({}), _uid(folder)
    return RunSummary(
        id=folder.name,
        folder=folder,
        state=RunState.UNFINISHED,
        experiment="",
        title="",
        phase="",
        started_ms=0,
        verdict="",
        undo="",
        reason=reason,
        records=0,
        undone=0,
        pid=0,
        watchdog_pid=0,
        user=_user(uid),
        uid=uid,
        process=nobody,
        watchdog=nobody,
    )


def _is_over(folder: Path) -> bool:
    return _result(folder).get("undo") == UndoState.CLEAN


def count_runs(context: Context) -> int:
    """How many runs of this user have a folder."""
    return sum(1 for _ in _own_folders(context))


def list_open_runs(context: Context) -> list[RunSummary]:
    """The runs that are not over, or left something, oldest first, however many others there are.

    Those of this user; for root also those of others, which their locks name.
    A result that says `clean` is written last of all, so its run needs no reading of its journal.
    """
    found = [folder for folder in _own_folders(context) if not _is_over(folder)]
    if os.geteuid() == 0:
        found += [folder for folder in _folders_of_others(context) if folder not in found]
    return [run for run in _summaries(found) if run.state is not RunState.FINISHED]


def find_run(context: Context, name: str) -> RunSummary:
    """The run with this id, id's unique end, or `last`. Raises ChaosctlError with what there is."""
    folders = sorted(_own_folders(context))
    if name == "last":
        chosen = sorted(folders, key=_age)[-1:]
    else:
        chosen = [f for f in folders if f.name == name] or [
            f for f in folders if name and f.name.endswith(name)
        ]
    if len(chosen) == 1:
        return summarize(chosen[0])
    ids = ", ".join(f.name for f in (chosen or folders)[-5:])
    raise ChaosctlError(
        f"{len(chosen)} runs end in {name!r}" if chosen else f"no run {name!r}",
        where=str(context.runs_dir),
        fix=f"there is {ids}" if ids else "there is none yet; `chaosctl run zone-outage` makes one",
    )


def summarize(folder: Path) -> RunSummary:
    """How the run in this folder stands. Raises ChaosctlError if it cannot be read.

    Where the first line is damaged, what follows still counts: there may be undo records in it.
    """
    events = read_journal(folder)
    start: Event = next((e for e in events if e["event"] == "start"), {})
    if not events:
        raise ChaosctlError(
            "run has not begun", where=str(folder), fix="wait a moment, or remove the folder"
        )
    process = from_json(start.get("process", {}))
    watchdog = from_json(_last(events, "watchdog").get("process", {}))
    verdict = _last(events, "verdict")
    result = _result(folder)
    records = {e["record"]["id"] for e in events if e["event"] == "record"}
    undone = records & undone_in(events)
    alive, watched = is_alive(process), is_alive(watchdog)
    clean = str(verdict.get("undo", "")) == "clean" and records == undone
    uid = _uid(folder)
    return RunSummary(
        id=folder.name,
        folder=folder,
        state=_state(is_busy=alive or watched, is_through=bool(verdict), is_clean=clean),
        experiment=str(start.get("experiment", "")),
        title=str(start.get("title", "")),
        phase=next((PHASES[e["event"]] for e in reversed(events) if e["event"] in PHASES), "start"),
        started_ms=int(start.get("at_ms", 0)),
        verdict=str(verdict.get("verdict", "")),
        undo=str(result.get("undo") or verdict.get("undo", "")),
        reason=str(verdict.get("reason", "")),
        records=len(records),
        undone=len(undone),
        pid=process.pid if alive else 0,
        watchdog_pid=watchdog.pid if watched else 0,
        user=_user(uid),
        uid=uid,
        process=process,
        watchdog=watchdog,
    )


def _state(*, is_busy: bool, is_through: bool, is_clean: bool) -> RunState:
    if is_busy and not (is_through and is_clean):
        return RunState.ACTIVE
    return RunState.FINISHED if is_through and is_clean else RunState.UNFINISHED


def _own_folders(context: Context) -> Iterator[Path]:
    with suppress(OSError):  # no runs yet
        for path in sorted(context.runs_dir.iterdir()):
            if path.is_dir() and not path.is_symlink():
                yield path


def _folders_of_others(context: Context) -> Iterator[Path]:
    """Folders that lock files name. A lock file says what its writer likes, so it is believed only
    if the process is alive and owned by the owner of the folder."""
    for holder in read_holders(context):
        process, folder = from_json(holder), Path(str(holder.get("folder", "")))
        if not folder.is_absolute() or folder.is_symlink() or not is_alive(process):
            continue
        with suppress(OSError):
            if folder.stat().st_uid == owner(process.pid):
                yield folder


def _last(events: Sequence[Event], name: str) -> Event:
    return next((e for e in reversed(events) if e["event"] == name), {})


def _result(folder: Path) -> dict[str, Any]:
    try:
        data = json.loads((folder / RESULT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def _age(folder: Path) -> tuple[int, str]:
    try:
        events = read_journal(folder)
    except ChaosctlError:
        return 0, folder.name
    return (int(events[0]["at_ms"]) if events else 0), folder.name


def _uid(folder: Path) -> int:
    try:
        return folder.stat().st_uid
    except OSError:
        return os.getuid()


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
