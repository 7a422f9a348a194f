"""Concurrency limit: an instance's declared capacity, slots over seconds of service time.

A request takes a slot, waits for one in a short first-come queue, or is shed. It waits only while
its answer can still be in time, so that an overloaded instance does not work for nobody. Capacity
is declared, not measured: a verdict then does not depend on the machine that runs the platform.
"""

from __future__ import annotations

import asyncio
from collections import deque


class Shed(Exception):
    """The request was refused for lack of capacity."""


class ConcurrencyLimit:
    """Slots and the queue for them. `slots` may change at any time; the next release sees it."""

    __slots__ = ("_queue", "busy", "slots")

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self.busy = 0
        self._queue: deque[asyncio.Future[None]] = deque()

    @property
    def waiting(self) -> int:
        """Requests in the queue."""
        return len(self._queue)

    async def acquire(self, wait_s: float) -> None:
        """Take a slot within `wait_s` seconds, or raise Shed."""
        if self.busy < self.slots and not self._queue:
            self.busy += 1
            return
        if wait_s <= 0:
            raise Shed
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        self._queue.append(turn)
        timer = loop.call_later(wait_s, self._give_up, turn)
        try:
            await turn
        except asyncio.CancelledError:
            # The caller may be cancelled in the very moment its turn came: pass the slot on.
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self.release()
            raise
        finally:
            timer.cancel()

    def release(self) -> None:
        """Give a slot back, to the first in the queue if there is one."""
        self.busy -= 1
        while self._queue and self.busy < self.slots:
            turn = self._queue.popleft()
            if not turn.done():
                self.busy += 1
                turn.set_result(None)

    def _give_up(self, turn: asyncio.Future[None]) -> None:
        if not turn.done():
            self._queue.remove(turn)
            turn.set_exception(Shed())
