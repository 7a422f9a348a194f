"""Concurrency limit: an instance's declared capacity, slots over seconds of service time.

A request takes a slot, waits for one first come first served, or is shed. Service times are
declared, so the waiting time is known on arrival: the limit keeps the instant at which each slot
will be free, and a request that would wait too long is refused at once instead of after the wait.

The instants are those planned, not those at which a busy machine got round to waking somebody up:
work that ends late does not make the next one start late. So capacity is what was declared, and a
verdict does not depend on the machine that runs the platform.
"""

from __future__ import annotations

import heapq


class Shed(Exception):
    """The request was refused for lack of capacity."""


class ConcurrencyLimit:
    """When each slot will be free, soonest first."""

    __slots__ = ("_free_at",)

    def __init__(self) -> None:
        self._free_at: list[float] = []

    def reserve(self, *, slots: int, work_s: float, wait_s: float, now: float) -> float:
        """Plan a request's work; returns the instant at which it will be done.

        slots: may differ from call to call; work that is planned stays planned.
        wait_s: the longest that the request may wait for a slot.
        Raises Shed when no slot is free in time.
        """
        while len(self._free_at) < slots:
            heapq.heappush(self._free_at, now)
        while len(self._free_at) > slots:
            heapq.heappop(self._free_at)
        begins_at = max(now, self._free_at[0])
        if begins_at - now > wait_s:
            raise Shed
        done_at = begins_at + work_s
        heapq.heapreplace(self._free_at, done_at)
        return done_at
