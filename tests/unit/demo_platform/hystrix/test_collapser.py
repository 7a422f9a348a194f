"""Requests that come close together become one call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest

from demo_platform.hystrix.collapser import Collapser
from demo_platform.hystrix.command import Command, CommandFailed
from demo_platform.hystrix.properties import NoSource
from demo_platform.hystrix.runtime import Runtime

Jump = Callable[[Coroutine[Any, Any, Any]], Any]


class Failed(Exception):
    """What a run raises."""


class Scene:
    """A collapser that keeps its batches; must be made inside a running loop."""

    def __init__(self, *, batch_max: int = 10, fails: bool = False) -> None:
        runtime = Runtime(asyncio.get_running_loop(), NoSource())
        command = Command("titles", "catalog", runtime, failures=(Failed,))
        self.fails = fails
        self.batches: list[list[int]] = []
        self.collapser = Collapser(command, self.run, batch_max=batch_max)

    async def run(self, arguments: Sequence[int]) -> list[str]:
        self.batches.append(list(arguments))
        if self.fails:
            raise Failed
        return [f"title {argument}" for argument in arguments]

    async def submit_all(self, *arguments: int) -> list[Any]:
        submitted = (self.collapser.submit(argument) for argument in arguments)
        return await asyncio.gather(*submitted, return_exceptions=True)


def test_each_gets_its_own_answer_of_the_batch(jump: Jump) -> None:
    async def scene() -> None:
        stage = Scene()
        assert await stage.submit_all(3, 1) == ["title 3", "title 1"]
        assert await stage.submit_all(2) == ["title 2"]
        assert stage.batches == [[3, 1], [2]]

    jump(scene())


def test_a_full_batch_does_not_wait(jump: Jump) -> None:
    async def scene() -> None:
        stage = Scene(batch_max=2)
        began_s = asyncio.get_running_loop().time()
        await stage.submit_all(1, 2)
        assert asyncio.get_running_loop().time() == began_s
        await stage.submit_all(3, 4, 5)
        assert stage.batches == [[1, 2], [3, 4], [5]]

    jump(scene())


def test_a_batch_that_fails_fails_them_all(jump: Jump) -> None:
    async def scene() -> None:
        answers = await Scene(fails=True).submit_all(1, 2)
        assert [type(answer) for answer in answers] == [CommandFailed, CommandFailed]

    jump(scene())


def test_who_has_given_up_is_not_asked_for(jump: Jump) -> None:
    async def scene() -> None:
        stage = Scene()
        impatient = asyncio.create_task(stage.collapser.submit(1))
        await asyncio.sleep(0.001)
        impatient.cancel()
        await asyncio.sleep(0)
        assert await stage.submit_all(2) == ["title 2"]
        assert stage.batches == [[2]]

    jump(scene())


def test_a_batch_of_nobody_is_not_sent(jump: Jump) -> None:
    async def scene() -> None:
        stage = Scene()
        impatient = asyncio.create_task(stage.collapser.submit(1))
        await asyncio.sleep(0.001)
        impatient.cancel()
        with pytest.raises(asyncio.CancelledError):
            await impatient
        await asyncio.sleep(1)
        assert stage.batches == []

    jump(scene())
