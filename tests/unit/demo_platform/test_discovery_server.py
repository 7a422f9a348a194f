"""What a discovery server answers, and whom it forgets."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, cast

import msgspec
import pytest
from aiohttp import web

from demo_platform.discovery_server import VERSION_HEADER, DiscoveryServer, Replica
from demo_platform.metrics import Meters
from demo_platform.registry import Registered
from demo_platform.topology import InstanceSpec

Jump = Callable[[Coroutine[Any, Any, Any]], Any]

OWN = ("a", "127.0.0.1", 1)
SPEC = InstanceSpec(
    "i-d", "discovery", "discovery-r", "r", "a", "127.0.0.1", 1, 1, (OWN,), publish_socket=""
)


class Incoming:
    """As much of a request as the server reads."""

    def __init__(self, method: str, path: str, body: bytes) -> None:
        self.method, self.path, self._body = method, path, body

    async def read(self) -> bytes:
        return self._body


class Scene:
    """A server without peers; must be made inside a running loop."""

    def __init__(self) -> None:
        self.server = DiscoveryServer(SPEC, Meters({}), cast("Any", None))

    async def ask(self, method: str, path: str, what: object = None) -> web.Response:
        body = b"" if what is None else msgspec.json.encode(what)
        request = cast("web.BaseRequest", Incoming(method, path, body))
        return cast("web.Response", await self.server.handle(request))

    async def ids(self) -> list[str]:
        body = cast("bytes", (await self.ask("GET", "/instances")).body)
        return [one.id for one in msgspec.json.decode(body, type=list[Registered])]


def instance(name: str) -> Registered:
    return Registered(name, "api", "r", "a", "127.0.0.1", 1, "UP")


def test_lists_itself_and_those_who_registered_until_they_leave(jump: Jump) -> None:
    async def scene() -> None:
        stage = Scene()
        await stage.server.start()
        await stage.ask("PUT", "/instances/i-1", instance("i-1"))
        assert await stage.ids() == ["i-1", "i-d"]
        assert (await stage.ask("DELETE", "/instances/i-1")).status == 200
        assert (await stage.ask("DELETE", "/instances/i-1")).status == 200
        assert await stage.ids() == ["i-d"]

    jump(scene())


def test_tells_by_the_version_whether_the_list_is_news(jump: Jump) -> None:
    async def scene() -> None:
        stage = Scene()
        renewals = [await stage.ask("PUT", "/instances/i-1", instance("i-1")) for _ in range(3)]
        listed = await stage.ask("GET", "/instances")
        assert len({one.headers[VERSION_HEADER] for one in [*renewals, listed]}) == 1
        other = await stage.ask("PUT", "/instances/i-2", instance("i-2"))
        assert other.headers[VERSION_HEADER] != listed.headers[VERSION_HEADER]

    jump(scene())


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PUT", "/instances/i-1", {"id": "i-1"}, 400),
        ("PUT", "/instances/i-2", instance("i-1"), 400),
        ("POST", "/replicas", [1], 400),
        ("GET", "/nothing", None, 404),
        ("POST", "/instances", None, 404),
    ],
)
def test_refuses_what_it_does_not_understand(
    jump: Jump, method: str, path: str, body: object, status: int
) -> None:
    async def scene() -> int:
        return (await Scene().ask(method, path, body)).status

    assert jump(scene()) == status


def test_learns_from_peers(jump: Jump) -> None:
    async def scene() -> None:
        stage = Scene()
        await stage.ask("POST", "/replicas", Replica([instance("i-1"), instance("i-2")], []))
        await stage.ask("POST", "/replicas", Replica([], ["i-1"]))
        assert await stage.ids() == ["i-2"]

    jump(scene())


def test_forgets_who_does_not_renew_while_others_do(jump: Jump) -> None:
    async def scene() -> None:
        stage = Scene()
        sweeping = asyncio.create_task(stage.server.sweep())
        await stage.ask("PUT", "/instances/i-1", instance("i-1"))
        for _ in range(5):
            await stage.ask("PUT", "/instances/i-2", instance("i-2"))
            await asyncio.sleep(1.0)
        assert await stage.ids() == ["i-2", "i-d"]
        sweeping.cancel()

    jump(scene())


def test_keeps_everybody_while_it_hears_from_nobody(jump: Jump) -> None:
    async def scene() -> None:
        stage = Scene()
        sweeping = asyncio.create_task(stage.server.sweep())
        await stage.ask("PUT", "/instances/i-1", instance("i-1"))
        await asyncio.sleep(60.0)
        assert await stage.ids() == ["i-1", "i-d"]
        sweeping.cancel()

    jump(scene())
