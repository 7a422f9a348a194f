"""The queries, in each language, with what the right answer is."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tests.bench.store.dataset import BUCKETS, CPU, LATENCY, REQUESTS, Dataset, Floats, Ints
from tests.bench.store.servers import OURS, VICTORIA, BenchmarkFailed, Server
from tests.bench.store.wire import Window

WINDOW_STEPS = 60
_NODE_LIMIT = 1000
_ROLLING_STEPS = 10
_TOP = 10
_APPS = "(,nf.app,),:by"
_NODES = f"name,{CPU},:eq,nf.node,i-000,:re,:and,:sum,(,nf.node,),:by"
_NODES_PROMQL = 'sum by (nf_node) (cpu_load{nf_node=~"i-000.*"})'
_CLUSTER = ".*-(main|edge)-c.*[05]"

Answer = Callable[[Dataset], Floats]


@dataclass(frozen=True, slots=True)
class Query:
    """One question. `right`: the last value of each line; NaN for any number.

    `peers`: the same for the peers, None where their functions mean something else.
    """

    name: str
    program: str
    promql: str
    right: Answer
    peers: Answer | None
    metricsql: str = ""

    def path(self, server: Server, window: Window) -> str:
        """The target that asks a server."""
        program = self.program
        if server.name != OURS:
            own = self.metricsql if server.name == VICTORIA else ""
            program = own or self.promql
        return server.wire.graph_path(program, window)

    def check(self, server: Server, answer: bytes, data: Dataset) -> None:
        """Raises BenchmarkFailed if an answer is wrong."""
        right = self.right if server.name == OURS else self.peers
        found = np.sort(server.wire.last_values(answer))
        anything = np.full(max(len(found), 1), math.nan)
        wanted = anything if right is None else np.sort(right(data))
        is_right = len(found) == len(wanted) and bool(
            (np.isnan(wanted) | np.isclose(found, wanted, rtol=1e-9)).all()
        )
        if not is_right:
            raise BenchmarkFailed(
                f"{server.name} answers '{self.name}' with {found[:3]} … ({len(found)} lines)"
                f" where {wanted[:3]} … ({len(wanted)} lines) is right"
            )


@dataclass(frozen=True, slots=True)
class Listing:
    """The values of a key; it is right if it lists every cluster."""

    name: str
    key: str
    program: str
    promql: str

    def path(self, server: Server, window: Window) -> str:
        """The target that asks a server."""
        query = self.program if server.name == OURS else self.promql
        return server.wire.tags_path(self.key, query, window)

    def check(self, server: Server, answer: bytes, data: Dataset) -> None:
        """Raises BenchmarkFailed if an answer is wrong."""
        wanted = sorted(data.cluster_name(n) for n in range(data.size.clusters))
        if (found := sorted(server.wire.listed(answer))) != wanted:
            raise BenchmarkFailed(
                f"{server.name} lists {len(found)} of {len(wanted)} values of {self.key}"
            )


def _last(data: Dataset, name: str, **tags: str) -> Floats:
    """Values at the last step, shape (nodes, templates of the name)."""
    return data.values(data.steps - 1)[:, data.columns(name, **tags)]


def _grouped(values: Floats, group_of: Ints) -> Floats:
    sums: Floats = np.bincount(group_of, weights=values.sum(axis=1)).astype(np.float64)
    return sums


def _single(data: Dataset) -> Floats:
    row: Floats = _last(data, CPU)[7]
    return row


def _sum(name: str) -> Answer:
    return lambda data: np.array([_last(data, name).sum()])


def _by_cluster(data: Dataset) -> Floats:
    return _grouped(_last(data, REQUESTS), data.cluster_of)


def _by_node(data: Dataset) -> Floats:
    return _last(data, CPU)[:_NODE_LIMIT, 0]


def _ratio(data: Dataset) -> Floats:
    errors = _grouped(_last(data, REQUESTS, status="5"), data.app_of)
    ratio: Floats = errors / _grouped(_last(data, REQUESTS), data.app_of)
    return ratio


def _max(data: Dataset) -> Floats:
    return np.array([_last(data, CPU).max()])


def _matching(data: Dataset) -> Floats:
    names = [data.cluster_name(n) for n in range(data.size.clusters)]
    clusters = [n for n, name in enumerate(names) if re.fullmatch(_CLUSTER, name)]
    return np.array([_last(data, REQUESTS)[np.isin(data.cluster_of, clusters)].sum()])


def _mean_latency(data: Dataset) -> Floats:
    total = _grouped(_last(data, LATENCY, statistic="totalTime"), data.app_of)
    mean: Floats = total / _grouped(_last(data, LATENCY, statistic="count"), data.app_of)
    return mean


def _buckets(data: Dataset) -> Floats:
    sums: Floats = _last(data, BUCKETS).sum(axis=0)
    return sums


def _rolling(data: Dataset) -> Floats:
    columns = data.columns(REQUESTS)
    steps = range(data.steps - _ROLLING_STEPS, data.steps)
    return np.array([np.mean([data.values(step)[:, columns].sum() for step in steps])])


def _top(data: Dataset) -> Floats:
    column = data.columns(CPU)[0]
    steps = range(data.steps - WINDOW_STEPS, data.steps)
    values = np.array([data.values(step)[:_NODE_LIMIT, column] for step in steps])
    largest: Floats = values[-1, np.argsort(values.max(axis=0))[-_TOP:]]
    return largest


QUERIES: tuple[Query | Listing, ...] = (
    Query(
        "single series",
        f"name,{CPU},:eq,nf.node,i-000007,:eq,:and,:sum",
        'sum(cpu_load{nf_node="i-000007"})',
        _single,
        _single,
    ),
    Query("sum", f"name,{CPU},:eq,:sum", "sum(cpu_load)", _sum(CPU), _sum(CPU)),
    Query("wide sum", f"name,{REQUESTS},:eq,:sum", "sum(requests)", _sum(REQUESTS), _sum(REQUESTS)),
    Query(
        "by cluster",
        f"name,{REQUESTS},:eq,:sum,(,nf.cluster,),:by",
        "sum by (nf_cluster) (requests)",
        _by_cluster,
        _by_cluster,
    ),
    Query("by node", _NODES, _NODES_PROMQL, _by_node, _by_node),
    Query(
        "ratio",
        f"name,{REQUESTS},:eq,status,5,:re,:and,:sum,{_APPS},name,{REQUESTS},:eq,:sum,{_APPS},:div",
        'sum by (nf_app) (requests{status=~"5.*"}) / sum by (nf_app) (requests)',
        _ratio,
        _ratio,
    ),
    Query("max", f"name,{CPU},:eq,:max", "max(cpu_load)", _max, _max),
    Query(
        "pattern",
        f"name,{REQUESTS},:eq,nf.cluster,{_CLUSTER}$,:re,:and,:sum",
        f'sum(requests{{nf_cluster=~"{_CLUSTER}"}})',
        _matching,
        _matching,
    ),
    Query(
        "mean latency",
        f"name,{LATENCY},:eq,:dist-avg,{_APPS}",
        'sum by (nf_app) (latency{statistic="totalTime"})'
        ' / sum by (nf_app) (latency{statistic="count"})',
        _mean_latency,
        _mean_latency,
    ),
    Query(  # the peers know no buckets of ours: they only add them up
        "percentiles",
        f"name,{BUCKETS},:eq,(,50,99,),:percentiles",
        "sum by (percentile) (latency_pct)",
        lambda _: np.full(2, math.nan),
        _buckets,
    ),
    Query(
        "rolling mean",
        f"name,{REQUESTS},:eq,:sum,{_ROLLING_STEPS},1,:rolling-mean",
        f"avg_over_time(sum(requests)[{_ROLLING_STEPS}m:1m])",
        _rolling,
        None,
    ),
    Query(  # Prometheus picks anew at each step
        "top ten",
        f"{_NODES},max,{_TOP},:topk",
        f"topk({_TOP}, {_NODES_PROMQL})",
        _top,
        None,
        f"topk_max({_TOP}, {_NODES_PROMQL})",
    ),
    Listing("tag values", "nf.cluster", f"name,{REQUESTS},:eq", "requests"),
)
