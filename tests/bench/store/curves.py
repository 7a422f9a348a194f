"""How cost grows: with the datapoints that a query reads, not with the series that are stored."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from tests.bench.figure import Figure
from tests.bench.store.dataset import BUCKETS, STEP_S, Dataset, bucket
from tests.bench.store.load import Sender, send
from tests.bench.store.queries import WINDOW_STEPS
from tests.bench.store.rounds import time_rounds
from tests.bench.store.row import Measured, markdown, number
from tests.bench.store.servers import BenchmarkFailed, Server, started_ours
from tests.bench.store.wire import Window

_BUCKETS_READ = (1, 2, 4, 8, 16)
_SHARES_STORED = (64, 16, 4, 1)
_FIXED, _FIXED_COUNT = "fixed", 1_000
_DOUBLING_MAX = 2.2
_STORED_MAX = 1.5


@dataclass(frozen=True, slots=True)
class Curve:
    """Milliseconds by what was varied, and the figures that say what they amount to."""

    title: str
    varied: str
    points: Sequence[tuple[int, Measured]]
    said: str
    figures: tuple[Figure, ...]

    def __str__(self) -> str:
        cells = [
            [f"{x:,}", number(measured.p50), number(measured.best)] for x, measured in self.points
        ]
        table = markdown([self.varied, "ms p50", "ms best"], cells)
        return f"{self.title}\n\n{table}\n\n{self.said}"


def by_matched(server: Server, data: Dataset) -> Curve:
    """A sum over more and more series of a store that stays as it is."""
    points = []
    for count in _BUCKETS_READ:
        listed = ",".join(bucket(n) for n in range(count))
        program = f"name,{BUCKETS},:eq,percentile,(,{listed},),:in,:and,:sum"
        points.append((count * data.size.nodes * WINDOW_STEPS, _timed(server, program, data)))
    slope, base = np.polyfit([x for x, _ in points], [m.best for _, m in points], 1)
    doubling = max(after.best / before.best for (_, before), (_, after) in pairwise(points))
    return Curve(
        f"Cost of a sum by the datapoints that it reads; {data.series_count:,} series stored.",
        "datapoints read",
        points,
        f"Fitted: {base:.2f} ms and {slope * 1e6:.2f} ns a datapoint.",
        (Figure("twice the datapoints, worst", doubling, "×", _DOUBLING_MAX),),
    )


def by_stored(data: Dataset) -> Curve:
    """A sum over the same thousand series while others come to be stored."""
    points = []
    with tempfile.TemporaryDirectory() as folder, started_ours(Path(folder)) as server:
        _store_fixed(server, data)
        sender, sent = Sender(server, data), 0
        for share in _SHARES_STORED:
            rows = np.arange(sent, data.series_count // share)
            sent = data.series_count // share
            sender.send(sender.bodies(0, data.values(0), rows))
            points.append((sent + _FIXED_COUNT, _timed(server, f"name,{_FIXED},:eq,:sum", data)))
    ratio = points[-1][1].best / points[0][1].best
    return Curve(
        f"Cost of a sum of {_FIXED_COUNT:,} series by the series that are stored.",
        "series stored",
        points,
        f"{points[-1][0] / points[0][0]:.0f} times the series stored: {ratio:.2f} times the cost.",
        (Figure("many series stored to few", ratio, "×", _STORED_MAX),),
    )


def _store_fixed(server: Server, data: Dataset) -> None:
    tags = {"name": _FIXED, "atlas.dstype": "gauge"}
    prefixes = [server.wire.prefix({**tags, "id": str(n)}) for n in range(_FIXED_COUNT)]
    ones = [1.0] * _FIXED_COUNT
    first = data.steps - WINDOW_STEPS
    bodies = [server.wire.body(prefixes, data.time_s(s), ones) for s in range(first, data.steps)]
    send(server, bodies)
    program = f"name,{_FIXED},:eq,:sum"
    path = server.wire.graph_path(program, Window(data.end_s - STEP_S, data.end_s))
    if (found := server.wire.last_values(server.get(path))) != [_FIXED_COUNT]:
        raise BenchmarkFailed(f"{server.name} answers {found} to {program}, not {_FIXED_COUNT}")


def _timed(server: Server, program: str, data: Dataset) -> Measured:
    window = Window(data.end_s - WINDOW_STEPS * STEP_S, data.end_s)
    ms, _ = time_rounds([server], {server.name: server.wire.graph_path(program, window)})
    return Measured.of(ms[server.name])
