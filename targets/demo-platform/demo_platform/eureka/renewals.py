"""Self-preservation: when too few renewals come in, it is the network that is broken, not they.

The original's arithmetic: so many renewals are expected in a window as instances times renewals of
each; below 85 % of them no lease is ended. The original counts whom it expects at each register
and cancel, and corrects the count every 15 minutes; here it is the number of leases, which is the
same with nothing to correct.
"""

from __future__ import annotations

from collections import deque

from demo_platform.eureka.periods import Periods

RENEWED_RATIO_MIN = 0.85


class RenewalWindow:
    """How many renewals came in lately."""

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._at_s: deque[float] = deque()

    def add(self, now_s: float) -> None:
        """One more renewal."""
        self._at_s.append(now_s)
        self._forget(now_s)

    def count(self, now_s: float) -> int:
        """Renewals within the window that ends now."""
        self._forget(now_s)
        return len(self._at_s)

    def _forget(self, now_s: float) -> None:
        while self._at_s and self._at_s[0] <= now_s - self._window_s:
            self._at_s.popleft()


def threshold(instances: int, periods: Periods) -> int:
    """The renewals in a window above which leases may end.

    >>> threshold(36, Periods()), threshold(2, Periods()), threshold(0, Periods())
    (61, 3, 0)
    """
    per_window = periods.window_s / periods.renewal_s
    return int(instances * per_window * RENEWED_RATIO_MIN)


def evictions_max(instances: int) -> int:
    """How many leases may end at one pass: 15 % of them, rounded up.

    >>> evictions_max(36), evictions_max(5), evictions_max(1)
    (6, 1, 1)
    """
    return instances - int(instances * RENEWED_RATIO_MIN)
