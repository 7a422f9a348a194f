"""What a request meets before and after a service's own function."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any, cast

import pytest

from demo_platform.http_message import HttpRequest, HttpResponse
from demo_platform.knobs import Knobs
from demo_platform.metrics import Meters
from demo_platform.server import ServiceServer, edge_counters
from demo_platform.service import Body, Capacity, Node, Request, Service, ServiceFailed
from demo_platform.services import SERVICES
from demo_platform.services.edge import CAUSES
from tests.metric_lines import metrics_of

Jump = Callable[[Coroutine[Any, Any, Any]], Any]


async def answer(request: Request, node: Node) -> Body:
    """Blame whom the body says, or be fine."""
    if "blame" in request.body:
        raise ServiceFailed(str(request.body["blame"]), 502, "as told")
    return {"at": node.id, "fit": request.faults.text if request.faults else ""}


CAPACITY = Capacity(
    slots=2, work_s=0.1, slots_without_headroom=1, queue_wait_s=0.15, in_flight_max=5
)


class Scene:
    """A server of one route; must be made inside a running loop."""

    def __init__(self, *on: str, name: str = "catalog") -> None:
        knobs = Knobs()
        for switch in on:
            knobs.set(switch, True)
        self.meters = Meters({})
        service = Service(name=name, capacity=CAPACITY, routes={"play": answer})
        node = Node("i-1", "a", cast("Any", None))
        self.server = ServiceServer(service, node, knobs, self.meters)

    async def ask(self, path: str = "/play", body: bytes = b"{}", **headers: str) -> HttpResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = HttpRequest("POST", path, headers=named, body=body)
        return cast("HttpResponse", await self.server.handle(request))

    def counted(self) -> dict[str, float]:
        metrics = metrics_of(self.meters)
        return {
            " ".join(value for key, value in sorted(metric["tags"].items()) if "." not in key): (
                round(metric["value"], 6)
            )
            for metric in metrics
            if metric["value"] and metric["tags"]["name"] != "server.slots"
        }


@pytest.mark.parametrize(
    ("request_is", "status", "cause", "counted"),
    [
        (
            {},
            200,
            None,
            {"server.requests 2xx": 1, "server.seconds": 0.1, "server.latency value": 0.1},
        ),
        (
            {"body": b'{"blame":"customer"}'},
            502,
            "customer",
            {"server.requests 5xx": 1, "server.seconds": 0.1, "server.latency value": 0.1},
        ),
        ({"x_deadline_ms": "50"}, 504, "catalog", {"server.requests 5xx": 1}),
        ({"body": b"nonsense"}, 400, None, {"server.requests 4xx": 1}),
        ({"body": b"[1]"}, 400, None, {"server.requests 4xx": 1}),
        ({"path": "/stop"}, 404, None, {"server.requests 4xx": 1}),
        ({"path": "/healthcheck"}, 200, None, {}),
    ],
)
def test_answers_and_counts(
    jump: Jump,
    request_is: dict[str, Any],
    status: int,
    cause: str | None,
    counted: dict[str, float],
) -> None:
    async def scene() -> None:
        stage = Scene()
        response = await stage.ask(**request_is)
        assert (response.status, response.headers.get("x-failed-service")) == (status, cause)
        assert stage.counted() == counted

    jump(scene())


@pytest.mark.parametrize(
    ("on", "requests", "served"),
    [((), 2, 2), ((), 4, 4), ((), 5, 4), ((), 9, 4), (("no-headroom",), 4, 2)],
)
def test_sheds_what_does_not_fit(
    jump: Jump, on: tuple[str, ...], requests: int, served: int
) -> None:
    async def scene() -> None:
        stage = Scene(*on)
        responses = await asyncio.gather(*(stage.ask() for _ in range(requests)))
        statuses = [response.status for response in responses]
        assert statuses.count(200) == served
        assert statuses.count(503) == requests - served

    jump(scene())


def test_does_not_wait_longer_than_the_answer_is_wanted(jump: Jump) -> None:
    async def scene() -> None:
        stage = Scene("no-headroom")
        first = stage.ask()
        second = stage.ask(x_deadline_ms="120")
        responses = await asyncio.gather(first, second)
        assert [response.status for response in responses] == [200, 503]

    jump(scene())


def test_waits_and_works_for_nobody_with_long_timeouts(jump: Jump) -> None:
    async def scene() -> None:
        stage = Scene("long-timeouts")
        responses = await asyncio.gather(*(stage.ask(x_deadline_ms="1") for _ in range(5)))
        assert [response.status for response in responses] == [200] * 5

    jump(scene())


def test_a_request_keeps_what_it_carries(jump: Jump) -> None:
    async def scene() -> None:
        stage = Scene()
        for header, kept in (("recs=fail", "recs=fail"), ("recs=explode", "")):
            response = await stage.ask(x_fit=header)
            assert json.loads(cast("bytes", response.body))["fit"] == kept

    jump(scene())


def test_the_edge_counts_by_route_and_cause(jump: Jump) -> None:
    async def scene() -> None:
        stage = Scene(name="edge")
        await stage.ask()
        await stage.ask(body=b'{"blame":"playback"}')
        await stage.ask(body=b'{"blame":"somebody"}')
        counted = stage.counted()
        edge = {key: n for key, n in counted.items() if "edge.requests" in key}
        assert edge == {
            "none edge.requests play 2xx": 1,
            "playback edge.requests play 5xx": 1,
            "edge edge.requests play 5xx": 1,
        }

    jump(scene())


def test_the_edge_has_a_series_for_each_ending_from_the_first_step_on() -> None:
    counters = edge_counters(Meters({}))
    routes = SERVICES["edge"].routes
    assert set(CAUSES) == set(routes)
    for route in routes:
        assert ("2xx", route, "none") in counters
        assert ("4xx", route, "none") in counters
        assert ("5xx", route, "edge") in counters
    assert {cause for causes in CAUSES.values() for cause in causes} == set(SERVICES)
