"""Take back what dead runs left."""

from __future__ import annotations

from chaosctl.context import Context
from chaosctl.engine.ledger import RunSummary
from chaosctl.engine.undo import UndoerFor, UndoReport


def undo_run(
    context: Context, run: RunSummary, undoer_for: UndoerFor, *, by: str = "undo"
) -> UndoReport:
    """Undo every record of a run that nobody is running, again if need be (undo is idempotent).

    Raises NotStarted while the run or its watchdog is alive: `chaosctl halt` is for that.
    """
    raise NotImplementedError


def recover(context: Context, undoer_for: UndoerFor, *, by: str = "recover") -> list[UndoReport]:
    """Undo every unfinished run of this user; a report for each, none if there was nothing.

    Never raises for a run that resists: its report says `incomplete` and why.
    """
    raise NotImplementedError
