"""What a server does over time: it renews itself, evicts, preserves itself, refuses nonsense."""

import asyncio
import json
import random
from collections.abc import Callable, Coroutine
from typing import Any, cast

import msgspec
import pytest

from demo_platform.eureka.server import EurekaServer
from demo_platform.eureka.shapes import registration_as_wire
from demo_platform.http_message import HttpRequest, HttpResponse
from demo_platform.metrics import Meters
from demo_platform.topology import InstanceSpec
from tests.metric_lines import metrics_of
from tests.unit.demo_platform.eureka.instances import instance

Jump = Callable[[Coroutine[Any, Any, Any]], Any]

OWN = ("a", "127.0.0.1", 1)
SPEC = InstanceSpec(
    "i-e", "eureka", "eureka-r", "r", "a", "127.0.0.1", 1, 1, (OWN,), publish_socket=""
)


class Scene:
    """A server without peers, its loops running; must be made inside a running loop."""

    def __init__(self) -> None:
        self.meters = Meters({})
        self.server = EurekaServer(SPEC, self.meters, cast("Any", None), rng=random.Random(1))
        self.tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> "Scene":
        await self.server.start()
        self.tasks = [asyncio.create_task(loop) for loop in self.server.loops()]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def ask(
        self, method: str, path: str, body: bytes = b"", *, accept: str = "application/json"
    ) -> HttpResponse:
        request = HttpRequest(method, path, headers={"accept": accept}, body=body)
        return await self.server.handle(request)

    async def register(self, *names: str) -> None:
        for name in names:
            body = msgspec.json.encode({"instance": registration_as_wire(instance(name))})
            assert (await self.ask("POST", "/eureka/v2/apps/API", body)).status == 204

    async def live(self, seconds: int, *renewing: str) -> None:
        """Let seconds pass, in the middle of each of which these renew."""
        for _ in range(seconds):
            await asyncio.sleep(0.5)
            for name in renewing:
                reply = await self.ask("PUT", f"/eureka/v2/apps/API/{name}?lastDirtyTimestamp=1000")
                assert reply.status == 200
            await asyncio.sleep(0.5)

    async def listed(self) -> set[str]:
        said = json.loads(cast("bytes", (await self.ask("GET", "/eureka/v2/apps")).body))
        return {i["instanceId"] for a in said["applications"]["application"] for i in a["instance"]}

    def gauge(self, name: str) -> float:
        return next(m["value"] for m in metrics_of(self.meters) if m["tags"]["name"] == name)


def names(count: int) -> list[str]:
    return [f"i-{n}" for n in range(count)]


def test_lists_itself_and_those_who_registered_until_they_leave(jump: Jump) -> None:
    async def scene() -> None:
        async with Scene() as stage:
            await stage.register("i-1")
            assert await stage.listed() == {"i-1", "i-e"}
            assert (await stage.ask("DELETE", "/eureka/v2/apps/API/i-1")).status == 200
            assert (await stage.ask("DELETE", "/eureka/v2/apps/API/i-1")).status == 404
            assert await stage.listed() == {"i-1", "i-e"}  # the read cache's
            await asyncio.sleep(1.1)
            assert await stage.listed() == {"i-e"}

    jump(scene())


def test_evicts_who_does_not_renew_while_others_do(jump: Jump) -> None:
    async def scene() -> None:
        async with Scene() as stage:
            await stage.register(*names(12))
            await stage.live(3, *names(12))
            await stage.live(5, *names(12)[1:])
            assert len(await stage.listed()) == 13
            await stage.live(4, *names(12)[1:])
            assert await stage.listed() == {*names(12)[1:], "i-e"}
            assert stage.gauge("eureka.evicted") == 1.0

    jump(scene())


def test_keeps_everybody_while_too_few_renew_and_warns(jump: Jump) -> None:
    async def scene() -> None:
        async with Scene() as stage:
            await stage.register(*names(12))
            await stage.live(3, *names(12))
            assert stage.gauge("eureka.selfPreservation") == 0.0
            await stage.live(20, *names(12)[4:])
            assert len(await stage.listed()) == 13
            assert stage.gauge("eureka.selfPreservation") == 1.0
            assert stage.gauge("eureka.renewals") <= stage.gauge("eureka.threshold")
            assert "WARNING" in (await stage.ask("GET", "/")).body.decode()
            await stage.live(3, *names(12))
            assert stage.gauge("eureka.selfPreservation") == 0.0

    jump(scene())


def test_comes_back_by_itself_when_it_was_evicted_or_cancelled(jump: Jump) -> None:
    async def scene() -> None:
        async with Scene() as stage:
            await stage.ask("DELETE", "/eureka/apps/EUREKA/i-e")
            await asyncio.sleep(2.5)
            assert await stage.listed() == {"i-e"}

    jump(scene())


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "why"),
    [
        ("POST", "/eureka/apps/API", b"{", 400, "Input data was truncated"),
        ("POST", "/eureka/apps/API", b"{}", 400, "Missing instance"),
        ("POST", "/eureka/peerreplication/batch/", b"[]", 400, "object"),
        ("PUT", "/eureka/apps/API/i-1?lastDirtyTimestamp=soon", b"", 400, "milliseconds"),
        ("PUT", "/eureka/apps/API/i-1/status?value=BANANA", b"", 400, ""),
        ("PUT", "/eureka/apps/API/i-1/status", b"", 400, ""),
        ("PUT", "/eureka/apps/API/i-1/odd", b"", 404, "no route PUT"),
        ("PUT", "/eureka/apps", b"", 404, "no route PUT"),
        ("GET", "/eureka/odd", b"", 404, "no route GET"),
        ("GET", "/eureka", b"", 404, "no route GET"),
        ("GET", "/apps", b"", 404, "no route GET"),
        ("POST", "/", b"", 404, "no route POST"),
    ],
)
def test_refuses_what_it_does_not_understand(
    jump: Jump, method: str, path: str, body: bytes, status: int, why: str
) -> None:
    async def scene() -> None:
        async with Scene() as stage:
            await stage.register("i-1")
            reply = await stage.ask(method, path, body)
            assert reply.status == status
            assert why in (reply.body.decode() or "")
            assert await stage.listed() == {"i-1", "i-e"}

    jump(scene())


def test_speaks_xml_to_those_who_do_not_ask_for_json(jump: Jump) -> None:
    async def scene() -> None:
        async with Scene() as stage:
            for accept in ("", "*/*", "application/xml"):
                reply = await stage.ask("GET", "/eureka/apps", accept=accept)
                assert reply.content_type == "application/xml"
            assert (await stage.ask("GET", "/eureka/apps")).content_type == "application/json"
            health = await stage.ask("GET", "/healthcheck")
            assert (health.status, health.body) == (200, b'{"status":"up"}')

    jump(scene())
