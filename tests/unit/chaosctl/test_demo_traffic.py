"""The flows of the demo platform, asked of a store that has its metrics."""

from __future__ import annotations

import pytest

from atlas import Atlas, Datapoint
from atlas.store.memory import StoreConfig
from chaosctl.demo_traffic import demo_flows
from chaosctl.judge.samples import Span

NOW_MS = 60_000


class InProcess:
    """The library behind the method that is asked of a store."""

    def __init__(self, atlas: Atlas) -> None:
        self.atlas = atlas

    def lines(self, query, start_ms, end_ms, *, step_ms, timeout_s):
        assert timeout_s > 0
        return self.atlas.fetch(query, start_ms, end_ms, step_ms)


@pytest.fixture
def store():
    atlas = Atlas(StoreConfig(step_ms=1000), now_ms=lambda: NOW_MS)

    def point(second: int, value: float, **tags: str) -> Datapoint:
        return Datapoint({"atlas.dstype": "gauge", **tags}, NOW_MS - second * 1000, value)

    points = []
    for second in range(5):
        for node in ("i-1", "i-2"):
            own = {
                "name": "ipc.server.call",
                "statistic": "count",
                "nf.app": "recs",
                "nf.node": node,
            }
            counts = {"success": 7, "bad_request": 1, "unexpected_error": 2, "throttled": 3}
            points += [point(second, n, **own, **{"ipc.status": how}) for how, n in counts.items()]
        own = {"name": "client.calls", "nf.app": "api", "nf.node": "i-3", "target": "recs"}
        counts = {"ok": 10, "failed": 1, "short-circuited": 4, "fallback": 5}
        points += [point(second, n, **own, outcome=outcome) for outcome, n in counts.items()]
        for node in ("i-3", "i-4"):
            own = {"name": "hystrix.open", "nf.app": "api", "nf.node": node, "target": "recs"}
            points.append(point(second, float(second < 2), **own))
        for region, server, known in (("e", "i-5", 27), ("e", "i-6", 9), ("w", "i-7", 20)):
            own = {"name": "eureka.registered", "nf.region": region, "nf.node": server}
            points.append(point(second, known, **own))
    assert atlas.publish(points).accepted_count == len(points)
    return InProcess(atlas)


def test_flows_are_put_together_from_every_instance(store):
    traffic = demo_flows(store, Span(NOW_MS - 5000, NOW_MS), 1000)
    own, calls = traffic.flows
    assert (own.service, own.caller, calls.service, calls.caller) == ("recs", "", "recs", "api")
    assert len(own.rate) == len(calls.rate) == 5
    assert set(own.rate.values()) == {26.0}
    assert set(own.failed.values()) == {10.0}
    assert set(own.replaced.values()) <= {0.0}
    assert set(calls.rate.values()) == {20.0}
    assert set(calls.failed.values()) == {5.0}
    assert set(calls.replaced.values()) == {5.0}
    assert [calls.open[end] for end in sorted(calls.open)] == [0, 0, 0, 2, 2]
    assert set(traffic.registered.values()) == {47.0}  # what the best server of each region knows


def test_a_store_without_such_metrics_gives_none():
    empty = InProcess(Atlas(StoreConfig(step_ms=1000), now_ms=lambda: NOW_MS))
    assert demo_flows(empty, Span(NOW_MS - 5000, NOW_MS), 1000).flows == ()
