"""What went between the demo platform's services, by the metrics that they publish.

`ipc.server.call` is what a service was asked (`ipc.status`), `client.calls` what it asked others
(`target`, `outcome`), `hystrix.open` whether a circuit is open, `eureka.registered` how many
instances a discovery server of a region knows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from chaosctl.judge.samples import Span
from chaosctl.judge.traffic import Flow, Traffic

SERVED = "name,ipc.server.call,:eq,statistic,count,:eq,:and,:sum,(,nf.app,ipc.status,),:by"
CALLED = "name,client.calls,:eq,:sum,(,nf.app,target,outcome,),:by"
OPEN = "name,hystrix.open,:eq,:sum,(,nf.app,target,),:by"
REGISTERED = "name,eureka.registered,:eq,:max,(,nf.region,),:by"
FAILED = frozenset({"unexpected_error", "throttled", "failed", "short-circuited"})
REPLACED = frozenset({"fallback"})
TIMEOUT_S = 1.4

Sums = defaultdict[int, float]


class Store(Protocol):
    """What is asked of a store."""

    def lines(
        self, query: str, start_ms: int, end_ms: int, *, step_ms: int, timeout_s: float
    ) -> Sequence[Any]:
        """Every line of a query, for the steps in (start_ms, end_ms]."""


def demo_flows(store: Store, span: Span, step_ms: int) -> Traffic:
    """Every flow over the span, in steps of step_ms. Raises what the store raises."""

    def ask(query: str) -> Sequence[Any]:
        return store.lines(query, span.start_ms, span.end_ms, step_ms=step_ms, timeout_s=TIMEOUT_S)

    flows: dict[tuple[str, str], dict[str, Sums]] = {}
    for line in ask(SERVED):
        _add(flows, (line.tags["nf.app"], ""), line, *_parts(line.tags["ipc.status"]))
    for line in ask(CALLED):
        ends = (line.tags["target"], line.tags["nf.app"])
        _add(flows, ends, line, *_parts(line.tags["outcome"]))
    for line in ask(OPEN):
        _add(flows, (line.tags["target"], line.tags["nf.app"]), line, "open")
    registered: Sums = defaultdict(float)
    for line in ask(REGISTERED):
        _sum(registered, line)
    found = tuple(
        Flow(service, caller, **parts)
        for (service, caller), parts in sorted(flows.items())
        if "rate" in parts
    )
    return Traffic(found, step_ms, registered=registered)


def _parts(kind: str) -> list[str]:
    """What a request of this status or outcome counts as."""
    more = {"failed": kind in FAILED, "replaced": kind in REPLACED}
    return ["rate", *(part for part, is_so in more.items() if is_so)]


def _add(
    flows: dict[tuple[str, str], dict[str, Sums]], ends: tuple[str, str], line: Any, *parts: str
) -> None:
    for part in parts:
        _sum(flows.setdefault(ends, {}).setdefault(part, defaultdict(float)), line)


def _sum(into: Sums, line: Any) -> None:
    points: Mapping[int, float] = line.points()
    for end, value in points.items():
        into[end] += value
