"""The original dashboard reads our stream: its proxy passes each frame on as it is."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

import aiohttp
import pytest

from demo_platform.hystrix.stream import STREAM_PATH
from tests.integration.demo.streams import hear, process

pytestmark = [pytest.mark.integration, pytest.mark.engines, pytest.mark.timeout(300)]

SCRIPT = Path(__file__).parents[2] / "engines" / "hystrix-dashboard.sh"
JARS = Path(os.environ.get("CHAOSCTL_ENGINES_DIR", "~/.cache/chaosctl-engines")).expanduser()
READY_WITHIN_S = 240.0


@asynccontextmanager
async def dashboard() -> AsyncIterator[str]:
    """The dashboard on a free port; yields its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    running = subprocess.Popen(
        [SCRIPT, JARS / "hystrix-dashboard", str(port)], start_new_session=True
    )
    try:
        base = f"http://127.0.0.1:{port}/hystrix-dashboard"
        async with asyncio.timeout(READY_WITHIN_S), aiohttp.ClientSession() as session:
            while not await answers(session, base + "/"):
                assert running.poll() is None, "the dashboard ended before it answered"
                await asyncio.sleep(0.3)
        yield base
    finally:
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()


async def answers(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url) as response:
            return response.status == 200
    except aiohttp.ClientError:
        return False


async def fields(url: str) -> dict[str, set[str]]:
    """The fields of a command's frame and of a pool's, by type."""
    found: dict[str, set[str]] = {}
    async for frame in hear(url):
        assert (frame["name"], frame["reportingHosts"]) == ("recs", 1)
        found[frame["type"]] = set(frame)
        if len(found) == 2:
            break
    return found


def test_the_original_dashboard_passes_our_frames_on() -> None:
    async def scene() -> None:
        async with process() as one, dashboard() as base:
            await one.call(fine_count=3, failing_count=1)
            own = one.url + STREAM_PATH
            proxied = await fields(f"{base}/proxy.stream?origin={quote(own, safe='')}")
            assert proxied == await fields(own)
            assert set(proxied) == {"HystrixCommand", "HystrixThreadPool"}

    asyncio.run(scene())
