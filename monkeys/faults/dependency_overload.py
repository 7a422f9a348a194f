"""dependency-overload: somebody else asks the instance for more than it can do."""

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


@dataclass(frozen=True, slots=True)
class DependencyOverload(Fault):
    """Ask each instance so many times a second for what its service does, beside its callers.

    It asks as often however slow the answers are. An instance answers, queues or refuses as it
    does with anybody's requests.
    """

    name: ClassVar[str] = "dependency-overload"
    summary: ClassVar[str] = "ask the instance for more than it can do"

    per_second: float = field(
        default=200.0,
        metadata={
            "summary": "how many requests each instance gets in a second, beside its usual ones",
            "unit": "count",
            "user_name": "per-second",
            "at_least": 20,
            "at_most": 1000,
        },
    )

    @property
    def needs(self) -> frozenset[Capability]:
        """A hand on traffic."""
        return frozenset({Capability.LOAD})

    def prepare(
        self, instances: Sequence[Instance], driver: str, ids: RecordIds, deadline_ms: int
    ) -> tuple[UndoRecord, ...]:
        """One record, so that one process presses all."""
        chosen, detail = tuple(instances), {"per_second": self.per_second}
        return (UndoRecord(ids(), self.name, driver, "press", chosen, deadline_ms, detail),)

    def look(self, instances: Sequence[Instance], target: Target) -> Mapping[str, Reading]:
        """How often each is asked in a second, as it says itself."""
        return look_at_living(instances, target, "per_second", target.asked_per_second)

    def took_effect(
        self, before: Mapping[str, Reading], now: Mapping[str, Reading]
    ) -> Mapping[str, bool]:
        """It is asked more often, by at least half of what is meant: the rest may not get in."""
        return {
            id_: (more := _more(reading, now.get(id_))) is not None and more >= self.per_second / 2
            for id_, reading in before.items()
        }

    def was_removed(
        self, before: Mapping[str, Reading], now: Mapping[str, Reading]
    ) -> Mapping[str, bool]:
        """It is asked about as often as before; or it is gone."""
        return {
            id_: is_gone(now.get(id_))
            or ((more := _more(reading, now.get(id_))) is not None and more < self.per_second / 4)
            for id_, reading in before.items()
        }


def _more(before: Reading, now: Reading | None) -> float | None:
    if now is None or now.per_second is None or before.per_second is None:
        return None
    return now.per_second - before.per_second
