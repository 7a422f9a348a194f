"""Bulkhead: how many calls to one service may be under way at once in one process.

A slow service then holds at most that many of its caller's requests; the rest are answered by the
fallback, or refused, at once.
"""

from __future__ import annotations


class Bulkhead:
    """A counter with a limit."""

    __slots__ = ("in_flight", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.in_flight = 0

    def enter(self) -> bool:
        """Take a place; False when all are taken."""
        if self.in_flight >= self.limit:
            return False
        self.in_flight += 1
        return True

    def leave(self) -> None:
        """Give a place back."""
        self.in_flight -= 1
