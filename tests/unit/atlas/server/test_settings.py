"""What is set of a server, as its clients see it."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfoNotFoundError

import pytest

from atlas.server.app import make_app
from atlas.settings import RequestSettings, changed
from atlas.store.memory import MemoryStore, StoreConfig
from tests.unit.atlas.server.conftest import NOW_MS, Caller

HOUR_MS = 3_600_000


@pytest.fixture
def serving():
    """Starts an application that is set as told; it has three series of `cpu`."""

    def start(**changes: Any) -> Caller:
        settings = changed(RequestSettings(), changes)
        config = StoreConfig(max_age_ms=HOUR_MS, keep_ms=HOUR_MS)
        caller = Caller(make_app(MemoryStore(config), lambda: NOW_MS, settings))
        metrics = [
            {"tags": {"name": "cpu", "node": f"i-{i}"}, "timestamp": NOW_MS, "value": 1}
            for i in range(3)
        ]
        assert caller.post("/api/v1/publish", {"metrics": metrics}).status == 200
        return caller

    return start


def graph(caller: Caller, **parameters: str) -> dict[str, Any]:
    answer = caller.get("/api/v1/graph", q="name,cpu,:eq,:sum", format="json", **parameters)
    assert answer.status == 200, answer.body
    return answer.json


def test_start_and_end_are_those_set(serving):
    document = graph(serving(**{"graph.start": "e-30m", "graph.end": "now-5m"}))
    assert document["start"] == NOW_MS - 34 * 60_000
    assert len(document["values"]) == 30


def test_zone_is_the_one_set(serving):
    caller = serving(**{"graph.zone": "UTC", "graph.start": "e-5m"})
    at_noon = graph(caller, e="2022-01-07T12:00")["start"]
    assert at_noon == NOW_MS - 12 * HOUR_MS - 4 * 60_000


@pytest.mark.parametrize(
    ("changes", "step_ms"),
    [
        ({}, 60_000),
        ({"graph.width": 60}, 180_000),
        ({"graph.point_count_max": 36}, 300_000),
    ],
)
def test_width_and_most_points_set_the_step(serving, changes, step_ms):
    assert graph(serving(**changes))["step"] == step_ms


def test_most_points_hold_for_every_width(serving):
    assert graph(serving(**{"graph.point_count_max": 36}), w="2000")["step"] == 300_000


def test_page_of_tags_is_as_long_as_set(serving):
    answer = serving(tags_listed_max=2).get("/api/v1/tags/node")
    assert answer.json == ["i-0", "i-1"]
    assert answer.headers["x-nflx-atlas-next-offset"] == "i-1"


def test_body_may_be_as_large_as_set(serving):
    caller = serving(body_bytes_max=1000)
    assert caller.call("POST", "/api/v1/publish", b" " * 1001).status == 413
    assert caller.call("POST", "/api/v1/publish", b" " * 1000).status == 400


def test_machine_without_zones_answers_in_utc(serving, monkeypatch):
    def unknown(name: str) -> None:
        raise ZoneInfoNotFoundError(name)

    monkeypatch.setattr("atlas.expr.instants.ZoneInfo", unknown)
    at_noon = graph(serving(**{"graph.start": "e-5m"}), e="2022-01-07T12:00")["start"]
    assert at_noon == NOW_MS - 12 * HOUR_MS - 4 * 60_000
