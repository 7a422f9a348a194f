"""Results as files in a folder, one a run: what `chaosctl gate` and CI servers read."""

from __future__ import annotations

import os
from pathlib import Path

from chaosctl.engine.journal import to_json, write_whole
from chaosctl.engine.result import RunResult
from chaosctl.errors import ChaosctlError


def make_report_folder(folder: Path) -> None:
    """Make the folder, or say before anything is touched that it cannot be written to."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(None, "nothing can be written there")
    except OSError as error:
        raise _unwritable(folder, error) from error


def write_result_file(folder: Path, result: RunResult) -> None:
    """Write `<run id>.json`. A run that could not even make its folder has none."""
    if not result.run_id:
        return
    try:
        write_whole(folder / f"{result.run_id}.json", to_json(result.as_json(), indent=1) + "\n")
    except OSError as error:
        raise _unwritable(folder, error) from error


def _unwritable(folder: Path, error: OSError) -> ChaosctlError:
    return ChaosctlError(
        f"reports cannot be written: {error.strerror}",
        where=str(folder),
        fix="name a folder that may be written to",
    )
