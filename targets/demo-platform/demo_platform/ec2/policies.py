"""Scaling policies: what a group's operators have asked of the autoscaler. Plain data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

CPU = "ASGAverageCPUUtilization"
REQUESTS = "ALBRequestCountPerTarget"
ATLAS = "Atlas"
"""The namespace of a customised metric whose name is an expression for the platform's store."""


class Kind(StrEnum):
    """How a policy decides."""

    TARGET_TRACKING = "TargetTrackingScaling"
    STEP = "StepScaling"
    SIMPLE = "SimpleScaling"


class Adjustment(StrEnum):
    """What the number in a policy means."""

    CHANGE = "ChangeInCapacity"
    PERCENT = "PercentChangeInCapacity"
    EXACT = "ExactCapacity"


class AlarmState(StrEnum):
    """What an alarm has to say."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


@dataclass(frozen=True, slots=True)
class Target:
    """What target tracking holds a metric at.

    metric: CPU (percent of an instance's slots that are busy), REQUESTS (per instance and minute),
    or an expression for the store whose value for the group is compared with `value`.
    """

    metric: str
    value: float
    is_expression: bool = False
    statistic: str = ""
    label: str = ""
    may_scale_in: bool = True


@dataclass(frozen=True, slots=True)
class Step:
    """From `low` to below `high` above the threshold, change by `change`; None is no bound."""

    low: float | None
    high: float | None
    change: int


@dataclass(slots=True)
class Policy:
    """One policy of a group. warmup_s, cooldown_s: in AWS's seconds; None is the group's own.

    low_periods: how long the metric must be low before the group shrinks; None: as AWS has it.
    high and low are its alarms, which only target tracking has.
    """

    group: str
    name: str
    kind: Kind
    is_enabled: bool = True
    target: Target | None = None
    adjustment: Adjustment | None = None
    change: int | None = None
    steps: tuple[Step, ...] = ()
    change_min: int = 0
    warmup_s: int | None = None
    cooldown_s: int | None = None
    low_periods: int | None = None
    high: AlarmState = AlarmState.INSUFFICIENT_DATA
    low: AlarmState = AlarmState.INSUFFICIENT_DATA
    readings: list[float | None] = field(default_factory=list)
    """What the metric was in the last periods, the newest last; None is no data."""


class Policies:
    """Every policy, by group and name."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], Policy] = {}

    def put(self, policy: Policy) -> None:
        """Keep a policy in place of the one of that name."""
        self._kept[policy.group, policy.name] = policy

    def find(self, group: str, name: str) -> Policy | None:
        """The policy of that name."""
        return self._kept.get((group, name))

    def remove(self, policy: Policy) -> None:
        """Forget a policy."""
        self._kept.pop((policy.group, policy.name), None)

    def of(self, group: str = "") -> Iterator[Policy]:
        """Those of a group, or all, by group and name."""
        kept = sorted(self._kept.items())
        return (one for (name, _), one in kept if group in {"", name})

    def __len__(self) -> int:
        return len(self._kept)
