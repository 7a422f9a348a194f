"""What the platform's cache costs: processor time of a node and of a client, and memory of an item.

The node is a process of its own; processor time is what the kernel has counted for it, so that a
busy machine makes the figures later, not worse.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import socket
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Awaitable, Callable, Iterator

import psutil
import uvloop

from demo_platform.evcache.client import CacheClient, Quorum
from demo_platform.evcache.connection import ConnectionRule
from demo_platform.evcache.gauges import ClientMeters
from demo_platform.evcache.replicas import NodeAddress, Replicas
from demo_platform.evcache.storage import ITEM_OVERHEAD_BYTES, Storage
from demo_platform.metrics import Meters
from tests.bench.figure import Figure

OPERATIONS = 20_000
PIPELINE = 50
VALUE = b"x" * 200
ITEMS = 20_000

NODE_US_MAX = 60.0
NODE_PIPELINED_US_MAX = 8.0
CLIENT_GET_US_MAX = 100.0
CLIENT_SET_US_MAX = 200.0

_NODE = """
import asyncio, uvloop
from demo_platform.evcache.node import CacheNode, steady_clock
from demo_platform.evcache.storage import Storage
async def live():
    server = await CacheNode(Storage(), clock=steady_clock()).listen("0.0.0.0", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()
uvloop.run(live())
"""


def measure(_options: argparse.Namespace) -> list[Figure]:
    """Microseconds of processor time for an operation, and bytes for an item."""
    with node() as (port, process):
        figures = [*of_node(port, process), *uvloop.run(of_client(port))]
    return [*figures, of_item()]


@contextlib.contextmanager
def node() -> Iterator[tuple[int, psutil.Process]]:
    """A cache node that ends with the block."""
    process = subprocess.Popen([sys.executable, "-c", _NODE], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline()), psutil.Process(process.pid)
    finally:
        process.kill()
        process.wait()


def of_node(port: int, process: psutil.Process) -> Iterator[Figure]:
    """One `get` after the other, and many at once."""
    with socket.create_connection(("127.0.0.1", port)) as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        ask(peer, b"set k 0 0 %d\r\n%b\r\n" % (len(VALUE), VALUE), b"STORED\r\n")
        for name, at_once, limit in (
            ("cache node, get", 1, NODE_US_MAX),
            ("cache node, get, 50 at once", PIPELINE, NODE_PIPELINED_US_MAX),
        ):
            began, spent = time.perf_counter(), cpu_s(process)
            for _ in range(OPERATIONS // at_once):
                ask(peer, b"get k\r\n" * at_once, b"END\r\n", count=at_once)
            took_s, spent_s = time.perf_counter() - began, cpu_s(process) - spent
            note = f"{OPERATIONS / took_s:,.0f} a second from one blocking peer"
            yield Figure(name, spent_s / OPERATIONS * 1e6, "µs", limit, note=note)


def ask(peer: socket.socket, said: bytes, ends: bytes, count: int = 1) -> None:
    """Send, and read until as many replies have ended."""
    peer.sendall(said)
    heard = peer.recv(1 << 20)
    while heard.count(ends) < count:
        heard += peer.recv(1 << 20)


async def of_client(port: int) -> list[Figure]:
    """Reads in one zone and writes to three, each awaited before the next."""
    found = tuple(NodeAddress(zone, f"127.0.0.{n}", port) for n, zone in enumerate("abc", 1))
    replicas = Replicas(
        lambda: found, own_zone="a", rule=ConnectionRule(timeout_s=2.0), rng=random.Random(1)
    )
    client = CacheClient(
        "app",
        replicas,
        meters=ClientMeters(Meters({}), "abc"),
        rng=random.Random(1),
        now=asyncio.get_running_loop().time,
    )
    await client.set("k", VALUE, ttl_s=1000, quorum=Quorum.ALL)

    async def read() -> None:
        assert await client.get("k") == VALUE

    async def write() -> None:
        assert (await client.set("k", VALUE, ttl_s=1000, quorum=Quorum.ALL)).is_good

    figures = [
        await of_calls("cache client, get", read, CLIENT_GET_US_MAX),
        await of_calls("cache client, set in three zones", write, CLIENT_SET_US_MAX),
    ]
    replicas.close()
    return figures


async def of_calls(name: str, call: Callable[[], Awaitable[None]], limit_us: float) -> Figure:
    """Processor time of this process for a call, whatever the node does meanwhile."""
    count = OPERATIONS // 4
    for _ in range(100):
        await call()
    began, spent = time.perf_counter(), time.process_time()
    for _ in range(count):
        await call()
    took_s, spent_s = time.perf_counter() - began, time.process_time() - spent
    note = f"{count / took_s:,.0f} a second, one after the other"
    return Figure(name, spent_s / count * 1e6, "µs", limit_us, note=note)


def of_item() -> Figure:
    """Bytes that an item takes besides its key and its value; a storage reckons with a limit."""
    storage = Storage(limit_bytes=1 << 30)
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for n in range(ITEMS):
        key = b"profile:%08d" % n
        storage.set(key, bytes(100), 0, 60, 1e9)
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    overhead = (after - before) / ITEMS - len(b"profile:%08d" % 0) - 100
    return Figure("cache item, bytes besides its own", overhead, "B", ITEM_OVERHEAD_BYTES)


def cpu_s(process: psutil.Process) -> float:
    """User and system time so far."""
    times = process.cpu_times()
    return float(times.user + times.system)
