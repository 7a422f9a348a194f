"""The servers that are measured: ours and its peers, started on loopback and stopped again."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import psutil

from tests.bench.store.wire import AtlasWire, PrometheusWire, VictoriaWire, Wire
from tests.integration.bed import ROOT

OURS, VICTORIA, PROMETHEUS = "ours", "VictoriaMetrics", "Prometheus"
_START_S_MAX = 30
_ANSWER_S_MAX = 300
_SETTINGS = """\
listen:
  port: {port}
store:
  step: 60s
  keep: 6h
  max-age: 4h
  max-series: 2000000
publish:
  max-body: 8MiB
"""


class BenchmarkFailed(Exception):
    """A server is missing, ended, refused something or answered wrongly; nothing is measured."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server, and how it is spoken to."""

    name: str
    wire: Wire
    port: int
    process: psutil.Process
    ready_s: float

    def connect(self) -> HTTPConnection:
        """A connection that is kept."""
        return HTTPConnection("127.0.0.1", self.port, timeout=_ANSWER_S_MAX)

    def get(self, path: str, connection: HTTPConnection | None = None) -> bytes:
        """The body of an answer. Raises BenchmarkFailed for any but 200."""
        connection = connection or self.connect()
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise BenchmarkFailed(f"{self.name} answers {answer.status} {body[:300]!r} to {path}")
        return body

    def cpu_s(self) -> float:
        """Processor time so far; the kernel counts in steps of 10 ms."""
        times = self.process.cpu_times()
        return times.user + times.system

    def resident_bytes(self) -> int:
        """Memory that is resident now."""
        return self.process.memory_info().rss

    def maps(self, part: str) -> list[str]:
        """Files that the server has loaded whose path has a part."""
        return sorted(m.path for m in self.process.memory_maps() if part in m.path)


@contextmanager
def started(folder: Path, *, with_peers: bool) -> Iterator[list[Server]]:
    """Our server, and the peers behind it if wanted; all are stopped at the end."""
    if with_peers:
        _require("victoria-metrics", "prometheus")
    with ExitStack() as stack:
        servers = [stack.enter_context(started_ours(folder))]
        if with_peers:
            servers.append(stack.enter_context(_started_victoria(folder)))
            servers.append(stack.enter_context(_started_prometheus(folder)))
        yield servers


@contextmanager
def started_ours(folder: Path) -> Iterator[Server]:
    """Our server as a user starts it, with nothing stored."""
    port = _free_port()
    settings = folder / f"atlas-{port}.yaml"
    settings.write_text(_SETTINGS.format(port=port))
    command = [sys.executable, "-m", "atlas", "serve", "--config", str(settings)]
    with _running(OURS, AtlasWire(), port, command, folder) as server:
        yield server


@contextmanager
def _started_victoria(folder: Path) -> Iterator[Server]:
    port = _free_port()
    command = [
        "victoria-metrics",
        f"-httpListenAddr=127.0.0.1:{port}",
        f"-storageDataPath={folder / 'victoria'}",
        "-retentionPeriod=10y",
        "-search.latencyOffset=0s",
        "-search.maxUniqueTimeseries=5000000",
        "-search.maxQueryDuration=120s",
        "-loggerLevel=WARN",
    ]
    with _running(VICTORIA, VictoriaWire(), port, command, folder) as server:
        yield server


@contextmanager
def _started_prometheus(folder: Path) -> Iterator[Server]:
    port = _free_port()
    settings = folder / "prometheus.yml"
    settings.write_text("global:\n  scrape_interval: 1m\n")
    command = [
        "prometheus",
        f"--config.file={settings}",
        f"--storage.tsdb.path={folder / 'prometheus'}",
        "--storage.tsdb.retention.time=10y",
        f"--web.listen-address=127.0.0.1:{port}",
        "--web.enable-remote-write-receiver",
        "--query.max-samples=1000000000",
        "--log.level=warn",
    ]
    with _running(PROMETHEUS, PrometheusWire(), port, command, folder) as server:
        yield server


def _require(*programs: str) -> None:
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        raise BenchmarkFailed(
            f"not installed: {', '.join(missing)}; on Debian `apt-get install "
            f"{' '.join(missing)}` (mask their services, they are not needed), or leave out --peers"
        )


@contextmanager
def _running(
    name: str, wire: Wire, port: int, command: Sequence[str], folder: Path
) -> Iterator[Server]:
    log = folder / f"{name}-{port}.log"
    with log.open("wb") as out:
        began_s = time.monotonic()
        process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT
        )
    try:
        _wait_until_ready(name, wire, port, process, log)
        ready_s = time.monotonic() - began_s
        yield Server(name, wire, port, psutil.Process(process.pid), ready_s)
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_ready(
    name: str, wire: Wire, port: int, process: subprocess.Popen[bytes], log: Path
) -> None:
    deadline_s = time.monotonic() + _START_S_MAX
    while not _is_ready(port, wire.health_path):
        if process.poll() is not None or time.monotonic() > deadline_s:
            said = log.read_text(errors="replace")[-2000:]
            raise BenchmarkFailed(f"{name} is not ready at port {port}; it said:\n{said}")
        time.sleep(0.01)


def _is_ready(port: int, path: str) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
