"""instance-terminate: the host is gone; nobody is left to refuse a connection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from monkeys.faults.instance_kill import was_killed
from monkeys.looking import PROBE_TIMEOUT_MS, look_at_state
from monkeys.target import Capability, Fault, Instance, Reading, RecordIds, Target, UndoRecord


@dataclass(frozen=True, slots=True)
class InstanceTerminate(Fault):
    """Take each instance's link away for good, and kill it.

    Its peers are not told: open connections fall silent, and new ones run into their time-outs,
    where a process that dies on a living host has them reset and refused. Its scaling group
    replaces it.
    """

    name: ClassVar[str] = "instance-terminate"
    summary: ClassVar[str] = "lose the host: peers run into time-outs and are not refused"

    @property
    def needs(self) -> frozenset[Capability]:
        """A network of its own for each, and signals."""
        return frozenset({Capability.SIGNAL, Capability.CUT, Capability.PROBE})

    @property
    def kills(self) -> bool:
        """Always."""
        return True

    def prepare(
        self, instances: Sequence[Instance], driver: str, ids: RecordIds, deadline_ms: int
    ) -> tuple[UndoRecord, ...]:
        """One record; undoing one that was cut short completes it, so that a group replaces."""
        return (UndoRecord(ids(), self.name, driver, "termination", tuple(instances)),)

    def look(self, instances: Sequence[Instance], target: Target) -> Mapping[str, Reading]:
        """State of each process, and whether its address answers; also that of the dead."""
        readings = look_at_state(instances, target)
        answers = target.probe(list(instances), timeout_ms=PROBE_TIMEOUT_MS)
        return {
            id_: replace(reading, missed=int(answers.get(id_) is None), round_trip_ms=answers[id_])
            for id_, reading in readings.items()
        }

    def took_effect(
        self, before: Mapping[str, Reading], now: Mapping[str, Reading]
    ) -> Mapping[str, bool]:
        """It was there and is gone, and nobody refuses in its name."""
        return {
            id_: killed and before[id_].missed == 0 and now[id_].missed > 0
            for id_, killed in was_killed(before, now).items()
        }

    def was_removed(
        self, before: Mapping[str, Reading], now: Mapping[str, Reading]
    ) -> Mapping[str, bool]:
        """Death has no undo: nothing is left that could be removed."""
        return dict.fromkeys(before, True)
