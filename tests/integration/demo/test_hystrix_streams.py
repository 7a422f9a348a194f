"""What listeners of a process and of a cluster hear over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from demo_platform.hystrix.stream import LISTENERS_MAX, STREAM_PATH
from demo_platform.hystrix.turbine_stream import TURBINE_PATH, Turbine
from tests.integration.demo.streams import Process, hear, process, served

pytestmark = pytest.mark.integration


async def first(url: str, claim: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The first frame of a stream of which the claim holds."""
    async for frame in hear(url):
        if claim(frame):
            return frame
    raise AssertionError(f"{url} ended")


async def status(url: str) -> int:
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return response.status


def tasks() -> int:
    return len(asyncio.all_tasks())


def test_a_listener_hears_commands_and_pools() -> None:
    async def scene() -> None:
        async with process() as one:
            await one.call(fine_count=3, failing_count=1)
            url = one.url + STREAM_PATH + "?delay=100"
            command = await first(url, lambda frame: frame["type"] == "HystrixCommand")
            assert (command["rollingCountSuccess"], command["errorPercentage"]) == (3, 25)
            pool = await first(url, lambda frame: frame["type"] == "HystrixThreadPool")
            assert (pool["currentCompletedTaskCount"], pool["name"]) == (4, "recs")

    asyncio.run(scene())


def test_a_process_without_commands_sends_pings() -> None:
    async def scene() -> None:
        async with process() as one, aiohttp.ClientSession() as session:
            one.runtime.commands.clear()
            async with session.get(one.url + STREAM_PATH) as response:
                assert await response.content.readline() == b"ping: \n"

    asyncio.run(scene())


def test_only_so_many_listen_and_a_place_becomes_free_again() -> None:
    async def scene() -> None:
        async with process() as one, aiohttp.ClientSession() as session:
            url = one.url + STREAM_PATH + "?delay=100"
            listening = [await session.get(url) for _ in range(LISTENERS_MAX)]
            assert await status(url) == 503
            for response in listening:
                response.close()
            await asyncio.sleep(0.4)
            assert await first(url, lambda _: True)

    asyncio.run(scene())


@pytest.mark.parametrize("delay", ["soon", "-1", "99", "60001", "1e3", "٣٠٠"])
def test_a_delay_that_cannot_be_is_refused(delay: str) -> None:
    async def scene() -> None:
        async with process() as one:
            assert await status(f"{one.url}{STREAM_PATH}?delay={delay}") == 400

    asyncio.run(scene())


def test_a_cluster_is_the_sum_of_those_who_can_be_heard() -> None:
    async def scene() -> None:
        before = tasks()
        async with process() as one, process() as other:
            found = {"i-1": one.url, "i-2": other.url, "i-3": "http://127.0.0.1:9"}
            turbine = Turbine(lambda name: found if name == "api" else None)
            async with served(TURBINE_PATH, turbine.handle) as base:
                url = f"{base}{TURBINE_PATH}?cluster=api&delay=100"
                await asyncio.gather(one.call(fine_count=3), other.call(failing_count=1))
                both = await first(url, is_sum_of(2))
                assert (both["requestCount"], both["errorPercentage"]) == (4, 2 * 25)
                del found["i-2"]
                left = await first(url, is_sum_of(1))
                assert left["requestCount"] == 3
                assert await status(f"{base}{TURBINE_PATH}?cluster=nobody") == 404
                await until_nobody_listens(one)
        await asyncio.sleep(0.1)
        assert tasks() == before

    asyncio.run(scene())


def is_sum_of(hosts: int) -> Callable[[dict[str, Any]], bool]:
    def claim(frame: dict[str, Any]) -> bool:
        is_command = bool(frame["type"] == "HystrixCommand")
        return is_command and frame["reportingHosts"] == hosts and frame["requestCount"] > 0

    return claim


async def until_nobody_listens(one: Process) -> None:
    """Streams end at the next frame that nobody takes."""
    async with asyncio.timeout(3):
        while one.stream.listening:
            await asyncio.sleep(0.05)
