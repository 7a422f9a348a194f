"""What the platform's wide-column store costs: processor time of a node and of a client.

Three nodes in processes of their own, so that a quorum crosses the wire; processor time is what the
kernel has counted for all of them, and for this process, which is the client.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator

import psutil
import uvloop

from demo_platform.metrics import Meters
from demo_platform.widecolumn.client import MonotonicMicros, StoreClient
from demo_platform.widecolumn.consistency import Consistency
from demo_platform.widecolumn.gauges import ClientMeters
from demo_platform.widecolumn.node import Endpoint
from demo_platform.widecolumn.refusals import StoreRefused
from demo_platform.widecolumn.wire import Connections
from tests.bench.figure import Figure

OPERATIONS = 2_000
IDLE_S = 10.0
STARTS_WITHIN_S = 30.0

CLIENT_US_MAX = 200.0
READ_ONE_US_MAX = 400.0
READ_QUORUM_US_MAX = 900.0
WRITE_US_MAX = 1_500.0
IDLE_CORES_MAX = 0.005

_NODE = """
import asyncio, random, sys, time, uvloop
from demo_platform.widecolumn.disk import Disk
from demo_platform.widecolumn.node import StoreNode, new_state
from demo_platform.widecolumn.replica import StoreCapacity
from demo_platform.widecolumn.ring import Place
from demo_platform.widecolumn.wire import Connections, Listener
folder, own, *ports = sys.argv[1], *map(int, sys.argv[2:])
async def live():
    endpoints = [("127.0.0.1", port) for port in ports]
    zone = "abc"[own]
    node = StoreNode(
        new_state(name=zone, region="r", zone=zone, endpoint=endpoints[own], started_us=own + 1),
        Disk(f"{folder}/{own}.db"), Connections(),
        places=[Place(one, "r", one) for one in "abc"], find=lambda: endpoints,
        capacity=lambda: StoreCapacity(slots=64, read_s=0, write_s=0, row_s=0),
        rng=random.Random(own), now=asyncio.get_running_loop().time, wall_clock=time.time)
    await Listener(node.handle).listen(*endpoints[own])
    await node.run()
uvloop.run(live())
"""


def measure(_options: argparse.Namespace) -> list[Figure]:
    """Microseconds of processor time for an operation, and cores of nodes that nobody asks."""
    with nodes() as (endpoints, processes):
        return uvloop.run(_figures(endpoints, processes))


@contextlib.contextmanager
def nodes() -> Iterator[tuple[list[Endpoint], list[psutil.Process]]]:
    """Three nodes that end with the block."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(3)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        ports = [str(probe.getsockname()[1]) for probe in probes]
        for probe in probes:
            probe.close()
        processes = []
        for own in "012":
            process = subprocess.Popen([sys.executable, "-c", _NODE, folder, own, *ports])
            stack.callback(process.wait)
            stack.callback(process.kill)
            processes.append(psutil.Process(process.pid))
        yield [("127.0.0.1", int(port)) for port in ports], processes


async def _figures(endpoints: list[Endpoint], processes: list[psutil.Process]) -> list[Figure]:
    connections = Connections()
    store = StoreClient(
        connections,
        lambda: endpoints,
        meters=ClientMeters(Meters({})),
        now=asyncio.get_running_loop().time,
        micros=MonotonicMicros(),
    )
    row: dict[str, int | str] = {"member": 1, "plan": "standard", "country": "DE"}
    key = {"member": 1}
    async with asyncio.timeout(STARTS_WITHIN_S):  # until they know each other
        while not await _is_written(store, row):
            await asyncio.sleep(0.1)
    began, spent = time.perf_counter(), _cpu_s(processes)
    await asyncio.sleep(IDLE_S)
    idle = (_cpu_s(processes) - spent) / (time.perf_counter() - began) / len(processes)
    cases: list[tuple[str, Callable[[], Awaitable[object]], float]] = [
        (
            "store read at LOCAL_ONE",
            lambda: store.read("members", key, level=Consistency.LOCAL_ONE),
            READ_ONE_US_MAX,
        ),
        ("store read at LOCAL_QUORUM", lambda: store.read("members", key), READ_QUORUM_US_MAX),
        ("store write to three replicas", lambda: store.write("members", row), WRITE_US_MAX),
    ]
    figures = []
    for name, call, limit_us in cases:
        figures += await _of_calls(name, call, limit_us, processes)
    connections.close()
    note = f"of one core, over {IDLE_S:.0f} s"
    unasked = Figure("store node that nobody asks", idle, "cores", IDLE_CORES_MAX, note=note)
    return [*figures, unasked]


async def _is_written(store: StoreClient, row: dict[str, int | str]) -> bool:
    try:
        await store.write("members", row, level=Consistency.ALL)
    except StoreRefused:
        return False
    return True


async def _of_calls(
    name: str,
    call: Callable[[], Awaitable[object]],
    limit_us: float,
    processes: list[psutil.Process],
) -> list[Figure]:
    for _ in range(100):
        await call()
    began, client_s, nodes_s = time.perf_counter(), time.process_time(), _cpu_s(processes)
    for _ in range(OPERATIONS):
        await call()
    took_s = time.perf_counter() - began
    client_us = (time.process_time() - client_s) / OPERATIONS * 1e6
    nodes_us = (_cpu_s(processes) - nodes_s) / OPERATIONS * 1e6
    note = f"{OPERATIONS / took_s:,.0f} a second, one after the other"
    return [
        Figure(f"{name}, all nodes", nodes_us, "µs", limit_us, note=note),
        Figure(f"{name}, client", client_us, "µs", CLIENT_US_MAX),
    ]


def _cpu_s(processes: list[psutil.Process]) -> float:
    """User and system time of all so far."""
    times = [process.cpu_times() for process in processes]
    return float(sum(one.user + one.system for one in times))
