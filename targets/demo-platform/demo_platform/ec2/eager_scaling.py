"""What the switch `eager-scaling` sets up: playback's groups follow their load, both ways at once.

As an operator would who looks at three minutes either way and saves all that can be saved: a
group may shrink to a single instance, and be no larger than it is. When the switch goes off the
groups are as they were.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from demo_platform.ec2.cloud import Cloud
from demo_platform.ec2.faults import AwsFault
from demo_platform.ec2.groups import Group
from demo_platform.ec2.policies import CPU, Kind, Policy, Target
from demo_platform.ec2.tracking import HIGH_PERIODS

SERVICE = "playback"
NAME = "eager-scaling"
BUSY_PERCENT = 45.0
"""Three instances are too many only below two thirds of it: less than there ever is to do here,
unless nobody comes. Without headroom playback's slots are busy at 85 %."""

SIZE_MIN = 1

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Before:
    size_min: int
    desired: int
    size_max: int


class EagerScaling:
    """Whether it is set up, and what the groups were before. is_on: the switch."""

    def __init__(self, cloud: Cloud, *, is_on: Callable[[], bool], service: str = SERVICE) -> None:
        self._cloud = cloud
        self._service = service
        self._is_on = is_on
        self._before: dict[str, _Before] = {}

    def follow_switch(self) -> None:
        """Set it up, or take it back, if the switch was turned."""
        everyone = self._cloud.estate.groups.values()
        groups = [one for one in everyone if one.service == self._service and one.is_usual]
        is_on = self._is_on()
        if is_on and not self._before:
            for group in groups:
                self._set_up(group)
        elif self._before and not is_on:
            for group in groups:
                self._take_back(group)
            self._before = {}

    def _set_up(self, group: Group) -> None:
        self._before[group.name] = _Before(group.size_min, group.desired, group.size_max)
        group.size_min, group.size_max = min(SIZE_MIN, group.size_min), group.desired
        self._cloud.policies.put(
            Policy(
                group.name,
                NAME,
                Kind.TARGET_TRACKING,
                target=Target(CPU, BUSY_PERCENT),
                warmup_s=0,
                low_periods=HIGH_PERIODS,
            )
        )

    def _take_back(self, group: Group) -> None:
        before = self._before[group.name]
        policy = self._cloud.policies.find(group.name, NAME)
        if policy is not None:
            self._cloud.policies.remove(policy)
        group.size_min, group.size_max = before.size_min, before.size_max
        if group.desired == before.desired:
            return
        why = f"{NAME} was switched off: from {group.desired} back to {before.desired}"
        try:
            self._cloud.resize(group, before.desired, why=why)
        except AwsFault as fault:
            _log.warning("%s stays at %d: %s", group.name, group.desired, fault.message)
