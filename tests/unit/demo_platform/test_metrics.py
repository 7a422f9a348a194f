"""The body that is published each second."""

import json
import random
from typing import Any

from atlas.expr.sketch_expr import bucket_of as bucket_of_the_store
from demo_platform.metrics import IDLE_STEPS_MAX, Meters, bucket_of


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


def test_buckets_are_those_of_the_store() -> None:
    chance = random.Random(4711)
    wide = [chance.randrange(1 << chance.randrange(1, 64)) for _ in range(20_000)]
    for nanoseconds in [*range(5_000), *wide, (1 << 63) - 1]:
        assert bucket_of(nanoseconds) == bucket_of_the_store(nanoseconds), nanoseconds


def test_a_timer_counts_by_bucket_until_there_is_nothing_for_long() -> None:
    meters = Meters({"nf.app": "edge"})
    timer = meters.timer("latency")
    assert taken(meters) == {}
    for seconds in (0.1, 0.1, 0.005, -0.001):
        timer.record(seconds)
    counted = {
        ("latency", "rate", f"T{bucket:04X}", "percentile"): count
        for bucket, count in ((0x73, 2.0), (0x60, 1.0), (0, 1.0))
    }
    assert taken(meters) == counted
    timer.record(0.1)
    assert sorted(taken(meters).values()) == [0.0, 0.0, 1.0]
    others = [len(taken(meters)) for _ in range(IDLE_STEPS_MAX + 1)]
    assert others == [3] * (IDLE_STEPS_MAX - 1) + [1, 0]
