"""A process' command stream on a loopback port, and those who listen to such streams."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web

from demo_platform.hystrix.command import Command, CommandFailed
from demo_platform.hystrix.properties import NoSource
from demo_platform.hystrix.runtime import Runtime
from demo_platform.hystrix.stream import HystrixStream
from demo_platform.wires.http_server import serve_http

LISTEN_S = 5.0
DECLARED = {"rolling_window_ms": 10_000, "rolling_buckets": 100, "health_snapshot_ms": 100}


class Failed(Exception):
    """What a run raises."""


async def fine() -> str:
    return "fine"


async def failing() -> str:
    raise Failed


class Process:
    """As much of an instance as streams need: one command, which is called as told."""

    def __init__(self) -> None:
        self.runtime = Runtime(asyncio.get_running_loop(), NoSource())
        self.command = Command("recs", "recs", self.runtime, failures=(Failed,), declared=DECLARED)
        self.stream = HystrixStream(self.runtime)
        self.url = ""

    async def call(self, *, fine_count: int = 0, failing_count: int = 0) -> None:
        """Call the command, and wait until the calls are in the window."""
        for _ in range(fine_count):
            await self.command.execute(fine)
        for _ in range(failing_count):
            try:
                await self.command.execute(failing)
            except CommandFailed:
                continue
        await asyncio.sleep(0.15)


@asynccontextmanager
async def process() -> AsyncIterator[Process]:
    """A process whose stream is served until the end of the block."""
    one = Process()
    async with AsyncExitStack() as stack:
        port = await serve_http(one.stream.handle, "127.0.0.1", 0, stack)
        one.url = f"http://127.0.0.1:{port}"
        yield one


@asynccontextmanager
async def served(path: str, handle: Any) -> AsyncIterator[str]:
    """Serve one path on a free loopback port; yields http://host:port."""
    app = web.Application()
    app.router.add_get(path, handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


async def hear(url: str, within_s: float = LISTEN_S) -> AsyncIterator[dict[str, Any]]:
    """The frames of a stream, for at most so long."""
    async with (
        asyncio.timeout(within_s),
        aiohttp.ClientSession() as session,
        session.get(url) as response,
    ):
        assert (response.status, response.content_type) == (200, "text/event-stream")
        async for line in response.content:
            if line.startswith(b"data:"):
                yield json.loads(line.removeprefix(b"data:"))
