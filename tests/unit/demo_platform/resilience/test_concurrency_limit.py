"""Who gets a slot, who waits, and who is shed."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from demo_platform.resilience.concurrency_limit import ConcurrencyLimit, Shed

Jump = Callable[[Coroutine[Any, Any, Any]], Any]


async def work(limit: ConcurrencyLimit, *, wait_s: float, work_s: float) -> float:
    """Acquire, work, release; returns the clock's reading when the slot was taken."""
    await limit.acquire(wait_s)
    taken_at = asyncio.get_running_loop().time()
    try:
        await asyncio.sleep(work_s)
    finally:
        limit.release()
    return taken_at


@pytest.mark.parametrize(
    ("slots", "requests", "wait_s", "served"),
    [
        (2, 2, 0.0, 2),
        (2, 3, 0.0, 2),
        (2, 4, 1.5, 4),
        (2, 6, 1.5, 4),
        (2, 6, 2.5, 6),
        (1, 3, 1.5, 2),
    ],
)
def test_serves_what_fits_into_slots_and_waiting_time(
    jump: Jump, slots: int, requests: int, wait_s: float, served: int
) -> None:
    async def scene() -> int:
        limit = ConcurrencyLimit(slots)
        works = [work(limit, wait_s=wait_s, work_s=1.0) for _ in range(requests)]
        endings = await asyncio.gather(*works, return_exceptions=True)
        assert limit.busy == 0
        assert limit.waiting == 0
        return sum(not isinstance(ending, Shed) for ending in endings)

    assert jump(scene()) == served


def test_serves_in_the_order_of_arrival(jump: Jump) -> None:
    async def scene() -> list[float]:
        limit = ConcurrencyLimit(1)
        return await asyncio.gather(*(work(limit, wait_s=9, work_s=1.0) for _ in range(4)))

    taken = jump(scene())
    assert [round(at - taken[0]) for at in taken] == [0, 1, 2, 3]


def test_gives_the_slot_on_when_one_that_waits_is_cancelled(jump: Jump) -> None:
    async def scene() -> None:
        limit = ConcurrencyLimit(1)
        await limit.acquire(0)
        gone = asyncio.create_task(limit.acquire(9))
        stays = asyncio.create_task(limit.acquire(9))
        await asyncio.sleep(0)
        gone.cancel()
        limit.release()
        await stays
        assert limit.busy == 1

    jump(scene())


def test_gives_the_slot_back_when_cancelled_in_the_moment_of_the_turn(jump: Jump) -> None:
    async def scene() -> None:
        limit = ConcurrencyLimit(1)
        await limit.acquire(0)
        waits = asyncio.create_task(limit.acquire(9))
        await asyncio.sleep(0)
        limit.release()
        waits.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waits
        assert limit.busy == 0

    jump(scene())


def test_uses_new_slots_when_the_limit_is_raised(jump: Jump) -> None:
    async def scene() -> None:
        limit = ConcurrencyLimit(1)
        await limit.acquire(0)
        waiting = [asyncio.create_task(limit.acquire(9)) for _ in range(2)]
        await asyncio.sleep(0)
        limit.slots = 2
        limit.release()
        await asyncio.gather(*waiting)
        assert limit.busy == 2

    jump(scene())
