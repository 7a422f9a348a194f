"""Servers of Zipkin's v2 API for the wire suite: ours in this process, and the original."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from aiohttp import web

from demo_platform.control import answer_errors
from demo_platform.tracing.collector import Collector
from tests.contract.eureka_servers import INSTALLS_WITHIN_S, STARTS_WITHIN_S, free_port

START_SCRIPT = Path(__file__).parent.parent / "engines" / "zipkin.sh"


@contextmanager
def ours() -> Iterator[str]:
    """Our collector on a thread of its own."""
    port, ready = free_port(), threading.Event()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        app = web.Application(middlewares=[answer_errors])
        app.add_routes(Collector().routes())
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        ready.set()
        await stop.wait()
        await runner.cleanup()

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
    """The original, started by the script."""
    environment = {
        **os.environ,
        "PORT": str(free_port()),
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
        yield dict(word.split("=", 1) for word in started.stdout.split())["URL"]
    finally:
        with suppress(FileNotFoundError, ProcessLookupError):
            os.kill(int((folder / "pid").read_text()), signal.SIGKILL)


def ask(base: str, path: str, body: object = None) -> tuple[int, Any]:
    """One request; its status, and what a JSON answer holds."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        base + path, data=data, headers={"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as reply:
            text = reply.read()
            return reply.status, json.loads(text) if text else None
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, None
