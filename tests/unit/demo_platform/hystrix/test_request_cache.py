"""What a request has asked before it does not ask again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from demo_platform.hystrix.command import Command, CommandFailed
from demo_platform.hystrix.properties import NoSource
from demo_platform.hystrix.request_cache import RequestCache
from demo_platform.hystrix.runtime import Runtime

Jump = Callable[[Coroutine[Any, Any, Any]], Any]


class Failed(Exception):
    """What a run raises."""


class Scene:
    """A command that counts how often it is asked; must be made inside a running loop."""

    def __init__(self) -> None:
        self.runtime = Runtime(asyncio.get_running_loop(), NoSource())
        self.command = self.new_command("profile")
        self.cache = RequestCache()
        self.asked = 0

    def new_command(self, name: str) -> Command:
        return Command(name, "customer", self.runtime, failures=(Failed,))

    async def run(self) -> int:
        self.asked += 1
        await asyncio.sleep(0.1)
        return self.asked

    async def failing(self) -> int:
        self.asked += 1
        raise Failed


def test_those_who_ask_meanwhile_wait_for_the_first(jump: Jump) -> None:
    async def scene() -> None:
        stage = Scene()
        both = (stage.cache.execute(stage.command, 7, stage.run) for _ in range(2))
        assert await asyncio.gather(*both) == [1, 1]

    jump(scene())


def test_other_keys_commands_and_requests_are_asked_for_themselves(jump: Jump) -> None:
    async def scene() -> None:
        stage = Scene()
        other = stage.new_command("licence")
        answers = [
            await stage.cache.execute(stage.command, 7, stage.run),
            await stage.cache.execute(stage.command, 8, stage.run),
            await stage.cache.execute(other, 7, stage.run),
            await RequestCache().execute(stage.command, 7, stage.run),
        ]
        assert answers == [1, 2, 3, 4]

    jump(scene())


def test_a_failure_is_remembered(jump: Jump) -> None:
    async def scene() -> None:
        stage = Scene()
        for _ in range(3):
            with pytest.raises(CommandFailed):
                await stage.cache.execute(stage.command, 7, stage.failing)
        assert stage.asked == 1

    jump(scene())


def test_the_first_may_give_up_without_the_others(jump: Jump) -> None:
    async def scene() -> None:
        stage = Scene()
        first = asyncio.create_task(stage.cache.execute(stage.command, 7, stage.run))
        await asyncio.sleep(0.01)
        first.cancel()
        assert await stage.cache.execute(stage.command, 7, stage.run) == 1

    jump(scene())
