"""How a run ended, as its folder keeps it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from chaosctl.engine.folder import RESULT
from chaosctl.errors import ChaosctlError
from chaosctl.judge.verdict import UndoState, Verdict

SCHEMA = "chaosctl/result/v1"


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended; result.json holds the same. folder: None if none could be made.

    detail: checks (outcome, worst value, margin …), recovery_ms, undo (`done` of `of`, errors),
    baseline_text, seed, signal, ended_by (a signal or `halt`). If another process ended the run,
    only the experiment's name and title.
    """

    run_id: str
    folder: Path | None
    verdict: Verdict
    undo: UndoState
    exit_code: int
    reason: str
    fix: str
    detail: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        """This result as plain JSON values (schema chaosctl/result/v1)."""
        return {"schema": SCHEMA, **asdict(self)}


def read_result(folder: Path) -> RunResult:
    """The result of the run in a folder. Raises ChaosctlError if there is none that can be read."""
    path = folder / RESULT
    if not path.exists():
        raise ChaosctlError(
            "run has no result yet",
            where=str(path),
            fix="wait for its end, which `chaosctl status` shows",
        )
    journal = f"the journal has it: chaosctl journal {folder.name} --kind verdict"
    return replace(read_result_file(path, fix=journal), run_id=folder.name, folder=folder)


def read_result_file(path: Path, *, fix: str = "run it again, with --report") -> RunResult:
    """The result in a file, wherever it was put. Raises ChaosctlError if it is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise ChaosctlError(f"result cannot be read: {why}", where=str(path), fix=fix) from error
    schema = found.get("schema") if isinstance(found, dict) else None
    if schema != SCHEMA:
        raise ChaosctlError(
            f"result has schema {schema!r}, this version knows {SCHEMA!r}",
            where=str(path),
            fix="read it with the version of chaosctl that wrote it, or a newer one",
        )
    try:
        return RunResult(
            run_id=str(found["run_id"]),
            folder=Path(found["folder"]) if found.get("folder") else None,
            verdict=Verdict(found["verdict"]),
            undo=UndoState(found["undo"]),
            exit_code=int(found["exit_code"]),
            reason=str(found["reason"]),
            fix=str(found["fix"]),
            detail=dict(found["detail"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        what = f"result is damaged: {type(error).__name__}: {error}"
        raise ChaosctlError(what, where=str(path), fix=fix) from error
