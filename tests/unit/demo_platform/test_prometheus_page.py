"""What Prometheus' own parser reads from an instance's page."""

from __future__ import annotations

import asyncio
from typing import cast

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from demo_platform.http_message import HttpRequest, HttpResponse
from demo_platform.metrics import Meters
from demo_platform.prometheus_page import METRICS_PATH, with_metrics

Read = dict[str, tuple[str, dict[str, tuple[dict[str, str], float]]]]


async def service(request: HttpRequest) -> HttpResponse:
    return HttpResponse.of_text(f"service {request.path}")


def answer(meters: Meters, path: str = METRICS_PATH) -> HttpResponse:
    async def scene() -> HttpResponse:
        answered = await with_metrics(meters, service)(HttpRequest("GET", path))
        return cast("HttpResponse", answered)

    return asyncio.run(scene())


def read(meters: Meters) -> Read:
    """Families by name: their type, and each sample's labels and value."""
    response = answer(meters)
    assert response.content_type.startswith("text/plain; version=")
    text = response.body.decode()
    return {
        family.name: (family.type, {s.name: (dict(s.labels), s.value) for s in family.samples})
        for family in text_string_to_metric_families(text)
    }


def test_each_kind_of_meter_is_one_of_prometheus() -> None:
    meters = Meters({"nf.app": "api"})
    meters.counter("playback.starts", ipc__result="success").add(3)
    meters.gauge("eureka.registered", lambda: 30)
    timer = meters.timer("ipc.server.call")
    timer.record(0.25)
    timer.record(0.5)
    meters.take()
    app = {"nf_app": "api"}
    assert read(meters) == {
        "playback_starts": (
            "counter",
            {"playback_starts_total": ({**app, "ipc_result": "success"}, 3.0)},
        ),
        "eureka_registered": ("gauge", {"eureka_registered": (app, 30.0)}),
        "ipc_server_call_seconds": (
            "summary",
            {
                "ipc_server_call_seconds_count": (app, 2.0),
                "ipc_server_call_seconds_sum": (app, 0.75),
            },
        ),
    }


def test_a_gauge_is_not_read_twice_in_a_step() -> None:
    meters, levels = Meters({}), iter((1.0, 2.0))
    meters.gauge("grown", lambda: next(levels))
    meters.take()
    for _ in range(3):
        assert read(meters)["grown"][1]["grown"] == ({}, 1.0)


def test_other_paths_are_the_services() -> None:
    assert answer(Meters({}), "/play").body == b"service /play"


names = st.from_regex(r"[a-z][a-zA-Z0-9._~^-]{0,20}", fullmatch=True)


@given(names, st.dictionaries(st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True), names))
def test_whatever_a_series_is_called_the_page_can_be_read(name: str, tags: dict[str, str]) -> None:
    meters = Meters({})
    meters.counter(name, **tags).add(2)
    ((_, samples),) = read(meters).values()
    ((_, value),) = samples.values()
    assert value == 2
