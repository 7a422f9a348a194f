"""Spans of a platform under load: the graph they give, a failure, a sender from outside."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from demo_platform.services import SERVICES
from tests.integration.demo.worlds import World, world

pytestmark = pytest.mark.integration

WAY = ["api", "edge", "edge", "viewers", "viewers"]


@pytest.fixture(scope="module")
def platform() -> Iterator[World]:
    with world("--size", "small", "--fabric", "loopback", "--rate", "8") as started:
        started.until_ready()
        yield started


def links(platform: World) -> dict[tuple[str, str], dict[str, Any]]:
    now_ms = time.time_ns() // 1_000_000
    _, found = platform.ask("GET", f"/api/v2/dependencies?endTs={now_ms}&lookback=60000")
    return {(link["parent"], link["child"]): link for link in found}


def until(claim: Any, within_s: float = 30.0) -> Any:
    ends = time.monotonic() + within_s
    while not (found := claim()):
        assert time.monotonic() < ends, f"not within {within_s} s"
        time.sleep(0.2)
    return found


def test_the_graph_that_spans_give_is_that_of_the_calls(platform: World) -> None:
    calls = {(name, one.service) for name, own in SERVICES.items() for one in own.dependencies}
    calls.add(("viewers", "edge"))
    # search has its index in memory: it asks catalog too seldom for a tenth of the traces.
    seldom = {("search", "catalog")}
    platform.ask("PUT", "/v1/dials", {"search-ratio": 1.0})
    until(lambda: calls - seldom <= links(platform).keys(), within_s=60.0)
    assert links(platform).keys() | seldom == calls


def test_a_failure_is_kept_from_the_member_down_to_where_it_happened(platform: World) -> None:
    _, put = platform.ask(
        "PUT", "/v1/properties/api", {"hystrix.command.playback.circuitBreaker.forceOpen": True}
    )
    assert "api" in put

    def failed() -> Any:
        question = "serviceName=api&spanName=play&annotationQuery=error"
        traces = platform.ask("GET", f"/api/v2/traces?{question}")[1]
        # Each process sends its spans on a clock of its own: a trace is whole a little later.
        return next((trace for trace in traces if [one for one, _ in way_up(trace)] == WAY), None)

    culprit = way_up(until(failed))[0][1]
    platform.ask(
        "PUT", "/v1/properties/api", {"hystrix.command.playback.circuitBreaker.forceOpen": None}
    )
    assert "playback" in culprit["tags"]["error"]


def way_up(trace: list[dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    """The services from the one that failed up to the one that asked first, with their spans."""
    by_id = {span["id"]: span for span in trace}
    failures = (
        span
        for span in trace
        if span["localEndpoint"]["serviceName"] == "api" and "error" in span["tags"]
    )
    span, way = next(failures, None), []
    while span is not None:
        way.append((span["localEndpoint"]["serviceName"], span))
        span = by_id.get(span.get("parentId", ""))
    return way


def test_spans_of_others_are_taken_and_refused(platform: World) -> None:
    span = {"traceId": "ab" * 16, "id": "cd" * 8, "name": "GET", "localEndpoint": {}}
    assert platform.ask("POST", "/api/v2/spans", [span]) == (202, None)
    assert platform.ask("GET", f"/api/v2/trace/{'ab' * 16}")[1][0]["name"] == "get"
    status, said = platform.ask("POST", "/api/v2/spans", [{"traceId": "no"}])
    assert (status, said["error"]["where"]) == (400, "/api/v2/spans")
