"""How large the groups must be that are to carry the members of a region that is left. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from demo_platform.ec2.groups import Group, Process
from demo_platform.errors import DemoError

BUSY_TARGET = 0.5
"""Share of a group's room that is taken once it has grown to carry all members.

With that it could lose a zone of three as well.
"""

BUSY_MAX = 0.85
"""As much may be taken where a group cannot grow to that."""


def size_needed(desired: int, busy: float, leaving: float, *, most: int) -> int:
    """How many instances carry all members where so many carry those of today.

    busy: share of their room that is taken now. leaving: share of all members that is yet to come.
    most: as many as there may be; more than that is needed where even those would be too busy.

    >>> [size_needed(3, busy, leaving=0.5, most=9) for busy in (0.1, 0.24, 0.43, 0.85, 1.0, 1.4)]
    [3, 3, 6, 9, 9, 10]
    """
    carried = desired * busy / (1 - leaving)
    wanted = max(desired, _ceil(carried / BUSY_TARGET))
    return wanted if wanted <= most else max(most, _ceil(carried / BUSY_MAX))


def _ceil(count: float) -> int:
    # What is a whole number but for the last bit of a double is that number.
    return math.ceil(count - 1e-9)


def sizes_needed(
    groups: Iterable[Group], busy: Mapping[str, float], leaving: float
) -> dict[str, int]:
    """What each of the groups must have. Raises DemoError where one cannot, or nobody can say.

    busy: by group, as in `size_needed`.
    """
    sizes: dict[str, int] = {}
    for group in groups:
        where = f"group {group.name}"
        if group.name not in busy:
            raise DemoError(
                f"the store does not say how busy {group.name} is",
                where=where,
                fix="wait until it has data: `chaosctl atlas query`",
            )
        sizes[group.name] = size_needed(
            group.desired, busy[group.name], leaving, most=max(group.desired, group.size_max)
        )
        why = _cannot_have(group, sizes[group.name])
        if why:
            what = f"the savior cannot scale: {group.name} {why[0]}"
            raise DemoError(what, where=where, fix=why[1])
    return sizes


def more_by_zone(groups: Iterable[Group], sizes: Mapping[str, int]) -> dict[str, int]:
    """How many more instances each zone gets."""
    more: dict[str, int] = {}
    for group in groups:
        each = -(-(sizes[group.name] - group.desired) // len(group.zones))
        for zone in group.zones:
            more[zone] = more.get(zone, 0) + each
    return more


def _cannot_have(group: Group, size: int) -> tuple[str, str] | None:
    """Why a group cannot have that size, and what to do about it."""
    if size > group.size_max:
        return f"would need {size} instances and may have {group.size_max}", "raise its MaxSize"
    if size > group.desired and group.is_suspended(Process.LAUNCH):
        return "may not launch anything: Launch is suspended", "resume its processes"
    return None
