"""What one query may use: time, and datapoints read. Whoever works long asks it between chunks."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from atlas.errors import LimitExceeded


class TimedOut(LimitExceeded):
    """A query took longer than it may."""

    @property
    def status(self) -> int:
        """The server is too busy, or the query too large for it."""
        return 503


class Cancelled(LimitExceeded):
    """Nobody waits for the answer any more."""


class Budget:
    """Handed down by whoever asks, and used up by one query. Without limits unless they are given.

    >>> budget = Budget(datapoint_count_max=100)
    >>> budget.spend(101)
    Traceback (most recent call last):
      ...
    atlas.errors.LimitExceeded: too many input datapoints: 101 > 100
      fix: select fewer series, or ask for a shorter time
    """

    def __init__(
        self,
        *,
        timeout_s: float = math.inf,
        datapoint_count_max: float = math.inf,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.timeout_s = timeout_s
        self.datapoint_count_max = datapoint_count_max
        self.datapoint_count = 0
        self._is_cancelled = False
        self._clock_s = clock_s
        self._deadline_s = clock_s() + timeout_s

    def spend(self, datapoint_count: int) -> None:
        """Read so many datapoints more. Raises LimitExceeded before they are read."""
        self.datapoint_count += datapoint_count
        if self.datapoint_count > self.datapoint_count_max:
            raise LimitExceeded(
                f"too many input datapoints: {self.datapoint_count} > {self.datapoint_count_max}",
                fix="select fewer series, or ask for a shorter time",
            )

    def cancel(self) -> None:
        """Have the query end at its next check; may be called from any thread."""
        self._is_cancelled = True

    def check(self) -> None:
        """Raises TimedOut once the time is up, and Cancelled once nobody waits."""
        if self._is_cancelled:
            raise Cancelled("query was cancelled", fix="wait for its answer")
        if self._clock_s() > self._deadline_s:
            raise TimedOut(
                f"query timed out after {self.timeout_s:g} s",
                fix="select fewer series, or ask for a shorter time",
            )
