"""Every run on record, and how each stands."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from chaosctl.context import Context


class RunState(StrEnum):
    """How a run stands now."""

    ACTIVE = "active"  # the run or its watchdog is alive and not through
    FINISHED = "finished"  # a verdict, and nothing left to undo
    UNFINISHED = "unfinished"  # nobody is alive and something may be left: `chaosctl recover`


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One run, from its folder. pid: of the run while it is alive, else 0; user: its owner."""

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


def list_runs(context: Context) -> list[RunSummary]:
    """Every run of this user, oldest first (root: also live runs of others, from the locks)."""
    raise NotImplementedError


def find_run(context: Context, name: str) -> RunSummary:
    """The run with this id, id's unique end, or `last`. Raises ChaosctlError with what there is."""
    raise NotImplementedError
