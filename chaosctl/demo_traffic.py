"""What went between the demo platform's services, by the metrics that they publish.

`server.requests` is what a service was asked (`status`), `client.calls` what it asked others
(`target`, `outcome`). None of them has latencies, so there are none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from chaosctl.judge.samples import Span
from chaosctl.judge.traffic import Flow, Traffic

SERVED = "name,server.requests,:eq,:sum,(,nf.app,status,),:by"
CALLED = "name,client.calls,:eq,:sum,(,nf.app,target,outcome,),:by"
FAILED = frozenset({"5xx", "shed", "failed", "short-circuited"})
REPLACED = frozenset({"fallback"})
TIMEOUT_S = 1.4


class Store(Protocol):
    """What is asked of a store."""

    def lines(
        self, query: str, start_ms: int, end_ms: int, *, step_ms: int, timeout_s: float
    ) -> Sequence[Any]:
        """Every line of a query, for the steps in (start_ms, end_ms]."""


def demo_flows(store: Store, span: Span, step_ms: int) -> Traffic:
    """Every flow over the span, in steps of step_ms. Raises what the store raises."""
    asked = (span.start_ms, span.end_ms)
    served = store.lines(SERVED, *asked, step_ms=step_ms, timeout_s=TIMEOUT_S)
    called = store.lines(CALLED, *asked, step_ms=step_ms, timeout_s=TIMEOUT_S)
    parts: dict[tuple[str, str], dict[str, dict[int, float]]] = {}
    for line in served:
        _add(parts, (line.tags["nf.app"], ""), line, line.tags["status"])
    for line in called:
        _add(parts, (line.tags["target"], line.tags["nf.app"]), line, line.tags["outcome"])
    flows = [
        Flow(service, caller, found["rate"], found["failed"], found["replaced"])
        for (service, caller), found in sorted(parts.items())
    ]
    return Traffic(tuple(flows), step_ms)


def _add(
    parts: dict[tuple[str, str], dict[str, dict[int, float]]],
    key: tuple[str, str],
    line: Any,
    kind: str,
) -> None:
    found = parts.setdefault(key, {"rate": {}, "failed": {}, "replaced": {}})
    points: Iterable[tuple[int, float]] = line.points().items()
    into = [found["rate"]]
    into += [found["failed"]] if kind in FAILED else []
    into += [found["replaced"]] if kind in REPLACED else []
    for end, value in points:
        for series in into:
            series[end] = series.get(end, 0.0) + value
