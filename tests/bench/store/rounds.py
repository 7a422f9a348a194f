"""Rounds of queries: each server in turn, so that a bad minute of the machine hits all."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from tests.bench.store.dataset import STEP_S, Dataset
from tests.bench.store.queries import QUERIES, WINDOW_STEPS, Listing, Query
from tests.bench.store.row import Measured, Row
from tests.bench.store.servers import Server
from tests.bench.store.wire import Window

_ROUNDS_MIN, _ROUNDS_MAX = 7, 25
_BUDGET_S = 2.0
_WARM_UPS = 3


def ask_all(servers: Sequence[Server], data: Dataset) -> tuple[list[Row], list[Row]]:
    """A row of each query, of the time until the answer is there; and the same of processors."""
    pairs = [_ask(servers, query, data) for query in QUERIES]
    return [waited for waited, _ in pairs], [used for _, used in pairs]


def _ask(servers: Sequence[Server], query: Query | Listing, data: Dataset) -> tuple[Row, Row]:
    window = Window(data.end_s - WINDOW_STEPS * STEP_S, data.end_s)
    paths = {server.name: query.path(server, window) for server in servers}
    for server in servers:
        query.check(server, server.get(paths[server.name]), data)
    ms, cpu_ms = time_rounds(servers, paths)
    return (
        Row(query.name, "ms", {name: Measured.of(found) for name, found in ms.items()}),
        Row(query.name, "CPU-ms", {name: Measured.of([found]) for name, found in cpu_ms.items()}),
    )


def time_rounds(
    servers: Sequence[Server], paths: Mapping[str, str]
) -> tuple[dict[str, list[float]], dict[str, float]]:
    """Milliseconds of each round by server, and processor time of its rounds on average."""
    connections = {server.name: server.connect() for server in servers}
    for server in servers:
        for _ in range(_WARM_UPS):
            server.get(paths[server.name], connections[server.name])
    ms: dict[str, list[float]] = {server.name: [] for server in servers}
    cpu_s = dict.fromkeys(ms, 0.0)
    until_s = time.perf_counter() + _BUDGET_S * len(servers)
    for turn in range(_ROUNDS_MAX):
        if turn >= _ROUNDS_MIN and time.perf_counter() > until_s:
            break
        for server in servers if turn % 2 else servers[::-1]:
            before_s, began_s = server.cpu_s(), time.perf_counter()
            server.get(paths[server.name], connections[server.name])
            ms[server.name].append((time.perf_counter() - began_s) * 1000)
            cpu_s[server.name] += server.cpu_s() - before_s
    for connection in connections.values():
        connection.close()
    return ms, {name: used / len(ms[name]) * 1000 for name, used in cpu_s.items()}
