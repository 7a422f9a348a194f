"""instance-hang: the process is there and its kernel still answers, but it does nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from monkeys.looking import look_at_state
from monkeys.target import (
    Capability,
    Fault,
    Instance,
    ProcessState,
    Reading,
    RecordIds,
    Target,
    UndoRecord,
)


@dataclass(frozen=True, slots=True)
class InstanceHang(Fault):
    """Stop each process; connections are still accepted by its kernel, and never answered."""

    name: ClassVar[str] = "instance-hang"
    summary: ClassVar[str] = "stop the process (SIGSTOP) and let it go on afterwards"

    @property
    def needs(self) -> frozenset[Capability]:
        """Signals."""
        return frozenset({Capability.SIGNAL})

    def prepare(
        self, instances: Sequence[Instance], driver: str, ids: RecordIds, deadline_ms: int
    ) -> tuple[UndoRecord, ...]:
        """One record for all. No kernel lets a stopped process go at a set time: no deadline."""
        detail = {"signal": "SIGSTOP", "undo_signal": "SIGCONT"}
        return (UndoRecord(ids(), self.name, driver, "signal", tuple(instances), detail=detail),)

    def look(self, instances: Sequence[Instance], target: Target) -> Mapping[str, Reading]:
        """State of each process."""
        return look_at_state(instances, target)

    def took_effect(
        self, before: Mapping[str, Reading], now: Mapping[str, Reading]
    ) -> Mapping[str, bool]:
        """It ran, and is stopped."""
        return {
            id_: reading.state is ProcessState.RUNNING
            and now.get(id_, reading).state is ProcessState.STOPPED
            for id_, reading in before.items()
        }

    def was_removed(
        self, before: Mapping[str, Reading], now: Mapping[str, Reading]
    ) -> Mapping[str, bool]:
        """It is not stopped: it runs, or somebody has replaced it meanwhile."""
        return {
            id_: id_ in now and now[id_].state in (ProcessState.RUNNING, ProcessState.GONE)
            for id_ in before
        }
