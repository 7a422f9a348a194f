"""What packing closed blocks saves, and what it costs sums: bytes a datapoint, and times.

The data is that of the store's benchmark at size M: 100,000 series of an hour.
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np

from atlas.asl import parse_exprs
from atlas.eval.fetch import fetch_lines
from atlas.expr.data_expr import DataExpr, data_exprs
from atlas.model import EvalContext
from atlas.store.layout import POINTS_PER_BLOCK
from atlas.store.limits import StoreLimits
from atlas.store.memory import MemoryStore, StoreConfig
from tests.bench.figure import Figure
from tests.bench.store.dataset import BUCKETS, REQUESTS, SIZES, STEP_S, Dataset

BYTES_MAX = 3.0
RATIO_MAX = 2.0
_ROUNDS = 31
_STEP_MS = STEP_S * 1000
_HOUR_MS = POINTS_PER_BLOCK * _STEP_MS
_END_MS = 500_000 * _HOUR_MS
_SUMS = {
    "all 100 k rows": ":true,:sum",
    "20 k rows": f"name,{BUCKETS},:eq,:sum",
    "10 k rows": f"name,{REQUESTS},:eq,:sum",
    "10 k rows into 50 groups": f"name,{REQUESTS},:eq,:sum,(,nf.cluster,),:by",
}


def measure(_options: argparse.Namespace) -> list[Figure]:
    """Bytes a datapoint, and the ratio of sums over packed rows to those over rows as they are."""
    data = Dataset(SIZES["M"], _END_MS // 1000, POINTS_PER_BLOCK)
    plain, packed = filled(data), filled(data)
    started_s = time.perf_counter()
    packed.pack(_END_MS + _HOUR_MS)
    took_s = time.perf_counter() - started_s
    point_count = data.series_count * data.steps
    bytes_per_point = sum(packed.window.sizes_bytes().values()) / point_count
    print(f"{took_s:.2f} s to pack {point_count:,} datapoints:\n\n{table(packed, point_count)}\n")
    figures = [Figure("packed hour, bytes a datapoint", bytes_per_point, "B", BYTES_MAX)]
    for name, program in _SUMS.items():
        figures += ratios(name, program, plain, packed)
    return figures


def filled(data: Dataset) -> MemoryStore:
    """A store with all steps of the data."""
    limits = StoreLimits(series_count_max=data.series_count)
    store = MemoryStore(StoreConfig(_STEP_MS, 2 * _HOUR_MS, 4 * _HOUR_MS, limits))
    store.advance(_END_MS)
    plan = store.plan([store.row_for(tags) for tags in data.tags()])
    for step in range(data.steps):
        time_ms = data.time_s(step) * 1000
        store.make_room(time_ms, time_ms)
        times_ms = np.full(data.series_count, time_ms)
        store.update(plan, times_ms, data.values(step).ravel())
    return store


def table(store: MemoryStore, point_count: int) -> str:
    """Sizes by class of values."""
    sizes = store.window.sizes_bytes()
    lines = [f"{'class':<12}{'bytes':>12}{'a datapoint':>14}"]
    lines += [f"{kind:<12}{size:>12,}{size / point_count:>14.3f}" for kind, size in sizes.items()]
    return "\n".join(lines)


def ratios(name: str, program: str, plain: MemoryStore, packed: MemoryStore) -> list[Figure]:
    """Packed over plain of one sum, asked in turns: of the median times, and of the best."""
    (leaf,) = data_exprs(parse_exprs(program)[0].expr)
    window = EvalContext(_END_MS - _HOUR_MS + _STEP_MS, _END_MS + _STEP_MS, _STEP_MS)
    spent: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(_ROUNDS):
        for is_packed, store in ((False, plain), (True, packed)):
            spent[is_packed].append(milliseconds(store, leaf, window))
    figures = []
    for how, best in (("p50", statistics.median), ("min", min)):
        of_plain, of_packed = best(spent[False]), best(spent[True])
        note = f"{of_packed:.2f} ms, as they are {of_plain:.2f} ms"
        figure_name = f"sum of {name}, packed / as it is, {how}"
        figures.append(Figure(figure_name, of_packed / of_plain, "×", RATIO_MAX, note=note))
    return figures


def milliseconds(store: MemoryStore, leaf: DataExpr, window: EvalContext) -> float:
    """How long a data expression takes."""
    started_s = time.perf_counter()
    fetch_lines(store, leaf, window)
    return (time.perf_counter() - started_s) * 1000
