"""Who is suspected to be down: the phi accrual failure detector. Pure.

Each sign of life of a node tells how regular its signs are. `phi` says how unlikely its silence has
become: 8 is one in a hundred million. The interval is held to be normally distributed, with a floor
under its deviation, because a busy machine is late now and then. A process that stood still itself
must not hold that against the others: `forgive` starts the silence of all anew.
"""

from __future__ import annotations

import math
from collections import deque

PHI_MAX = 8.0
_DEVIATIONS_AT_PHI_MAX = 5.612
"""How many standard deviations above the mean phi is 8: the tail of the normal distribution."""

INTERVALS = 20
FIRST_INTERVAL_S = 1.0
DEVIATION_S_MIN = 0.35
INTERVAL_S_MAX = 3.0
"""A longer silence says nothing about what is regular."""


class Arrivals:
    """Signs of life of one node."""

    __slots__ = ("_deviation_s", "_intervals", "_last", "_mean_s")

    def __init__(self, now: float) -> None:
        self._last = now
        self._intervals: deque[float] = deque([FIRST_INTERVAL_S], maxlen=INTERVALS)
        self._mean_s = FIRST_INTERVAL_S
        self._deviation_s = DEVIATION_S_MIN

    def heard(self, now: float) -> None:
        """Note a sign of life."""
        interval_s, self._last = now - self._last, now
        if not 0 <= interval_s <= INTERVAL_S_MAX:
            return
        self._intervals.append(interval_s)
        count = len(self._intervals)
        self._mean_s = max(FIRST_INTERVAL_S, sum(self._intervals) / count)
        variance = sum((one - self._mean_s) ** 2 for one in self._intervals) / count
        self._deviation_s = max(DEVIATION_S_MIN, math.sqrt(variance))

    def forgive(self, now: float) -> None:
        """Count the silence from now on."""
        self._last = now

    def is_suspected(self, now: float) -> bool:
        """Whether phi has passed its limit."""
        return now - self._last > self._mean_s + _DEVIATIONS_AT_PHI_MAX * self._deviation_s

    def phi(self, now: float) -> float:
        """How unlikely the silence is: minus the decimal logarithm of its probability."""
        deviations = (now - self._last - self._mean_s) / self._deviation_s
        later = math.erfc(deviations / math.sqrt(2)) / 2
        return -math.log10(later) if later > 0 else math.inf
