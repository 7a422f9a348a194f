"""cache-flush: a cache node has forgotten everything, and is as well as before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from monkeys.looking import look_at_living
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
class CacheFlush(Fault):
    """Have each cache node forget all its entries, as anybody may who reaches it (flush_all).

    Whoever reads through it goes to what is behind, until the entries have been made again.
    """

    name: ClassVar[str] = "cache-flush"
    summary: ClassVar[str] = "have a cache node forget its entries"

    @property
    def needs(self) -> frozenset[Capability]:
        """Cache nodes."""
        return frozenset({Capability.CACHE})

    def prepare(
        self, instances: Sequence[Instance], driver: str, ids: RecordIds, deadline_ms: int
    ) -> tuple[UndoRecord, ...]:
        """One record; there is nothing to take back."""
        return (UndoRecord(ids(), self.name, driver, "flush", tuple(instances)),)

    def look(self, instances: Sequence[Instance], target: Target) -> Mapping[str, Reading]:
        """How often each was flushed, as it says itself. Raises TargetFailed for who is none."""
        return look_at_living(instances, target, "flushed", target.flush_counts)

    def took_effect(
        self, before: Mapping[str, Reading], now: Mapping[str, Reading]
    ) -> Mapping[str, bool]:
        """It was flushed since."""
        return {id_: _has_more(reading, now.get(id_)) for id_, reading in before.items()}

    def was_removed(
        self, before: Mapping[str, Reading], now: Mapping[str, Reading]
    ) -> Mapping[str, bool]:
        """Entries do not come back by undoing: nothing is left that could be removed."""
        return dict.fromkeys(before, True)


def _has_more(before: Reading, now: Reading | None) -> bool:
    if now is None or now.flushed is None or before.flushed is None:
        return False
    return now.flushed > before.flushed
