"""A scaling group: how many instances of a service a region is to have, in which zones.

Its limits and times are in AWS's units. Which of its processes are suspended is part of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from demo_platform.ec2.launches import Launch
from demo_platform.topology import ZONE_LETTERS, Size, Slot, slots_of

COOLDOWN_S = 300
"""What AWS gives a group that says nothing; the platform's time factor makes it 10 s."""

SIZE_FACTOR_MAX = 3
"""A group may grow to so many times what it began with: a region that takes over another needs two,
and something to spare."""


class Process(StrEnum):
    """What a group does by itself, and can be told not to."""

    LAUNCH = "Launch"
    TERMINATE = "Terminate"
    ADD_TO_LOAD_BALANCER = "AddToLoadBalancer"
    ALARM_NOTIFICATION = "AlarmNotification"
    AZ_REBALANCE = "AZRebalance"
    HEALTH_CHECK = "HealthCheck"
    INSTANCE_REFRESH = "InstanceRefresh"
    REPLACE_UNHEALTHY = "ReplaceUnhealthy"
    SCHEDULED_ACTIONS = "ScheduledActions"


@dataclass(slots=True)
class Group:
    """One scaling group; it has a life, so its fields change.

    suspended: the processes that are, each with the reason.
    takes_traffic: whether discovery lists its instances; what attaching a load balancer is here.
    is_fixed: its instances are known by their places, so its size cannot change.
    is_usual: its name is that of service and region. is_deleted: it ends once nobody of it is left.
    labels: each of its instances has them. launch: what those are started from; None: the template
    of its service.
    """

    name: str
    service: str
    region: str
    zones: tuple[str, ...]
    size_min: int
    desired: int
    size_max: int
    is_fixed: bool = False
    is_usual: bool = False
    is_deleted: bool = False
    labels: tuple[tuple[str, str], ...] = ()
    launch: Launch | None = None
    cooldown_s: int = COOLDOWN_S
    warmup_s: int = COOLDOWN_S
    grace_s: int = 0
    takes_traffic: bool = True
    created_ms: int = 0
    cause: str = "the group was made"
    """Why its size is what it is."""
    cools_until_ms: int = 0
    suspended: dict[Process, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    def slot(self, zone: str, index: int) -> Slot:
        """A place of its instances."""
        name = "" if self.is_usual else self.name
        return Slot(self.service, self.region, zone, index, self.labels, name)

    def is_suspended(self, *processes: Process) -> bool:
        """Whether any of these processes is suspended."""
        return any(process in self.suspended for process in processes)


def groups_of(size: Size, *, now_ms: int = 0) -> dict[str, Group]:
    """The groups of a platform as it begins, by name."""
    scalable = {service for service, _ in size.per_zone}
    by_name: dict[str, list[Slot]] = {}
    for slot in slots_of(size):
        by_name.setdefault(slot.group, []).append(slot)
    return {
        name: _group(name, slots, is_fixed=slots[0].service not in scalable, now_ms=now_ms)
        for name, slots in by_name.items()
    }


def zones_of(regions: Iterable[str]) -> tuple[str, ...]:
    """Every zone of the regions."""
    return tuple(region + letter for region in regions for letter in ZONE_LETTERS)


def _group(name: str, slots: list[Slot], *, is_fixed: bool, now_ms: int) -> Group:
    count, first = len(slots), slots[0]
    zones = tuple(sorted({slot.zone for slot in slots}))
    return Group(
        name=name,
        service=first.service,
        region=first.region,
        zones=zones,
        size_min=count if is_fixed else min(count, len(zones)),
        desired=count,
        size_max=count if is_fixed else count * SIZE_FACTOR_MAX,
        is_fixed=is_fixed,
        is_usual=True,
        labels=first.labels,
        created_ms=now_ms,
    )
