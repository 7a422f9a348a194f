"""How a run ended, as its folder keeps it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
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
    baseline_text, seed, signal. It is empty if another process ended the run.
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
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ChaosctlError(
            "run has no result yet",
            where=str(path),
            fix="wait for its end, which `chaosctl status` shows",
        ) from error
    except (OSError, ValueError) as error:
        raise ChaosctlError(
            f"result cannot be read: {error}",
            where=str(path),
            fix=f"the journal has it: chaosctl journal {folder.name} --kind verdict",
        ) from error
    schema = found.get("schema") if isinstance(found, dict) else None
    if schema != SCHEMA:
        raise ChaosctlError(
            f"result has schema {schema!r}, this version knows {SCHEMA!r}",
            where=str(path),
            fix="read it with the version of chaosctl that wrote it, or a newer one",
        )
    return RunResult(
        run_id=folder.name,
        folder=folder,
        verdict=Verdict(found["verdict"]),
        undo=UndoState(found["undo"]),
        exit_code=int(found["exit_code"]),
        reason=str(found["reason"]),
        fix=str(found["fix"]),
        detail=found["detail"],
    )
