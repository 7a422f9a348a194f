"""clock-skew: the instance's time of day is wrong, and the time it measures by is not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from monkeys.looking import is_gone, look_at_living
from monkeys.target import (
    Capability,
    Fault,
    Instance,
    Reading,
    RecordIds,
    Target,
    UndoRecord,
)

_TOLERANCE_S = 2.5
"""An instance tells the time in whole seconds, and on a busy machine a little late."""


@dataclass(frozen=True, slots=True)
class ClockSkew(Fault):
    """Move each process's time of day, and no other's.

    What it measures with a monotonic clock goes on as before; what it compares with others' times,
    or with what it has written down, is off by so much.
    """

    name: ClassVar[str] = "clock-skew"
    summary: ClassVar[str] = "set the clock of the instance wrong"

    by_ms: float = field(
        default=600_000.0,
        metadata={
            "summary": "by how much, in whole seconds",
            "unit": "ms",
            "at_least": 5_000.0,
            "at_most": 86_400_000.0,
        },
    )
    direction: str = field(
        default="ahead",
        metadata={"summary": "which way", "choices": ("ahead", "behind")},
    )

    @property
    def needs(self) -> frozenset[Capability]:
        """A hand on a process's clock."""
        return frozenset({Capability.CLOCK})

    @property
    def offset_s(self) -> int:
        """What is added to the time of day."""
        whole_s = round(self.by_ms / 1000)
        return whole_s if self.direction == "ahead" else -whole_s

    def prepare(
        self, instances: Sequence[Instance], driver: str, ids: RecordIds, deadline_ms: int
    ) -> tuple[UndoRecord, ...]:
        """One record, so that one holder serves all."""
        chosen, detail = tuple(instances), {"offset_s": self.offset_s}
        return (UndoRecord(ids(), self.name, driver, "clock", chosen, deadline_ms, detail),)

    def look(self, instances: Sequence[Instance], target: Target) -> Mapping[str, Reading]:
        """What time each says it is, compared with ours."""
        return look_at_living(instances, target, "ahead_s", target.clocks)

    def took_effect(
        self, before: Mapping[str, Reading], now: Mapping[str, Reading]
    ) -> Mapping[str, bool]:
        """It has moved by so much, since it was last looked at."""
        return {
            id_: _has_moved(reading, now.get(id_), self.offset_s) for id_, reading in before.items()
        }

    def was_removed(
        self, before: Mapping[str, Reading], now: Mapping[str, Reading]
    ) -> Mapping[str, bool]:
        """It says what it said before; or it is gone."""
        return {
            id_: is_gone(now.get(id_)) or _has_moved(reading, now.get(id_), 0)
            for id_, reading in before.items()
        }


def _has_moved(before: Reading, now: Reading | None, by_s: int) -> bool:
    if now is None or now.ahead_s is None or before.ahead_s is None:
        return False
    return abs(now.ahead_s - before.ahead_s - by_s) <= _TOLERANCE_S
