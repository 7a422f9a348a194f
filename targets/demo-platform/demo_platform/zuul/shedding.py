"""Which requests are given up first when there are too many: the least important ones. Pure.

Each request has a score from 1, the most important, to 100. Requests above a threshold are shed.
It stays at 100 until the edge is as busy as `start`, and falls from there to 0 by the cube of how
far the edge has gone towards its limit: slowly at first, so that a moderate overload costs nobody
a stream, and all the faster near the end.
"""

from __future__ import annotations

import zlib
from enum import IntEnum

SCORE_MAX = 100
BAND = 25
"""Scores of one priority: within it, members are shed one after the other."""


class Priority(IntEnum):
    """How much is lost with a request; the value is its band of scores."""

    CRITICAL = 0
    BEST_EFFORT = 1
    DEGRADED_EXPERIENCE = 2
    NON_CRITICAL = 3


def score(priority: Priority, request_id: str) -> int:
    """1…100. The same request has the same score at every edge, and at every try.

    >>> [score(priority, "play-7") for priority in Priority]
    [1, 26, 51, 76]
    """
    return int(priority) * BAND + 1 + zlib.crc32(request_id.encode()) % BAND


def threshold(utilisation: float, *, start: float) -> float:
    """Requests with a higher score are shed.

    utilisation: share of the limit that is in use; start: the share up to which nobody is shed.

    >>> [round(threshold(busy, start=0.0)) for busy in (0.0, 0.35, 0.8, 0.95, 1.0)]
    [100, 96, 49, 14, 0]
    """
    if utilisation <= start:
        return float(SCORE_MAX)
    if utilisation >= 1.0:
        return 0.0
    overload: float = (utilisation - start) / (1.0 - start)
    return float(SCORE_MAX * (1.0 - overload**3))
