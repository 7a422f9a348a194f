"""How many instances a group should have, from what a metric was. Pure.

Target tracking as AWS does it, with the platform's time factor over its periods: a minute is two
seconds. Out fast, in slowly: three periods above the target add what is missing at once; fifteen
periods below nine tenths of it take away what is too much. A gap breaks a row of periods, and no
data at all decides nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from demo_platform.ec2.policies import Adjustment, AlarmState, Step
from demo_platform.settings import TIME_FACTOR

PERIOD_S = 60.0 / TIME_FACTOR
HIGH_PERIODS = 3
LOW_PERIODS = 15
LOW_RATIO = 0.9


@dataclass(frozen=True, slots=True)
class Limits:
    """A group's size now, and between what it may be."""

    desired: int
    size_min: int
    size_max: int


def high_alarm(readings: Sequence[float | None], target: float) -> AlarmState:
    """Whether the metric has been above the target for long enough to grow."""
    return _alarm(readings[-HIGH_PERIODS:], HIGH_PERIODS, lambda value: value > target)


def low_alarm(
    readings: Sequence[float | None], target: float, *, periods: int = LOW_PERIODS
) -> AlarmState:
    """Whether the metric has been well below the target for long enough to shrink."""
    below = LOW_RATIO * target
    return _alarm(readings[-periods:], periods, lambda value: value < below)


def tracked(
    readings: Sequence[float | None],
    target: float,
    limits: Limits,
    *,
    serving: int,
    is_warming: bool,
    may_shrink: bool,
    low_periods: int = LOW_PERIODS,
) -> int:
    """The size that would bring the metric to its target; the present one when nothing is to do.

    serving: over how many instances the metric was taken.
    is_warming: instances are on their way that the metric cannot show yet: it may still grow, but
    not from what it has already reacted to, and does not shrink.
    """
    value = readings[-1] if readings else None
    if value is None or serving <= 0:
        return limits.desired
    # What all of them together have to do, shared out at the target.
    needed = math.ceil(round(value * serving / target, 6))
    if high_alarm(readings, target) is AlarmState.ALARM:
        # Already within reach of the limit? A group that was set above it is left there.
        return max(limits.desired, min(needed, limits.size_max))
    is_low = low_alarm(readings, target, periods=low_periods) is AlarmState.ALARM
    if is_low and may_shrink and not is_warming:
        return min(limits.desired, max(needed, limits.size_min))
    return limits.desired


def step_for(steps: Sequence[Step], above: float) -> int | None:
    """The change of the step in whose interval a metric lies that is so far above its threshold.

    >>> step_for([Step(0, 10, 1), Step(10, None, 3)], 12.0)
    3
    """
    for step in steps:
        low = -math.inf if step.low is None else step.low
        high = math.inf if step.high is None else step.high
        # Intervals below the threshold hold their upper bound, those above it their lower one.
        if low <= above < high or (above < 0 and low < above <= high):
            return step.change
    return None


def adjusted(
    desired: int,
    adjustment: Adjustment,
    change: int,
    *,
    change_min: int,
    size_min: int,
    size_max: int,
) -> int:
    """The size after a change, within the limits; a percentage is rounded as AWS rounds it.

    >>> adjusted(4, Adjustment.PERCENT, 30, change_min=0, size_min=0, size_max=10)
    5
    """
    if adjustment is Adjustment.EXACT:
        wanted = change
    elif adjustment is Adjustment.CHANGE:
        wanted = desired + change
    else:
        wanted = desired + _percent(desired, change, change_min)
    return min(max(wanted, size_min), size_max)


def _percent(desired: int, percent: int, change_min: int) -> int:
    exact = desired * percent / 100
    # Above one: towards zero. Between zero and one: one, so that something happens.
    steps = int(exact) if abs(exact) >= 1 else int(math.copysign(1, exact)) if exact else 0
    if steps and abs(steps) < change_min:
        steps = int(math.copysign(change_min, steps))
    return steps


def _alarm(
    readings: Sequence[float | None], periods: int, breaches: Callable[[float], bool]
) -> AlarmState:
    known = [value for value in readings if value is not None]
    if not known:
        return AlarmState.INSUFFICIENT_DATA
    if len(known) == periods and all(breaches(value) for value in known):
        return AlarmState.ALARM
    return AlarmState.OK
