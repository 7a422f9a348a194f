"""What spectatord's lines cost the store's server: a real one, its processor time from `/proc`.

Lines are of a counter, a gauge and a percentile timer of 72 instances, with eight tags each.
"""

from __future__ import annotations

import argparse
import itertools
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from atlas.client import AtlasClient
from atlas.errors import StoreUnreachable
from tests.bench.figure import Figure, missing

BATCH_BYTES = 2048
LINES = 400_000
SINGLE_LINES = 60_000
BURST = 100
BURST_PAUSE_S = 0.02
CPU_US_MAX = 2.5
SINGLE_CPU_US_MAX = 15.0
LINES_PER_S_MIN = 250_000
_START_S_MAX = 20.0
_ARRIVAL_S_MAX = 10.0
_TAGS = "ipc.result=success,ipc.status=success,nf.region=eu-west-1"
_HEADS = [
    f"{letter}:ipc.server.call.{letter},{_TAGS},nf.app=app{node % 12},nf.cluster=app{node % 12},"
    f"nf.asg=app{node % 12}-v000,nf.node=i-{node:05d},nf.zone=eu-west-1{'abc'[node % 3]}:"
    for node in range(72)
    for letter in "cgT"
]


def measure(_options: argparse.Namespace) -> list[Figure]:
    """Lines in datagrams of 2 KB over both kinds of socket, and one line a datagram."""
    with _served() as (server, udp, unix):
        _send(unix, datagrams(LINES // 10, BATCH_BYTES))  # the series exist from here on
        server.wait_for(LINES // 10)
        batched = _figures(server, "unix socket, 2 KB", unix, LINES, BATCH_BYTES)
        single = _figures(server, "unix socket, a line each", unix, SINGLE_LINES, 1)
        paced = _figures(server, "UDP, 2 KB", udp, LINES // 4, BATCH_BYTES)
    return [
        *_held(batched, CPU_US_MAX, LINES_PER_S_MIN),
        *_held(single, SINGLE_CPU_US_MAX, None),
        *_held(paced, CPU_US_MAX, None),
    ]


def datagrams(line_count: int, size_max: int) -> list[bytes]:
    """Lines with values that differ, as many in each as fit."""
    heads = itertools.cycle(_HEADS)
    found: list[bytes] = []
    lines: list[str] = []
    size = 0
    for i in range(line_count):
        lines.append(f"{next(heads)}{(i % 997) / 1000}")
        size += len(lines[-1]) + 1
        if size >= size_max:
            found.append("\n".join(lines).encode())
            lines.clear()
            size = 0
    return [*found, "\n".join(lines).encode()] if lines else found


class _Server:
    def __init__(self, process: subprocess.Popen[bytes], client: AtlasClient, path: Path) -> None:
        self.process = process
        self._client = client
        self._path = path

    def line_count(self) -> int:
        with socket.socket(socket.AF_UNIX) as asker:
            asker.connect(str(self._path))
            asker.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            page = b"".join(iter(lambda: asker.recv(65536), b""))
        found = re.search(rb"^atlas_spectatord_lines_total ([0-9.e+]+)", page, re.MULTILINE)
        assert found is not None
        return int(float(found[1]))

    def wait_for(self, count: int) -> bool:
        deadline = time.monotonic() + _ARRIVAL_S_MAX
        while self.line_count() < count:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        return True

    def cpu_s(self) -> float:
        """Processor time of all threads, to the nanosecond."""
        tasks = Path(f"/proc/{self.process.pid}/task").glob("*/schedstat")
        return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9


@contextmanager
def _served() -> Iterator[tuple[_Server, socket.socket, socket.socket]]:
    """A server with a step of a second, and a sender to each of its sockets."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        http, lines = Path(folder, "http"), Path(folder, "lines")
        with socket.socket(type=socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        argv = [sys.executable, "-m", "atlas", "serve", "--unix", str(http), "--step", "1s"]
        argv += ["--spectatord-port", str(port), "--spectatord-unix", str(lines)]
        process = subprocess.Popen(argv)
        try:
            client = AtlasClient(f"unix:{http}")
            deadline = time.monotonic() + _START_S_MAX
            while time.monotonic() < deadline:
                try:
                    client.health()
                except StoreUnreachable:
                    time.sleep(0.05)
                else:
                    break
            with (
                socket.socket(type=socket.SOCK_DGRAM) as udp,
                socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as unix,
            ):
                udp.connect(("127.0.0.1", port))
                unix.connect(str(lines))
                yield _Server(process, client, http), udp, unix
        finally:
            process.terminate()
            process.wait(timeout=10)


def _send(to: socket.socket, batches: Sequence[bytes]) -> None:
    """Send all; a Unix socket waits for who reads, and UDP does not."""
    for i, batch in enumerate(batches):
        to.send(batch)
        if to.family != socket.AF_UNIX and i % BURST == 0:
            time.sleep(BURST_PAUSE_S)


def _figures(
    server: _Server, name: str, to: socket.socket, count: int, size: int
) -> tuple[str, float | None, float]:
    """The name, µs of the server's processor for a line (None: lines were lost), lines a second."""
    batches = datagrams(count, size)
    before = server.line_count()
    started_s, cpu_s = time.monotonic(), server.cpu_s()
    _send(to, batches)
    has_all = server.wait_for(before + count)
    took_s = time.monotonic() - started_s
    cost_us = (server.cpu_s() - cpu_s) / count * 1e6
    return name, cost_us if has_all else None, count / took_s


def _held(
    measured: tuple[str, float | None, float], cpu_us_max: float, per_s_min: int | None
) -> list[Figure]:
    name, cost_us, per_s = measured
    title = f"lines by {name}, processor"
    if cost_us is None:
        return [missing(title, "µs", cpu_us_max, "lines were lost")]
    found = [Figure(title, cost_us, "µs", cpu_us_max, note=f"{per_s:,.0f} lines/s")]
    if per_s_min is not None:
        found.append(Figure(f"lines by {name}, a second", per_s, "", per_s_min, at_least=True))
    return found
