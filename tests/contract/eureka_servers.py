"""Discovery servers for the wire suite: ours in this process, and the original as its own."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from pathlib import Path

from demo_platform.eureka.periods import Periods
from demo_platform.eureka.server import EurekaServer
from demo_platform.metrics import Meters
from demo_platform.topology import InstanceSpec
from demo_platform.wires.http_client import HttpTransport
from demo_platform.wires.http_server import serve_http

CACHE_S = 0.1
START_SCRIPT = Path(__file__).parent.parent / "engines" / "eureka.sh"
STARTS_WITHIN_S = 180
INSTALLS_WITHIN_S = 180


@contextmanager
def ours(*, periods: Periods | None = None) -> Iterator[str]:
    """Our server on a thread of its own; its address without a path."""
    periods = periods or Periods(cache_s=CACHE_S)
    port, ready = free_port(), threading.Event()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        own = ("a", "127.0.0.1", port)
        spec = InstanceSpec("i-e", "eureka", "e", "r", *own, 1, (own,), publish_socket="")
        async with AsyncExitStack() as stack:
            http = HttpTransport()
            stack.callback(http.close)
            server = EurekaServer(spec, Meters({}), http, rng=random.Random(1), periods=periods)
            await server.start()
            await serve_http(server.handle, "127.0.0.1", port, stack)
            tasks = [asyncio.create_task(one) for one in server.loops()]
            ready.set()
            await stop.wait()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    thread = threading.Thread(target=lambda: asyncio.Runner(loop_factory=lambda: loop).run(serve()))
    thread.start()
    try:
        assert ready.wait(5)
        yield f"http://127.0.0.1:{port}"
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(5)
        loop.close()


@contextmanager
def original(folder: Path) -> Iterator[str]:
    """The original, started by the script; its address without a path."""
    environment = {
        **os.environ,
        "PORT": str(free_port()),
        "CACHE_MS": str(int(CACHE_S * 1000)),
        "STARTS_WITHIN_S": str(STARTS_WITHIN_S),
    }
    try:
        started = subprocess.run(
            [str(START_SCRIPT), str(folder)],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
            timeout=STARTS_WITHIN_S + INSTALLS_WITHIN_S,
            check=True,
        )
        said = dict(word.split("=", 1) for word in started.stdout.split())
        yield said["URL"].removesuffix("/eureka")
    finally:
        with suppress(FileNotFoundError, ProcessLookupError):
            os.kill(int((folder / "pid").read_text()), signal.SIGKILL)


def free_port() -> int:
    """A port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
