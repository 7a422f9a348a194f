"""What the streams of several instances add up to."""

from __future__ import annotations

from typing import Any

from demo_platform.hystrix.turbine import Cluster, merge


def frame(name: str = "recs", **fields: Any) -> dict[str, Any]:
    return {"type": "HystrixCommand", "name": name, "reportingHosts": 1, **fields}


def test_adds_numbers_up_and_counts_the_hosts() -> None:
    merged = merge([frame(rollingCountSuccess=3), frame(rollingCountSuccess=4)])
    assert (merged["rollingCountSuccess"], merged["reportingHosts"]) == (7, 2)
    assert (merged["type"], merged["name"]) == ("HystrixCommand", "recs")


def test_latencies_divided_by_the_hosts_are_the_mean_over_requests() -> None:
    merged = merge(
        [
            frame(requestCount=30, latencyExecute_mean=10, latencyExecute={"50": 8, "99.5": 40}),
            frame(requestCount=10, latencyExecute_mean=50, latencyExecute={"50": 48, "99.5": 80}),
        ]
    )
    assert merged["latencyExecute_mean"] == 2 * 20
    assert merged["latencyExecute"] == {"50": 2 * 18, "99.5": 2 * 50}


def test_the_error_percentage_is_that_of_all_requests() -> None:
    busy = frame(requestCount=90, errorCount=0, errorPercentage=0)
    broken = frame(requestCount=10, errorCount=10, errorPercentage=100)
    merged = merge([busy, broken])
    assert (merged["errorCount"], merged["errorPercentage"]) == (10, 2 * 10)


def test_without_requests_every_host_weighs_the_same() -> None:
    merged = merge([frame(requestCount=0, latencyTotal_mean=10), frame(latencyTotal_mean=30)])
    assert merged["latencyTotal_mean"] == 2 * 20


def test_what_is_no_number_agrees_or_is_counted() -> None:
    one = {"isCircuitBreakerOpen": True, "strategy": "THREAD", "override": None}
    other = {"isCircuitBreakerOpen": False, "strategy": "THREAD", "override": None}
    merged = merge([frame(**one), frame(**other), frame(**other)])
    assert merged["isCircuitBreakerOpen"] == {"true": 1, "false": 2}
    assert (merged["strategy"], merged["override"]) == ("THREAD", None)


def test_an_instance_counts_with_its_last_frame_until_it_is_forgotten() -> None:
    cluster = Cluster()
    cluster.note("i-1", frame(requestCount=1))
    cluster.note("i-1", frame(requestCount=5))
    cluster.note("i-2", frame(requestCount=2))
    cluster.note("i-2", frame("abtest", requestCount=9))
    assert [one["requestCount"] for one in cluster.frames(wall_ms=7)] == [7, 9]
    cluster.forget("i-2")
    (left,) = cluster.frames(wall_ms=7)
    assert (left["requestCount"], left["reportingHosts"], left["currentTime"]) == (5, 1, 7)
