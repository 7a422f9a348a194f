"""The store beside its peers: a real server, loaded and asked over HTTP.

`--size` says how many series there are (S 10 k, M 100 k, L 1 M), `--peers` that VictoriaMetrics
and Prometheus are measured beside it and that the goals of `goals.py` hold. A server that answers
wrongly stops the benchmark before anything counts.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from tests.bench.figure import Figure
from tests.bench.store.curves import by_matched, by_stored
from tests.bench.store.dataset import SIZES, STEP_S, Dataset
from tests.bench.store.goals import judged
from tests.bench.store.load import WARM_STEPS, load
from tests.bench.store.queries import WINDOW_STEPS
from tests.bench.store.rounds import ask_all
from tests.bench.store.row import Measured, Row, comparison
from tests.bench.store.servers import BenchmarkFailed, Server, started
from tests.bench.store.startup import measure_startup, statistics_loaded

_STEPS = WINDOW_STEPS + WARM_STEPS


def measure(options: argparse.Namespace) -> list[Figure]:
    """Print the tables; the figures are what is promised."""
    try:
        with _terminated_in_order():
            return _measure(options.size, with_peers=options.peers)
    except BenchmarkFailed as failure:
        sys.exit(f"store: {failure}")


def _measure(size: str, *, with_peers: bool) -> list[Figure]:
    figures = measure_startup()
    data = Dataset(SIZES[size], int(time.time()) // STEP_S * STEP_S, _STEPS)
    with tempfile.TemporaryDirectory() as folder, started(Path(folder), with_peers=with_peers) as s:
        rows = [*load(s, data), _resident(s, data)]
        waited, used = ask_all(s, data)
        figures.append(statistics_loaded(s[0]))
        curves = [by_matched(s[0], data)]
        names = [server.name for server in s]
    curves.append(by_stored(data))
    rows += waited
    print(f"Size {size}, {data.series_count:,} series; median, and (best) of the rounds:\n")
    print(f"{comparison(rows, names)}\n")
    print(f"Processor time of the queries on average:\n\n{comparison(used, names)}\n")
    for curve in curves:
        print(f"{curve}\n")
        figures += curve.figures
    return [*figures, *judged(rows, size, with_peers=with_peers)]


def _resident(servers: list[Server], data: Dataset) -> Row:
    found = {s.name: s.resident_bytes() / data.series_count for s in servers}
    per_series = {name: Measured.of([size]) for name, size in found.items()}
    return Row("resident after an hour", "B/series", per_series)


@contextmanager
def _terminated_in_order() -> Iterator[None]:
    """SIGTERM ends the servers too, as an interrupt does."""

    def leave(number: int, _: FrameType | None) -> None:
        sys.exit(128 + number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
