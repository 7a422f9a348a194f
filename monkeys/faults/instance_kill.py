"""instance-kill: the process is gone at once, without a word to anybody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
class InstanceKill(Fault):
    """Kill each instance; its scaling group replaces it, unless that is suspended."""

    name: ClassVar[str] = "instance-kill"
    summary: ClassVar[str] = "kill the process (SIGKILL), as a host that dies"

    replacement: str = field(
        default="keep",
        metadata={
            "summary": "whether the scaling group may replace what dies",
            "choices": ("keep", "suspend"),
        },
    )

    @property
    def needs(self) -> frozenset[Capability]:
        """Signals; and suspension of replacement where it is asked for."""
        if self.replacement == "suspend":
            return frozenset({Capability.SIGNAL, Capability.SUSPEND})
        return frozenset({Capability.SIGNAL})

    @property
    def kills(self) -> bool:
        """Always."""
        return True

    def prepare(
        self, instances: Sequence[Instance], driver: str, ids: RecordIds, deadline_ms: int
    ) -> tuple[UndoRecord, ...]:
        """The suspension first, so that nobody is replaced before the last one is dead."""
        chosen = tuple(instances)
        kill = kill_record(self.name, chosen, driver, ids)
        if self.replacement == "suspend":
            return (suspension_record(self.name, chosen, driver, ids), kill)
        return (kill,)

    def look(self, instances: Sequence[Instance], target: Target) -> Mapping[str, Reading]:
        """State of each process."""
        return look_at_state(instances, target)

    def took_effect(
        self, before: Mapping[str, Reading], now: Mapping[str, Reading]
    ) -> Mapping[str, bool]:
        """It was there, and is gone."""
        return was_killed(before, now)

    def was_removed(
        self, before: Mapping[str, Reading], now: Mapping[str, Reading]
    ) -> Mapping[str, bool]:
        """Death has no undo: nothing is left that could be removed."""
        return dict.fromkeys(before, True)


def kill_record(
    fault: str, instances: tuple[Instance, ...], driver: str, ids: RecordIds
) -> UndoRecord:
    """SIGKILL to each; nothing to take back."""
    detail = {"signal": "SIGKILL", "undo_signal": ""}
    return UndoRecord(ids(), fault, driver, "signal", instances, detail=detail)


def suspension_record(
    fault: str, instances: tuple[Instance, ...], driver: str, ids: RecordIds
) -> UndoRecord:
    """No replacement in the groups and zones of these instances."""
    places = sorted({(each.group, each.zone) for each in instances})
    detail = {"groups": [{"group": group, "zone": zone} for group, zone in places]}
    return UndoRecord(ids(), fault, driver, "suspension", instances, detail=detail)


def was_killed(before: Mapping[str, Reading], now: Mapping[str, Reading]) -> dict[str, bool]:
    """Whether each process was there before and is gone now."""
    return {
        id_: reading.state is not ProcessState.GONE
        and now.get(id_, reading).state is ProcessState.GONE
        for id_, reading in before.items()
    }
