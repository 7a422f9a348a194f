"""What faults share that leave a process too little of a resource: one holder, one way to look."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from monkeys.looking import is_gone, look_at_living
from monkeys.target import (
    Capability,
    Fault,
    Instance,
    Reading,
    RecordIds,
    Resource,
    Target,
    UndoRecord,
    Usage,
)


class Exhausted(Fault):
    """A fault that takes a resource away from each instance; `is_short` says whether it did."""

    __slots__ = ()
    name: ClassVar[str]
    resource: ClassVar[Resource]
    capability: ClassVar[Capability]
    mechanism: ClassVar[str]

    @property
    def needs(self) -> frozenset[Capability]:
        """One."""
        return frozenset({self.capability})

    @abstractmethod
    def detail(self) -> dict[str, Any]:
        """The mechanism's own part of the record."""

    @abstractmethod
    def is_short(self, usage: Usage, before: Usage) -> bool:
        """Whether an instance has too little of it."""

    def prepare(
        self, instances: Sequence[Instance], driver: str, ids: RecordIds, deadline_ms: int
    ) -> tuple[UndoRecord, ...]:
        """One record, so that one holder serves all."""
        chosen, detail = tuple(instances), self.detail()
        return (UndoRecord(ids(), self.name, driver, self.mechanism, chosen, deadline_ms, detail),)

    def look(self, instances: Sequence[Instance], target: Target) -> Mapping[str, Reading]:
        """How much each process has and may have."""
        return look_at_living(
            instances, target, "usage", lambda living: target.usage(living, self.resource)
        )

    def took_effect(
        self, before: Mapping[str, Reading], now: Mapping[str, Reading]
    ) -> Mapping[str, bool]:
        """There was enough before, and now there is not."""
        return {
            id_: reading.usage is not None
            and not self.is_short(reading.usage, reading.usage)
            and self._is_short_now(reading.usage, now.get(id_))
            for id_, reading in before.items()
        }

    def was_removed(
        self, before: Mapping[str, Reading], now: Mapping[str, Reading]
    ) -> Mapping[str, bool]:
        """There is enough again; or it is gone."""
        return {id_: self._has_enough(reading, now.get(id_)) for id_, reading in before.items()}

    def _has_enough(self, before: Reading, now: Reading | None) -> bool:
        if is_gone(now):
            return True
        if now is None or now.usage is None:
            return False
        return not self.is_short(now.usage, before.usage or now.usage)

    def _is_short_now(self, before: Usage, now: Reading | None) -> bool:
        return now is not None and now.usage is not None and self.is_short(now.usage, before)
