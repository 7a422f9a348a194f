"""Cache nodes for tests: our own in a thread of this process, and the original as a process."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from demo_platform.evcache.node import CacheNode, steady_clock
from demo_platform.evcache.storage import Storage

SCRIPT = Path(__file__).parent / "engines/memcached.sh"
STARTS_WITHIN_S = 5.0


@dataclass(frozen=True, slots=True)
class Server:
    """Where a node listens, and how to let time pass for it."""

    address: tuple[str, int]
    pass_time: Callable[[float], None] = time.sleep


class SkippingClock:
    """A node's clock that a test can put forward, so that nobody waits."""

    def __init__(self) -> None:
        self._clock = steady_clock()
        self._ahead_s = 0.0

    def __call__(self) -> float:
        return self._clock() + self._ahead_s

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._ahead_s += seconds


@contextlib.contextmanager
def own_cache(*, connections_max: int = 64) -> Iterator[Server]:
    """A node of ours that ends with the block."""
    loop = asyncio.new_event_loop()
    clock = SkippingClock()
    node = CacheNode(Storage(), clock=clock, connections_max=connections_max)
    server = loop.run_until_complete(node.listen("127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield Server(server.sockets[0].getsockname(), clock.advance)
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(node.hang_up)
        loop.call_soon_threadsafe(loop.call_later, 0.01, loop.stop)
        thread.join()
        loop.close()


@contextlib.contextmanager
def memcached() -> Iterator[Server]:
    """The original, until the end of the block. Fails where it is not installed."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = probe.getsockname()
    with subprocess.Popen([SCRIPT, str(address[1])]) as process:
        try:
            _until_it_listens(process, address)
            yield Server(address)
        finally:
            process.kill()


def _until_it_listens(process: subprocess.Popen[bytes], address: tuple[str, int]) -> None:
    ends = time.monotonic() + STARTS_WITHIN_S
    while True:
        try:
            socket.create_connection(address, timeout=1).close()
        except ConnectionRefusedError:
            if process.poll() is not None or time.monotonic() > ends:
                pytest.fail(f"{SCRIPT.name} does not listen; exit code {process.poll()}")
            time.sleep(0.02)
        else:
            return
