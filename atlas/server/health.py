"""`/healthcheck`, `/ok` and the server's own `/metrics`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from atlas.ingest.spectatord_line import REASONS
from atlas.server.spectatord import ListenerStats
from atlas.server.state import ServerState, state_of

_Labelled = TypeVar("_Labelled", GaugeMetricFamily, CounterMetricFamily)
_Label = TypeVar("_Label", bound=str)


class _StoreCollector(Collector):
    """Reads the store's sizes when they are asked for."""

    def __init__(self, state: ServerState) -> None:
        self._state = state

    def collect(self) -> Iterator[Metric]:
        with self._state.store.locked():
            stats = self._state.store.stats()
        yield GaugeMetricFamily("atlas_series", "Series known.", stats.series_count)
        yield GaugeMetricFamily("atlas_blocks", "Blocks held.", stats.block_count)
        yield CounterMetricFamily("atlas_datapoints", "Datapoints taken.", stats.datapoint_count)
        yield GaugeMetricFamily("atlas_used_bytes", "Memory committed.", stats.used_bytes)
        yield _labelled(
            GaugeMetricFamily("atlas_block_bytes", "Memory of blocks.", labels=["class"]),
            stats.block_bytes,
            ("open", "plain", "constant", "sparse", "compressed", "index"),
        )
        yield _labelled(
            CounterMetricFamily("atlas_refused", "Datapoints refused.", labels=["reason"]),
            stats.refused,
            ("age", "tags", "series", "memory"),
        )
        if self._state.listener is not None:
            yield from _of_spectatord(self._state.listener.stats())


def _of_spectatord(stats: ListenerStats) -> Iterator[Metric]:
    prefix = "atlas_spectatord"
    intake = stats.intake
    yield CounterMetricFamily(f"{prefix}_datagrams", "Datagrams read.", stats.datagram_count)
    if stats.dropped_count is not None:
        yield CounterMetricFamily(
            f"{prefix}_dropped", "Datagrams that the kernel dropped.", stats.dropped_count
        )
    yield CounterMetricFamily(f"{prefix}_lines", "Lines taken.", intake.line_count)
    yield _labelled(
        CounterMetricFamily(f"{prefix}_refused", "Lines refused.", labels=["reason"]),
        intake.refused,
        REASONS,
    )
    yield GaugeMetricFamily(f"{prefix}_series", "Series of live meters.", intake.series_count)


def _labelled(
    family: _Labelled, values: Mapping[_Label, int], labels: Sequence[_Label]
) -> _Labelled:
    """The metric with a value for each label, 0 for those that have none yet."""
    for label in labels:
        family.add_metric([label], values.get(label, 0))
    return family


async def healthcheck(_: Request) -> Response:
    """Whether the server answers at all."""
    return Response(b"{}", media_type="application/json")


async def ok(request: Request) -> Response:
    """The caller's address, as the original answers."""
    return PlainTextResponse(request.client.host if request.client is not None else "unix")


async def metrics(request: Request) -> Response:
    """The server about itself."""
    registry = CollectorRegistry()
    registry.register(_StoreCollector(state_of(request)))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


ROUTES = [
    Route("/healthcheck", healthcheck, methods=["GET"]),
    Route("/ok", ok, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
    Route("/metrics", metrics, methods=["GET"]),
]
