"""Which spans a process reports, and what it tells the next hop."""

from __future__ import annotations

import random

import pytest

from demo_platform.tracing.span import Endpoint, ZipkinSpan
from demo_platform.tracing.tracer import CALLS_MAX, UNTRACED, Tracer


class Hop:
    """A process of a service that traces, and what it has reported."""

    def __init__(self, service: str = "api", *, head_ratio: float = 0.0) -> None:
        self.reported: list[ZipkinSpan] = []
        rng = random.Random(service)
        self.tracer = Tracer(
            Endpoint(service, "10.1.1.10", port=8080),
            self.reported.append,
            rng,
            common_tags={"nf.zone": "a"},
            head_ratio=head_ratio,
        )

    def names(self) -> list[str]:
        return [f"{span.kind} {span.name}" for span in self.reported]


def test_a_trace_that_nobody_keeps_leaves_nothing() -> None:
    hop = Hop()
    span = hop.tracer.serve("play", {})
    span.call("title", "catalog", "10.1.1.11", 8080).end()
    span.end()
    assert hop.reported == []


def test_one_trace_in_ten_is_kept_whole_and_the_same_ones_for_the_same_seed() -> None:
    def kept() -> set[str]:
        hop = Hop(head_ratio=0.1)
        for _ in range(2000):
            span = hop.tracer.begin("play")
            span.call("play", "edge", "10.1.1.12", 8080).end()
            span.end()
        traces = {span.trace_id for span in hop.reported}
        assert len(hop.reported) == 2 * len(traces)
        return traces

    assert 150 < len(kept()) < 250
    assert kept() == kept()


@pytest.mark.parametrize("is_sampled", [True, False])
def test_the_next_hop_goes_by_what_the_first_decided(is_sampled: bool) -> None:
    first, second = Hop("edge", head_ratio=float(is_sampled)), Hop(head_ratio=1 - is_sampled)
    call = first.tracer.begin("play").call("play", "api", "10.1.1.10", 8080)
    headers: dict[str, str] = {}
    call.carry(headers)
    served = second.tracer.serve("play", headers)
    assert (served.is_kept, served.trace_id) == (is_sampled, call.trace_id)
    served.end()
    assert [span.parent_id for span in second.reported] == [call.id] * is_sampled


def test_a_failure_is_kept_with_the_calls_that_went_well_before_and_after() -> None:
    hop = Hop()
    span = hop.tracer.serve("home", {})
    span.call("titles", "catalog", "10.1.1.11", 8080).end()
    span.call("rows", "recs", "10.1.1.12", 8080).end("timed out")
    span.call("rows", "recs", "10.1.1.13", 8080).end()
    span.end()
    assert span.is_kept
    assert sorted(hop.names()) == ["CLIENT rows", "CLIENT rows", "CLIENT titles", "SERVER home"]
    (failed,) = [one for one in hop.reported if "error" in one.tags]
    assert failed.tags == {"nf.zone": "a", "error": "timed out"}
    assert failed.remote_endpoint == Endpoint("recs", "10.1.1.12", port=8080)
    assert {one.parent_id for one in hop.reported if one.kind == "CLIENT"} == {span.id}


def test_who_calls_a_hop_that_keeps_its_spans_keeps_its_own() -> None:
    hop = Hop()
    span = hop.tracer.serve("home", {})
    call = span.call("rows", "recs", "10.1.1.12", 8080)
    call.keep()
    call.end()
    span.end()
    assert hop.names() == ["CLIENT rows", "SERVER home"]


def test_a_call_that_outlives_its_request_is_kept_if_that_was() -> None:
    for error, reported in [("", 0), ("shed", 2)]:
        hop = Hop()
        span = hop.tracer.serve("home", {})
        call = span.call("rows", "recs", "10.1.1.12", 8080)
        span.end(error)
        call.end()
        assert len(hop.reported) == reported


def test_a_span_ends_once_and_remembers_a_bounded_number_of_calls() -> None:
    hop = Hop()
    span = hop.tracer.serve("home", {})
    for _ in range(CALLS_MAX + 10):
        span.call("rows", "recs", "10.1.1.12", 8080).end()
    span.end("shed")
    span.end()
    assert len(hop.reported) == CALLS_MAX + 1


def test_what_an_experiment_touched_is_kept_and_tagged_at_each_hop() -> None:
    first, second = Hop("edge"), Hop()
    span = first.tracer.begin("play", baggage="chaos.experiment=lessons/retry-storm")
    headers: dict[str, str] = {}
    call = span.call("play", "api", "10.1.1.10", 8080)
    call.carry(headers)
    served = second.tracer.serve("play", headers)
    for one in (served, call, span):
        one.end()
    tags = [one.tags["chaos.experiment"] for one in first.reported + second.reported]
    assert tags == ["lessons/retry-storm"] * 3


def test_what_others_noted_is_carried_over_two_hops_as_it_came() -> None:
    caller = f"00-{'a' * 32}-{'b' * 16}-01"
    headers = {"traceparent": caller, "tracestate": "vendor=x:y,other=2"}
    for hop in (Hop("edge"), Hop()):
        span = hop.tracer.serve("play", headers)
        headers = {}
        span.call("play", "api", "10.1.1.10", 8080).carry(headers)
    assert headers["tracestate"] == "vendor=x:y,other=2"
    assert headers["traceparent"] != caller


def test_where_nothing_is_traced_nothing_is_carried() -> None:
    headers: dict[str, str] = {}
    call = UNTRACED.call("rows", "recs", "10.1.1.12", 8080)
    call.carry(headers)
    call.end("timed out")
    assert headers == {}
    assert not UNTRACED.is_kept
