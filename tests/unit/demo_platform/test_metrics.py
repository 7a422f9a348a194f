"""The body that is published each second."""

import json
from typing import Any

from demo_platform.metrics import Meters


def taken(meters: Meters, *, span_s: float = 1.0) -> dict[tuple[str, ...], float]:
    body: dict[str, Any] = json.loads(meters.take(timestamp_ms=5000, span_s=span_s))
    assert body["tags"] == {"nf.app": "edge"}
    assert {metric["timestamp"] for metric in body["metrics"]} <= {5000}
    return {tuple(metric["tags"].values()): metric["value"] for metric in body["metrics"]}


def test_publishes_a_counter_from_the_first_step_on() -> None:
    meters = Meters({"nf.app": "edge"})
    meters.counter("edge.requests", status="5xx")
    assert taken(meters) == {("edge.requests", "rate", "5xx"): 0.0}


def test_counts_each_event_once() -> None:
    meters = Meters({"nf.app": "edge"})
    meters.counter("calls", target="api").add()
    meters.counter("calls", target="api").add(2)
    assert taken(meters) == {("calls", "rate", "api"): 3.0}
    assert taken(meters) == {("calls", "rate", "api"): 0.0}


def test_a_rate_is_per_second_when_the_span_is_longer() -> None:
    meters = Meters({"nf.app": "edge"})
    meters.counter("calls").add(10)
    assert taken(meters, span_s=4.0) == {("calls", "rate"): 2.5}


def test_reads_a_gauge_when_taken() -> None:
    meters = Meters({"nf.app": "edge"})
    level = [1]
    meters.gauge("open", lambda: level[0], target="api")
    level[0] = 7
    assert taken(meters) == {("open", "gauge", "api"): 7.0}


def test_is_a_body_even_without_series() -> None:
    assert taken(Meters({"nf.app": "edge"})) == {}
