"""The execution time-out: asyncio.timeout() at a fifth of its price, which every call pays."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

Answer = TypeVar("Answer")


class _Expiry:
    """Cancels a task once, and takes that back."""

    __slots__ = ("cancelling", "has_fired", "task")

    def __init__(self, task: asyncio.Task[object]) -> None:
        self.task = task
        self.cancelling = task.cancelling()
        self.has_fired = False

    def fire(self) -> None:
        self.has_fired = True
        self.task.cancel()

    def was_alone(self) -> bool:
        """Take the cancellation back, if there was one; whether it was the only one."""
        if not self.has_fired:
            return False
        self.has_fired = False
        return self.task.uncancel() <= self.cancelling


async def within(
    loop: asyncio.AbstractEventLoop, timeout_s: float, run: Callable[[], Awaitable[Answer]]
) -> Answer:
    """What the run answers. Raises TimeoutError, once it is cancelled, when it takes too long.

    Somebody else's cancellation stays one, even when it comes together with the time-out.
    """
    task = asyncio.current_task(loop)
    if task is None:
        raise RuntimeError("a command runs in a task")
    expiry = _Expiry(task)
    timer = loop.call_later(timeout_s, expiry.fire)
    try:
        return await run()
    except asyncio.CancelledError:
        if expiry.was_alone():
            raise TimeoutError from None
        raise
    finally:
        timer.cancel()
        if expiry.has_fired:
            expiry.was_alone()
