"""Changing a group's size and limits: all of it, or nothing and the reason."""

from __future__ import annotations

from dataclasses import dataclass

from demo_platform.ec2.cloud import Cloud
from demo_platform.ec2.faults import AwsFault, invalid
from demo_platform.ec2.groups import Group

SIZE_MAX = 120


@dataclass(frozen=True, slots=True)
class Change:
    """What is to change; None stays as it is, but within the other two."""

    size_min: int | None = None
    desired: int | None = None
    size_max: int | None = None
    zones: tuple[str, ...] = ()


def change(cloud: Cloud, group: Group, wanted: Change, *, why: str) -> None:
    """Do it. Raises AwsFault when the numbers contradict each other or the machine is too small."""
    size_min = group.size_min if wanted.size_min is None else wanted.size_min
    size_max = group.size_max if wanted.size_max is None else wanted.size_max
    zones = wanted.zones or group.zones
    if not 0 <= size_min <= size_max <= SIZE_MAX:
        raise invalid(
            f"Max bound, {size_max}, must be greater than or equal to min bound, {size_min}, "
            f"and both from 0 to {SIZE_MAX}"
        )
    if wanted.desired is not None and not size_min <= wanted.desired <= size_max:
        raise invalid(
            f"Desired capacity:{wanted.desired} must be between the specified min size:{size_min} "
            f"and max size:{size_max}"
        )
    before = group.desired
    desired = min(max(before if wanted.desired is None else wanted.desired, size_min), size_max)
    check_fixed(group, is_same=before == desired == size_min == size_max and zones == group.zones)
    zones_before = group.zones
    group.zones = zones
    try:
        cloud.resize(
            group, desired, why=f"{why} set the desired capacity from {before} to {desired}"
        )
    except AwsFault:
        group.zones = zones_before
        raise
    group.size_min, group.size_max = size_min, size_max


def check_fixed(group: Group, *, is_same: bool) -> None:
    """Refuse to change what is known to the others by its places."""
    if group.is_deleted:
        raise invalid(f"AutoScalingGroup '{group.name}' is pending delete")
    if group.is_fixed and not is_same:
        raise invalid(
            f"{group.name} has a fixed size: its instances are known to the others by their places"
        )
