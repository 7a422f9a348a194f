"""`/metrics` of an instance, for Prometheus: the same meters that are sent to the store.

A dot becomes an underscore; a counter ends in `_total`, a timer is a summary in seconds. Counters
go on from when the process started.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Iterator

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from demo_platform.http_message import Answer, Handler, HttpRequest, HttpResponse
from demo_platform.metrics import Meters, Sample

METRICS_PATH = "/metrics"

_FOREIGN = re.compile(r"[^a-zA-Z0-9_]")


class MeterCollector(Collector):
    """A process' meters in Prometheus' words."""

    def __init__(self, meters: Meters) -> None:
        self._meters = meters

    def collect(self) -> Iterator[Metric]:
        """Every family there is."""
        families: dict[tuple[str, str], Metric] = {}
        for sample in self._meters.samples():
            name = _word(sample.name) + ("_seconds" if sample.kind == "summary" else "")
            key = name, sample.kind
            if key not in families:
                families[key] = Metric(name, f"{sample.name} of spectator's meters", sample.kind)
            self._add(families[key], name, sample)
        return iter(families.values())

    def _add(self, family: Metric, name: str, sample: Sample) -> None:
        tags = {**self._meters.common_tags, **sample.tags}
        labels = {_word(key): value for key, value in tags.items()}
        if sample.kind == "summary":
            family.add_sample(f"{name}_count", labels, sample.value)
            family.add_sample(f"{name}_sum", labels, sample.total_s)
        else:
            suffix = "_total" if sample.kind == "counter" else ""
            family.add_sample(name + suffix, labels, sample.value)


def with_metrics(meters: Meters, handle: Handler) -> Handler:
    """The handler, and before it the page."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(MeterCollector(meters))

    async def page() -> HttpResponse:
        return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)

    def answer(request: HttpRequest) -> Awaitable[Answer]:
        return page() if request.path == METRICS_PATH else handle(request)

    return answer


def _word(text: str) -> str:
    return _FOREIGN.sub("_", text)
