"""Deadlines: how long the answer is still wanted, carried from hop to hop in `x-deadline-ms`.

The header holds what is left rather than an instant, so that clocks need not agree. Each hop keeps
`HOP_MARGIN_S` for itself: the one furthest down gives up first, and its caller can still say who
failed instead of timing out as well.
"""

from __future__ import annotations

DEADLINE_HEADER = "x-deadline-ms"
HOP_MARGIN_S = 0.01


def deadline_from(header: str | None, *, now: float, default_s: float) -> float:
    """Clock reading at which a request's answer is no longer wanted.

    A header that is no whole number is treated as missing: a request is better served than refused.

    >>> deadline_from("250", now=100.0, default_s=3.0)
    100.25
    >>> deadline_from(None, now=100.0, default_s=3.0), deadline_from("x", now=1.0, default_s=3.0)
    (103.0, 4.0)
    """
    try:
        return now + int(header) / 1000 if header is not None else now + default_s
    except ValueError:
        return now + default_s


def left_for_hop(deadline: float, *, now: float, timeout_s: float) -> float:
    """Seconds that a call may take: its own time-out, or what is left less this hop's margin.

    Zero or less means that the call must not be tried.
    """
    return min(timeout_s, deadline - now - HOP_MARGIN_S)


def header_for(left_s: float) -> str:
    """The header's value for a call that may take `left_s` seconds."""
    return str(max(1, int(left_s * 1000)))
