"""What happened to circuits and to discovery during a run, from the series that it kept. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from chaosctl.judge.samples import Series
from chaosctl.judge.traffic import Flow, Traffic

EVENTS_MAX = 60


@dataclass(frozen=True, slots=True)
class StoreEvent:
    """Something that the store saw in the step that ends at at_ms. kind: breaker or discovery."""

    at_ms: int
    kind: str
    text: str


def store_events(traffic: Traffic) -> list[StoreEvent]:
    """In order of time, the first EVENTS_MAX of them."""
    breakers = [event for flow in traffic.flows for event in _breaker(flow)]
    found = [*breakers, *_discovery(traffic.registered)]
    return heapq.nsmallest(EVENTS_MAX, found, key=lambda event: (event.at_ms, event.text))


def _breaker(flow: Flow) -> Iterator[StoreEvent]:
    """Every time that the first of the caller's circuits opens, and the last one closes."""
    since_ms, most, before = 0, 0.0, 0.0
    for end in sorted(flow.open):
        now = flow.open[end]
        if now > 0 and not before:
            since_ms, most = end, 0.0
        most = max(most, now)
        if before and not now:
            yield _opened(flow, since_ms, most)
            yield StoreEvent(end, "breaker", f"{flow.caller} calls {flow.service} again")
        before = now
    if before:
        yield _opened(flow, since_ms, most)


def _opened(flow: Flow, at_ms: int, most: float) -> StoreEvent:
    instances = f"{most:.0f} instance{'s' if most != 1 else ''}"
    text = f"circuit from {flow.caller} to {flow.service} open, in up to {instances}"
    return StoreEvent(at_ms, "breaker", text)


def _discovery(registered: Series) -> Iterator[StoreEvent]:
    for before, end in pairwise(sorted(registered)):
        was, now = registered[before], registered[end]
        if was != now:
            yield StoreEvent(end, "discovery", f"knows {now:.0f} instances, {was:.0f} before")
