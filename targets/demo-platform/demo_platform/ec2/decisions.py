"""What a scaling group does next, given what it has. Pure; a decision at a time.

Carried out one after the other, with instances coming up in between, decisions end in a group of
the desired size, balanced within 1 between the zones that can be launched in. On the way no
healthy instance is ended unless more than the desired number are healthy.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import IntEnum

from demo_platform.ec2.groups import Process


class Condition(IntEnum):
    """How a member is; the lower is missed less."""

    DEAD = 0
    STARTING = 1
    HEALTHY = 2


@dataclass(frozen=True, slots=True)
class Member:
    """An instance that a group counts; a dead one holds its place until it is replaced."""

    zone: str
    index: int
    condition: Condition


@dataclass(frozen=True, slots=True)
class Launch:
    """Start an instance at this place."""

    zone: str
    index: int
    is_rebalance: bool = False


@dataclass(frozen=True, slots=True)
class Terminate:
    """End the member at this place."""

    zone: str
    index: int


def decide(
    members: Sequence[Member],
    *,
    desired: int,
    zones: Sequence[str],
    blocked: Collection[str] = (),
    suspended: Collection[Process] = (),
) -> Launch | Terminate | None:
    """The next step, or None when there is nothing to do or something to wait for.

    zones: those that the group may use. blocked: those in which nothing can be launched now.
    """
    counts = Counter(member.zone for member in members)
    open_zones = [zone for zone in zones if zone not in blocked]
    may_launch = Process.LAUNCH not in suspended and bool(open_zones)
    may_end = Process.TERMINATE not in suspended
    if len(members) < desired:
        return _launch(members, open_zones, counts) if may_launch else None
    if len(members) > desired:
        return _shrink(members, zones, counts, desired) if may_end else None
    if not (may_launch and may_end) or Process.AZ_REBALANCE in suspended:
        return None
    if any(member.condition is Condition.STARTING for member in members):
        return None  # one at a time
    emptiest = min(counts[zone] for zone in open_zones)
    is_uneven = any(counts[zone] > emptiest + 1 for zone in open_zones)
    if is_uneven or any(zone not in zones for zone in counts):
        launch = _launch(members, open_zones, counts)
        return Launch(launch.zone, launch.index, is_rebalance=True)
    return None


def _launch(members: Sequence[Member], zones: Sequence[str], counts: Counter[str]) -> Launch:
    zone = min(zones, key=lambda one: (counts[one], zones.index(one)))
    taken = {member.index for member in members if member.zone == zone}
    return Launch(zone, next(index for index in range(len(taken) + 1) if index not in taken))


def _shrink(
    members: Sequence[Member], zones: Sequence[str], counts: Counter[str], desired: int
) -> Terminate | None:
    """The member that is missed least: a dead one, or one of the fullest zone."""

    def fullness(member: Member) -> tuple[bool, int]:
        return member.zone not in zones, counts[member.zone]

    dead = [member for member in members if member.condition is Condition.DEAD]
    fullest = max(map(fullness, members))
    candidates = dead or [member for member in members if fullness(member) == fullest]
    healthy = sum(member.condition is Condition.HEALTHY for member in members)
    if not dead and healthy <= desired:
        candidates = [one for one in candidates if one.condition is Condition.STARTING]
    if not candidates:
        return None  # what is starting comes up or dies; then there is one too many
    victim = min(candidates, key=lambda one: (one.condition, -counts[one.zone], -one.index))
    return Terminate(victim.zone, victim.index)
