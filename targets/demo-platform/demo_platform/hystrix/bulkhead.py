"""Bulkheads: how many calls of a kind one process makes at once, so that one kind cannot sink all.

A semaphore is a counter with a limit. A pool has places like the threads of a thread pool, shared
by the commands of a group, and may have a queue: who finds all places taken waits for one, or is
refused when enough wait already.
"""

from __future__ import annotations

import asyncio
from collections import deque

from demo_platform.hystrix.properties import PoolProperties
from demo_platform.hystrix.rolling import RollingCounts, RollingMax

_EXECUTED, _REJECTED = 0, 1


class Semaphore:
    """Places that are given to as many as the limit says at the moment of asking."""

    __slots__ = ("taken",)

    def __init__(self) -> None:
        self.taken = 0

    def enter(self, limit: int) -> bool:
        """Take a place; False when all are taken."""
        if self.taken >= limit:
            return False
        self.taken += 1
        return True

    def leave(self) -> None:
        """Give a place back."""
        self.taken -= 1


class PoolRejected(Exception):
    """All places are taken, and no more may wait for one."""


class Pool:
    """The places of one pool, who waits for them, and what it did lately."""

    def __init__(self, name: str, properties: PoolProperties, *, now_ms: float) -> None:
        self.name = name
        self.properties = properties
        self.active = 0
        self.completed = 0
        self.started = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        window_ms, buckets = properties.rolling_window_ms, properties.rolling_buckets
        self._counts = RollingCounts(2, window_ms=window_ms, buckets=buckets, now_ms=now_ms)
        self._most = RollingMax(window_ms=window_ms, buckets=buckets, now_ms=now_ms)

    @property
    def queued(self) -> int:
        """How many wait for a place."""
        return len(self._waiting)

    @property
    def size(self) -> int:
        """Places there are: as with threads, each task makes one until there are enough."""
        return min(self.properties.core_size, self.started)

    @property
    def executed(self) -> int:
        """Tasks executed in the window."""
        return self._counts.sums[_EXECUTED]

    @property
    def rejected(self) -> int:
        """Tasks refused in the window."""
        return self._counts.sums[_REJECTED]

    @property
    def most_active(self) -> int:
        """Places that were taken at once in the window."""
        return self._most.largest

    async def enter(self) -> None:
        """Take a place, or wait for one. Raises PoolRejected when that is not allowed."""
        if self.active < self.properties.core_size:
            self._take()
            return
        # The limit on the queue is asked for before the queue itself, which may be the longer one.
        room = min(self.properties.queue_max, self.properties.queue_rejection)
        if len(self._waiting) >= room:
            raise PoolRejected
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.started -= 1
                self._pass_on()
            else:
                self._waiting.remove(turn)
            raise

    def leave(self) -> None:
        """Give a place back; who has waited longest gets it."""
        self.completed += 1
        self._pass_on()

    def turn(self, now_ms: float) -> None:
        """Close the buckets that have ended."""
        if now_ms >= self._counts.ends_ms:
            self._counts.turn(now_ms)
            self._most.turn(now_ms)

    def note_executed(self) -> None:
        """Count a task that ran."""
        self._counts.open[_EXECUTED] += 1

    def note_rejected(self) -> None:
        """Count a task that was refused."""
        self._counts.open[_REJECTED] += 1

    def _take(self) -> None:
        self.active += 1
        self.started += 1
        self._most.note(self.active)

    def _pass_on(self) -> None:
        self.active -= 1
        while self._waiting and self.active < self.properties.core_size:
            turn = self._waiting.popleft()
            if not turn.done():
                self._take()
                turn.set_result(None)
