"""zone-outage: the selected instances, usually a whole zone, are lost at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from monkeys.faults.instance_kill import kill_record, suspension_record, was_killed
from monkeys.looking import (
    became_unreachable,
    is_gone,
    is_reachable,
    look_at_reach,
    look_at_state,
)
from monkeys.target import Capability, Fault, Instance, Reading, RecordIds, Target, UndoRecord


@dataclass(frozen=True, slots=True)
class ZoneOutage(Fault):
    """Lose every selected instance.

    unreachable: they live, and no packet gets in or out: what a zone that lost its network is to
    everybody else. dead: they are killed, and nothing replaces them there until the end.
    """

    name: ClassVar[str] = "zone-outage"
    summary: ClassVar[str] = "lose a zone: cut off from everything, or dead"

    mode: str = field(
        default="unreachable",
        metadata={
            "summary": "whether the instances live on unheard, or die",
            "choices": ("unreachable", "dead"),
        },
    )

    @property
    def needs(self) -> frozenset[Capability]:
        """Dropping and probing; or killing and suspending."""
        if self.mode == "dead":
            return frozenset({Capability.SIGNAL, Capability.SUSPEND})
        return frozenset({Capability.CUT, Capability.PROBE})

    @property
    def kills(self) -> bool:
        """Where they die."""
        return self.mode == "dead"

    def prepare(
        self, instances: Sequence[Instance], driver: str, ids: RecordIds, deadline_ms: int
    ) -> tuple[UndoRecord, ...]:
        """One record for a cut; a suspension and a kill for death."""
        chosen = tuple(instances)
        if self.mode == "dead":
            return (
                suspension_record(self.name, chosen, driver, ids),
                kill_record(self.name, chosen, driver, ids),
            )
        detail = {"prefixes": ["0.0.0.0/0"], "direction": "both"}
        return (UndoRecord(ids(), self.name, driver, "nft", chosen, deadline_ms, detail),)

    def look(self, instances: Sequence[Instance], target: Target) -> Mapping[str, Reading]:
        """Reach from outside, or state of the process."""
        if self.mode == "dead":
            return look_at_state(instances, target)
        return look_at_reach(instances, target)

    def took_effect(
        self, before: Mapping[str, Reading], now: Mapping[str, Reading]
    ) -> Mapping[str, bool]:
        """Unreachable: reachable before, then three probes missed. Dead: the process is gone."""
        return was_killed(before, now) if self.mode == "dead" else became_unreachable(before, now)

    def was_removed(
        self, before: Mapping[str, Reading], now: Mapping[str, Reading]
    ) -> Mapping[str, bool]:
        """Unreachable: it answers, or is gone. Death has no undo: nothing is left to remove."""
        if self.mode == "dead":
            return dict.fromkeys(before, True)
        return {id_: is_gone(now.get(id_)) or is_reachable(now.get(id_)) for id_ in before}
