"""The run folder: one per run, named by the run's id."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from chaosctl.context import Context
from chaosctl.errors import NotStarted

LETTERS = "23456789abcdefghjkmnpqrstvwxyz"  # none that are mistaken for another
DOCUMENT, PLAN, SERIES, RESULT, HALT, UNDO_LOCK, TERMINAL = (
    "document.yaml",
    "plan.json",
    "series.json",
    "result.json",
    "halt",
    "undo.lock",
    "terminal.json",
)


def make_run_folder(context: Context) -> Path:
    """A new folder whose name is the run's id. Raises NotStarted if none can be made."""
    runs = context.runs_dir
    try:
        runs.mkdir(mode=0o700, parents=True, exist_ok=True)
        for _ in range(100):
            folder = runs / new_run_id(context)
            try:
                folder.mkdir(mode=0o700)
            except FileExistsError:
                continue
            # Made now, because undo must not need a disk that still has room.
            (folder / UNDO_LOCK).touch(mode=0o600)
            return folder
    except OSError as error:
        raise not_writable("run folder cannot be made", runs, error) from error
    raise NotStarted("no free run id in this minute", where=str(runs), fix="try again in a minute")


def not_writable(what: str, folder: Path, error: OSError) -> NotStarted:
    """The refusal of a run whose record would have no place; nothing was touched."""
    return NotStarted(
        f"{what}: {error.strerror}",
        where=str(folder),
        fix="free some space there, or name another folder in CHAOSCTL_STATE_DIR",
    )


def new_run_id(context: Context) -> str:
    """Minute in UTC and three letters: 20260314-0915-k7f."""
    minute = datetime.fromtimestamp(context.now_ms() / 1000, tz=UTC)
    letters = "".join(context.rng.choice(LETTERS) for _ in range(3))
    return f"{minute:%Y%m%d-%H%M}-{letters}"
