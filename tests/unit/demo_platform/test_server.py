"""What a request meets before and after a service's own function."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any, cast

import pytest

from demo_platform.builds import GOOD, SLOW, Build, RunningBuild
from demo_platform.http_message import HttpRequest, HttpResponse
from demo_platform.knobs import Knobs
from demo_platform.metrics import Meters
from demo_platform.server import ServiceServer
from demo_platform.service import Body, Capacity, Node, Request, Service, ServiceFailed
from tests.metric_lines import counted

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

    def __init__(self, *on: str, build: Build = GOOD) -> None:
        knobs = Knobs()
        for switch in on:
            knobs.set(switch, True)
        self.meters = Meters({})
        service = Service(name="catalog", capacity=CAPACITY, routes={"play": answer})
        node = Node("i-1", "a", cast("Any", None))
        running = RunningBuild(build)
        self.server = ServiceServer(service, node, knobs, self.meters, build=running)

    async def ask(self, path: str = "/play", body: bytes = b"{}", **headers: str) -> HttpResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = HttpRequest("POST", path, headers=named, body=body)
        return cast("HttpResponse", await self.server.handle(request))

    def counted(self) -> dict[str, float]:
        every = counted(self.meters)
        return {key: n for key, n in every.items() if key != "server.slots"}


@pytest.mark.parametrize(
    ("request_is", "status", "cause", "counted"),
    [
        (
            {},
            200,
            None,
            {"success success ipc.server.call": 1, "server.seconds": 0.1},
        ),
        (
            {"body": b'{"blame":"customer"}'},
            502,
            "customer",
            {"failure unexpected_error ipc.server.call": 1, "server.seconds": 0.1},
        ),
        ({"x_deadline_ms": "50"}, 504, "catalog", {"failure unexpected_error ipc.server.call": 1}),
        ({"body": b"nonsense"}, 400, None, {"failure bad_request ipc.server.call": 1}),
        ({"body": b"[1]"}, 400, None, {"failure bad_request ipc.server.call": 1}),
        ({"path": "/stop"}, 404, None, {"failure bad_request ipc.server.call": 1}),
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


def test_a_request_whose_caller_goes_away_is_counted(jump: Jump) -> None:
    async def scene() -> None:
        stage = Scene()
        asked = asyncio.create_task(stage.ask())
        await asyncio.sleep(0.05)
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)
        assert stage.counted() == {"failure cancelled ipc.server.call": 1}

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


def test_a_slow_build_lets_in_as_many_and_keeps_them_eight_times_as_long(jump: Jump) -> None:
    async def scene() -> None:
        stage = Scene(build=SLOW)
        begun_s = asyncio.get_running_loop().time()
        responses = await asyncio.gather(*(stage.ask(x_deadline_ms="500") for _ in range(3)))
        assert [response.status for response in responses] == [200, 200, 503]
        assert asyncio.get_running_loop().time() - begun_s == pytest.approx(0.8)
        assert stage.counted()["server.seconds"] == 1.6

    jump(scene())


def test_a_wrong_build_answers_500_and_blames_itself(jump: Jump) -> None:
    async def scene() -> None:
        stage = Scene(build=Build("wrong", wrong_ratio=1.0))
        response = await stage.ask()
        assert (response.status, response.headers["x-failed-service"]) == (500, "catalog")
        assert stage.counted()["failure unexpected_error ipc.server.call"] == 1

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
