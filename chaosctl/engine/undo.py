"""Take back what was injected, from records alone: reverse order, every step tried, bounded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from chaosctl.judge.verdict import UndoState
from monkeys.target import UndoRecord


class Undoes(Protocol):
    """The part of a target that undo needs."""

    def undo(self, record: UndoRecord) -> None:
        """Take back what the record describes; idempotent, bounded in time."""


UndoerFor = Callable[[str], Undoes]
"""From a driver's name (`UndoRecord.driver`) to what undoes its records. Raises ChaosctlError."""


@dataclass(frozen=True, slots=True)
class UndoResult:
    """How one record fared. error: what, where, fix in a line, empty when it was taken back."""

    record_id: str
    fault: str
    instances: tuple[str, ...]
    error: str = ""
    took_ms: int = 0

    @property
    def ok(self) -> bool:
        """Whether it was taken back."""
        return not self.error


@dataclass(frozen=True, slots=True)
class UndoReport:
    """What became of a whole run's records. by_other: another process was at it and finished it."""

    run_id: str
    folder: Path
    results: tuple[UndoResult, ...]
    state: UndoState
    by_other: bool = False
