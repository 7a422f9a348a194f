"""region-evacuation: the members of the instances' region are moved to another one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Protocol, runtime_checkable

from monkeys.errors import NotSupported
from monkeys.looking import look_at_state
from monkeys.target import (
    Capability,
    Fault,
    Instance,
    Reading,
    RecordIds,
    Target,
    UndoRecord,
)

NAME = "region-evacuation"
LEFT_RATIO = 0.1
BACK_RATIO = 0.5


@runtime_checkable
class CanEvacuate(Protocol):
    """A target whose regions can take over from each other."""

    def kept_per_second(self, instances: Sequence[Instance]) -> Mapping[str, float | None]:
        """How many requests of members the region of each answers itself in a second, by id.

        None if nobody says.
        """


@dataclass(frozen=True, slots=True)
class RegionEvacuation(Fault):
    """Have the target move the members of a region to another one, by its own procedure.

    No instance is harmed. It is seen once the region's own instances answer next to nothing, and
    taken back at once: members, and the sizes of groups, are where they were.
    """

    name: ClassVar[str] = NAME
    summary: ClassVar[str] = "move a region's members to another region, which needs room for them"
    seen_within_ms: ClassVar[int] = 12_000
    """Instances may have to be started, and to be known, before anybody is moved."""

    @property
    def needs(self) -> frozenset[Capability]:
        """The operators' way to leave a region."""
        return frozenset({Capability.EVACUATE})

    def prepare(
        self, instances: Sequence[Instance], driver: str, ids: RecordIds, deadline_ms: int
    ) -> tuple[UndoRecord, ...]:
        """One record for each region; a target may refuse to leave two."""
        regions = sorted({each.region for each in instances})
        return tuple(
            UndoRecord(
                ids(),
                NAME,
                driver,
                "evacuation",
                tuple(each for each in instances if each.region == region),
                deadline_ms,
                {"region": region},
            )
            for region in regions
        )

    def look(self, instances: Sequence[Instance], target: Target) -> Mapping[str, Reading]:
        """State of each process, and what its region answers itself, as the edges say."""
        if not isinstance(target, CanEvacuate):
            raise NotSupported(
                f"no region of '{target.name}' can be left", where=NAME, fix="leave it out"
            )
        kept = target.kept_per_second(instances)
        states = look_at_state(instances, target)
        return {id_: replace(each, per_second=kept.get(id_)) for id_, each in states.items()}

    def took_effect(
        self, before: Mapping[str, Reading], now: Mapping[str, Reading]
    ) -> Mapping[str, bool]:
        """Its region answers a tenth of what it did, at most."""
        return {id_: _is_left(reading, now.get(id_)) for id_, reading in before.items()}

    def was_removed(
        self, before: Mapping[str, Reading], now: Mapping[str, Reading]
    ) -> Mapping[str, bool]:
        """Its region answers half of what it did, at least: streams move back as they are begun."""
        return {id_: _is_back(reading, now.get(id_)) for id_, reading in before.items()}


def _is_left(before: Reading, now: Reading | None) -> bool:
    if now is None or now.per_second is None or not before.per_second:
        return False
    return now.per_second <= LEFT_RATIO * before.per_second


def _is_back(before: Reading, now: Reading | None) -> bool:
    if now is None or now.per_second is None:
        return False
    return now.per_second >= BACK_RATIO * (before.per_second or 0.0)
