"""What the recorded answers leave out: bugs in a run, cancellation, and who is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from demo_platform.hystrix.command import Command, CommandFailed
from demo_platform.hystrix.events import Event
from demo_platform.hystrix.frames import frames
from demo_platform.hystrix.properties import NoSource
from demo_platform.hystrix.runtime import Runtime

Jump = Callable[[Coroutine[Any, Any, Any]], Any]


class Failed(Exception):
    """What a run raises."""


def new_command(**declared: Any) -> Command:
    runtime = Runtime(asyncio.get_running_loop(), NoSource())
    return Command("recs", "recs", runtime, failures=(Failed,), declared=declared)


async def fine() -> str:
    return "fine"


async def slow() -> str:
    await asyncio.sleep(0.5)
    return "slow"


async def instead() -> str:
    return "instead"


async def buggy() -> str:
    raise ZeroDivisionError


async def failing() -> str:
    raise Failed


@pytest.mark.parametrize("strategy", ["SEMAPHORE", "THREAD"])
def test_a_bug_is_passed_on_and_leaves_no_place_taken(jump: Jump, strategy: str) -> None:
    async def scene() -> None:
        command = new_command(strategy=strategy)
        events: list[Event] = []
        with pytest.raises(ZeroDivisionError):
            await command.execute(buggy, instead, notify=events.extend)
        assert events == [Event.CANCELLED]
        assert (command.metrics.concurrent, command.pool.active) == (0, 0)
        assert await command.execute(fine) == "fine"

    jump(scene())


def test_a_cancelled_caller_is_not_taken_for_a_time_out(jump: Jump) -> None:
    async def scene() -> None:
        command = new_command()
        events: list[Event] = []
        task = asyncio.create_task(command.execute(slow, instead, notify=events.extend))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert events == [Event.CANCELLED]
        assert (command.metrics.concurrent, command.pool.active) == (0, 0)

    jump(scene())


def test_a_time_out_leaves_the_task_of_its_caller_alone(jump: Jump) -> None:
    async def scene() -> None:
        command = new_command(timeout_ms=100)
        assert await command.execute(slow, instead) == "instead"
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0
        await asyncio.sleep(1)

    jump(scene())


def test_a_run_that_hides_its_cancellation_leaves_the_task_of_its_caller_alone(
    jump: Jump,
) -> None:
    async def stubborn() -> str:
        try:
            return await slow()
        except asyncio.CancelledError:
            return "stubborn"

    async def scene() -> None:
        assert await new_command(timeout_ms=100).execute(stubborn) == "stubborn"
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0

    jump(scene())


def test_a_cancellation_together_with_the_time_out_stays_one(jump: Jump) -> None:
    async def scene() -> None:
        command = new_command(timeout_ms=100)
        task = asyncio.create_task(command.execute(slow, instead))
        asyncio.get_running_loop().call_later(0.1, task.cancel)
        with pytest.raises(asyncio.CancelledError):
            await task

    jump(scene())


def test_who_timed_out_while_waiting_does_not_run_later(jump: Jump) -> None:
    async def scene() -> None:
        command = new_command(timeout_ms=100, interrupt_on_timeout=False)
        pool = command._runtime.pools["recs"] = _small_pool(command)
        first = asyncio.create_task(command.execute(slow, instead))
        await asyncio.sleep(0.01)
        assert await command.execute(fine, instead) == "instead"
        assert await first == "instead"
        await asyncio.sleep(1)
        assert (pool.active, pool.queued, command.metrics.concurrent) == (0, 0, 0)
        (frame, *_) = frames(command._runtime, wall_ms=1)
        assert (frame["rollingCountTimeout"], frame["rollingCountSuccess"]) == (2, 0)

    jump(scene())


def test_who_waits_for_a_place_may_give_up(jump: Jump) -> None:
    async def scene() -> None:
        command = new_command()
        pool = command._runtime.pools["recs"] = _small_pool(command)
        first = asyncio.create_task(command.execute(slow))
        await asyncio.sleep(0.1)
        second = asyncio.create_task(command.execute(fine))
        await asyncio.sleep(0.1)
        assert (pool.active, pool.queued) == (1, 1)
        second.cancel()
        assert await first == "slow"
        assert (pool.active, pool.queued, pool.completed) == (0, 0, 1)

    jump(scene())


def _small_pool(command: Command) -> Any:
    declared = {"core_size": 1, "queue_max": 5}
    return Runtime(asyncio.get_running_loop(), NoSource()).pool("recs", declared)


def test_the_failure_says_what_the_run_raised(jump: Jump) -> None:
    async def scene() -> None:
        with pytest.raises(CommandFailed, match="recs: COMMAND_EXCEPTION") as caught:
            await new_command().execute(failing, failing)
        assert isinstance(caught.value.cause, Failed)

    jump(scene())


def test_an_idle_command_starts_no_timer(jump: Jump) -> None:
    async def scene() -> None:
        command = new_command()
        await command.execute(fine)
        # The one handle that is left of a call is its time-out, cancelled and not yet collected.
        pending = [one for one in asyncio.get_running_loop()._scheduled if not one.cancelled()]  # type: ignore[attr-defined]
        assert pending == []
        assert asyncio.all_tasks() == {asyncio.current_task()}

    jump(scene())


def test_a_pool_is_told_of_once_it_has_done_something(jump: Jump) -> None:
    async def scene() -> None:
        command = new_command()
        kinds = [[one["type"] for one in frames(command._runtime, wall_ms=1)]]
        await command.execute(fine)
        kinds.append([one["type"] for one in frames(command._runtime, wall_ms=1)])
        assert kinds == [["HystrixCommand"], ["HystrixCommand", "HystrixThreadPool"]]

    jump(scene())
