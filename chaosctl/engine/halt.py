"""The kill switch: stop every run, whatever else hangs."""

from __future__ import annotations

from dataclasses import dataclass

from chaosctl.context import Context
from chaosctl.engine.undo import UndoerFor


@dataclass(frozen=True, slots=True)
class Halted:
    """What became of one run. how: `stopped` by itself, `killed`, `recovered` (was dead already).

    undo: clean, incomplete or unknown (another user's watchdog is still at it).
    """

    run_id: str
    user: str
    how: str
    undo: str
    detail: str = ""


def halt_all(context: Context, undoer_for: UndoerFor, *, reason: str) -> list[Halted]:
    """Stop every run that this user may signal (root: all) and see that each is undone.

    Asks by SIGUSR1, kills after 1.5 s those that do not react, and undoes what no watchdog does.
    """
    raise NotImplementedError
