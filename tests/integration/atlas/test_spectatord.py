"""The unmodified netflix-spectator-py sends to a real server, and queries find what it sent."""

from __future__ import annotations

import ctypes
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from spectator import Registry
from spectator.config import Config

from atlas.client import AtlasClient
from tests.integration.atlas.conftest import healthy

pytestmark = pytest.mark.integration

TAGS = {"nf.app": "checkout", "nf.node": "i-1"}
WAIT_S_MAX = 15.0


def free_udp_port() -> int:
    with socket.socket(type=socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(params=["udp", "unix", "unix, buffered"])
def served(request, spawn, tmp_path: Path) -> Iterator[tuple[AtlasClient, Registry]]:
    """A server with a step of a second, and a registry that sends to it."""
    port, lines, http = free_udp_port(), tmp_path / "lines.sock", tmp_path / "store.sock"
    where = ("--spectatord-port", str(port), "--spectatord-unix", str(lines))
    process = spawn("--unix", str(http), "--step", "1s", *where)
    client = healthy(f"unix:{http}", process)
    location = f"udp://127.0.0.1:{port}" if request.param == "udp" else f"unix://{lines}"
    buffer_size = 2048 if "buffered" in request.param else 0
    registry = Registry(Config(location, extra_common_tags=TAGS, buffer_size=buffer_size))
    yield client, registry
    registry.close()
    process.terminate()
    assert process.wait(timeout=10) == 0
    assert not lines.exists()


def record(registry: Registry) -> None:
    """One of each type; of most a second line, for what takes two."""
    for amount in (3, 4):
        registry.counter("server.requests", {"id": "a"}).increment(amount)
        registry.distribution_summary("body.size").record(100 * amount)
        registry.gauge("pool.size", ttl_seconds=60).set(amount)
        registry.max_gauge("batch.size").set(10 - amount)
        registry.monotonic_counter("bytes.sent").set(amount * 10)
        registry.monotonic_counter_uint("bytes.got").set(ctypes.c_uint64(amount * 100))
        registry.timer("server.latency").record(amount / 10)
    for milliseconds in range(1, 101):
        registry.pct_timer("db.latency").record(milliseconds / 1000)
        registry.pct_distribution_summary("row.count").record(milliseconds)
        registry.distinct_count_sketch("users.seen").record(milliseconds % 10)
    registry.age_gauge("last.success").set(int(time.time()) - 100)
    registry.writer().close()  # a buffer is sent at the latest now


def values(client: AtlasClient, program: str, since_ms: int) -> list[float]:
    """All values of all lines of a program since then."""
    until_ms = int(time.time() * 1000) // 1000 * 1000
    if until_ms == since_ms:
        return []
    lines = client.fetch(program, since_ms, until_ms, 1000)
    return [value for line in lines for value in line.points().values()]


def eventually(read: Callable[[], list[float]], holds: Callable[[list[float]], bool]) -> None:
    deadline = time.monotonic() + WAIT_S_MAX
    while not holds(found := read()):
        assert time.monotonic() < deadline, found
        time.sleep(0.1)


def test_what_the_python_client_sends_is_found(served):
    client, registry = served
    since_ms = int(time.time()) * 1000
    record(registry)
    where = "nf.app,checkout,:eq,nf.node,i-1,:eq,:and"

    def sums_to(query: str, wanted: float) -> None:
        program = f"{query},:eq,:and,{where},:and,:sum"
        eventually(
            lambda: values(client, program, since_ms),
            lambda found: sum(found) == pytest.approx(wanted),
        )

    def shows(query: str, wanted: float, tolerance: float = 1e-6) -> None:
        near = pytest.approx(wanted, rel=tolerance)
        eventually(
            lambda: values(client, query, since_ms), lambda found: any(v == near for v in found)
        )

    sums_to("name,server.requests,:eq,statistic,count", 7)
    sums_to("name,body.size,:eq,statistic,totalAmount", 700)
    sums_to("name,bytes.sent,:eq,statistic,count", 10)
    sums_to("name,bytes.got,:eq,statistic,count", 100)
    sums_to("name,server.latency,:eq,statistic,totalTime", 0.7)
    sums_to("name,server.latency,:eq,statistic,totalOfSquares", 0.25)
    sums_to("name,db.latency,:eq,statistic,percentile", 100)
    shows("name,pool.size,:eq,:max", 4)
    shows("name,batch.size,:eq,:max", 7)
    shows("name,server.latency,:eq,:dist-avg", 0.35)
    shows("name,server.latency,:eq,:dist-max", 0.4)
    shows("name,db.latency,:eq,(,50,),:percentiles", 0.05, 0.15)
    shows("name,row.count,:eq,(,99,),:percentiles", 99, 0.15)
    shows("name,users.seen,:eq,:approx-distinct", 10, 0.3)
    shows("name,last.success,:eq,:max", 102, 0.04)
