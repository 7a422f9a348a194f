"""Token buckets: so many requests a second of one kind, and a few more at once. Pure.

A bucket fills by time and holds `burst` tokens at most, so of any `t` seconds no more than
`burst + rate × t` requests come through.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from typing import Final

KEYS_MAX: Final = 4096


class Buckets:
    """A bucket for each key; the key that was not heard of for longest is forgotten first."""

    __slots__ = ("_burst", "_levels", "_rate")

    def __init__(self, *, per_second: float, burst_s: float) -> None:
        self._rate = per_second
        self._burst = max(1.0, per_second * burst_s)
        self._levels: OrderedDict[object, tuple[float, float]] = OrderedDict()

    def take(self, key: object, now: float) -> float:
        """Take a token of the key's bucket: 0, or the seconds after which there would be one."""
        level, seen = self._levels.pop(key, (self._burst, now))
        level = min(self._burst, level + max(0.0, now - seen) * self._rate)
        wait_s = 0.0 if level >= 1.0 else (1.0 - level) / self._rate
        self._levels[key] = (level if wait_s else level - 1.0, max(now, seen))
        if len(self._levels) > KEYS_MAX:
            self._levels.popitem(last=False)
        return wait_s

    def __len__(self) -> int:
        return len(self._levels)


def retry_after(wait_s: float) -> str:
    """The header's value: whole seconds, so late rather than early.

    >>> retry_after(0.01), retry_after(2.0), retry_after(2.1)
    ('1', '2', '3')
    """
    return str(max(1, math.ceil(wait_s)))
