"""More or less of a target's usual traffic: an effect like a fault, with no instance of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Protocol, runtime_checkable

from monkeys.errors import NotSupported
from monkeys.target import Capability, Fault, Instance, Reading, RecordIds, Target, UndoRecord

LOAD = "load"
TRAFFIC = "traffic"
"""Stands for an instance's id in the readings: traffic is of the target as a whole."""

_NEARLY = 0.01


@runtime_checkable
class CanOffer(Protocol):
    """A target whose traffic can be set."""

    def offered_per_second(self) -> float:
        """How much traffic is offered now, as the target itself says."""

    def prepare_load(self, times: float, record_id: str) -> UndoRecord:
        """The record of so many times the traffic that is offered now."""


@dataclass(frozen=True, slots=True)
class TrafficLoad(Fault):
    """So many times the traffic that was offered before."""

    name: ClassVar[str] = LOAD
    summary: ClassVar[str] = "offer more traffic than usual, or less"

    times: float = field(metadata={"summary": "of the usual traffic"})

    @property
    def needs(self) -> frozenset[Capability]:
        """A hand on the traffic."""
        return frozenset({Capability.LOAD})

    def prepare(
        self, instances: Sequence[Instance], driver: str, ids: RecordIds, deadline_ms: int
    ) -> tuple[UndoRecord, ...]:
        """Only the target knows what is usual: see `prepare_at`."""
        raise NotSupported("a load is prepared by its target", where=LOAD, fix="use prepare_at")

    def prepare_at(self, target: Target, ids: RecordIds) -> tuple[UndoRecord, ...]:
        """One record, with the traffic to go back to."""
        return (_offering(target).prepare_load(self.times, ids()),)

    def look(self, instances: Sequence[Instance], target: Target) -> Mapping[str, Reading]:
        """How much is offered now."""
        return {TRAFFIC: Reading(per_second=_offering(target).offered_per_second())}

    def took_effect(
        self, before: Mapping[str, Reading], now: Mapping[str, Reading]
    ) -> Mapping[str, bool]:
        """So many times what was offered before."""
        return {TRAFFIC: self._is_in(before, now)}

    def was_removed(
        self, before: Mapping[str, Reading], now: Mapping[str, Reading]
    ) -> Mapping[str, bool]:
        """Anything else: what it was before, or what somebody has set since."""
        return {TRAFFIC: not self._is_in(before, now)}

    def _is_in(self, before: Mapping[str, Reading], now: Mapping[str, Reading]) -> bool:
        usual, offered = before[TRAFFIC].per_second, now[TRAFFIC].per_second
        if not usual or offered is None:
            return False
        return abs(offered - self.times * usual) <= _NEARLY * abs(self.times - 1) * usual


def _offering(target: Target) -> CanOffer:
    if isinstance(target, CanOffer):
        return target
    raise NotSupported(
        f"the traffic of '{target.name}' cannot be set", where=LOAD, fix="leave the load out"
    )
