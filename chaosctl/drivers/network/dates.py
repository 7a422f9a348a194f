"""What time a server says it is: every answer over HTTP has a date (RFC 9110, 6.6.1)."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException

_HALF_A_SECOND = 0.5
"""A date has whole seconds, so it is that much old on average."""


def ahead_s(
    addresses: Sequence[tuple[str, int]],
    timeout_s: float,
    *,
    now_s: Callable[[], float] = time.time,
) -> list[float | None]:
    """By how many seconds each server's clock is ahead of ours; None where none is told."""
    return [_ahead_s(address, timeout_s, now_s) for address in addresses]


def _ahead_s(
    address: tuple[str, int], timeout_s: float, now_s: Callable[[], float]
) -> float | None:
    connection = HTTPConnection(*address, timeout=timeout_s)
    begun_s = now_s()
    try:
        connection.request("HEAD", "/")
        date = connection.getresponse().getheader("Date")
        told_s = None if date is None else parsedate_to_datetime(date).timestamp()
    except (OSError, HTTPException, ValueError):
        return None
    finally:
        connection.close()
    return None if told_s is None else told_s + _HALF_A_SECOND - (begun_s + now_s()) / 2
