"""A change in one region is forgotten in every zone of the other, at once or when it is back."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import pytest

from demo_platform.evcache.changes import Change
from demo_platform.evcache.client import Quorum
from demo_platform.evcache.relay import APPLY_PATH, CHANGES_PATH, Relay
from demo_platform.evcache.sidecar import Sidecar
from demo_platform.http_message import HttpRequest, HttpResponse
from demo_platform.metrics import Meters
from demo_platform.wires.http_client import HttpTransport
from demo_platform.wires.http_server import serve_http
from tests.unit.demo_platform.evcache.zones import Zones, counted

Place = tuple[str, int]


class Region:
    """Three zones, the HTTP side of one of its nodes, and a service that uses the cache."""

    def __init__(self, zones: Zones, http: HttpTransport, away: list[Place]) -> None:
        self.zones = zones
        self.places: list[Place] = []
        rng = random.Random(1)
        self.abroad = Relay(http, APPLY_PATH, lambda: away, rng=rng)
        self.meters = Meters({})
        self.sidecar = Sidecar(zones.client("a"), [self.abroad], self.meters)
        self.home = Relay(http, CHANGES_PATH, lambda: self.places, rng=rng)
        self.service = zones.client("b", on_change=self.home.add)
        self._serving = AsyncExitStack()

    async def open(self) -> None:
        port = await serve_http(self.sidecar.handle, "127.0.0.1", 0, self._serving)
        self.places.append(("127.0.0.1", port))

    async def close(self) -> None:
        self.places.clear()
        await self._serving.aclose()


def with_regions(scene: Callable[[Region, Region], Awaitable[None]]) -> None:
    async def whole() -> None:
        east: list[Place] = []
        west: list[Place] = []
        async with AsyncExitStack() as stack:
            http = HttpTransport()
            stack.callback(http.close)
            regions = []
            for own, away in ((east, west), (west, east)):
                zones = await Zones.started()
                stack.push_async_callback(zones.stop)
                region = Region(zones, http, away)
                region.places = own
                await region.open()
                stack.push_async_callback(region.close)
                regions.append(region)
            relays = [relay for region in regions for relay in (region.home, region.abroad)]
            tasks = [asyncio.create_task(relay.run()) for relay in relays]
            async with asyncio.timeout(20):
                await scene(regions[0], regions[1])
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(whole())


async def until(claim: Callable[[], bool]) -> None:
    while not claim():
        await asyncio.sleep(0.01)


def test_a_change_is_forgotten_in_all_zones_of_the_other_region_only() -> None:
    async def scene(east: Region, west: Region) -> None:
        for region in (east, west):
            await region.service.set("k", b"old", ttl_s=9, quorum=Quorum.ALL, is_change=False)
        await east.service.set("k", b"new", ttl_s=9, quorum=Quorum.ALL)
        await until(lambda: not any(west.zones.held(name) for name in west.zones.nodes))
        await asyncio.sleep(0.2)  # time enough for an echo, if there were one
        assert all(east.zones.held(name) == {b"app:k": b"new"} for name in east.zones.nodes)
        assert (len(east.home.queue), len(east.abroad.queue), len(west.abroad.queue)) == (0, 0, 0)
        assert counted(west.meters, "evcache.relay.applied") == 1

    with_regions(scene)


def test_a_region_that_was_cut_off_hears_of_everything_when_it_is_back() -> None:
    async def scene(east: Region, west: Region) -> None:
        keys = [f"k{n}" for n in range(20)]
        for key in keys:
            await west.service.set(key, b"old", ttl_s=9, quorum=Quorum.ALL, is_change=False)
        await west.close()
        for key in keys:
            await east.service.delete(key)
        await until(lambda: len(east.abroad.queue) == 20)
        await asyncio.sleep(0.3)
        assert east.abroad.queue.lag_s(asyncio.get_running_loop().time()) > 0.2
        assert len(west.zones.held("a0")) == 20
        await west.open()
        await until(lambda: not any(west.zones.held(name) for name in west.zones.nodes))

    with_regions(scene)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (CHANGES_PATH, b"no json", 400),
        (CHANGES_PATH, b'[{"app":1,"key":"k"}]', 400),
        (APPLY_PATH, b"{}", 400),
        (APPLY_PATH, b"[]", 200),
        ("/relay/other", b"[]", 404),
    ],
)
def test_what_is_no_change_is_refused(path: str, body: bytes, status: int) -> None:
    async def scene(east: Region, west: Region) -> None:
        http, place = HttpTransport(), west.places[0]
        said = await http.request("POST", place, path, body=body, headers={}, timeout_s=5)
        assert said.status == status
        said = await http.request("GET", place, "/healthcheck", body=b"", headers={}, timeout_s=5)
        assert said.body == b'{"status":"up"}'
        http.close()

    with_regions(scene)


def test_a_stranger_that_answers_has_not_taken_anything() -> None:
    async def whole() -> None:
        async def hello(_request: HttpRequest) -> HttpResponse:
            return HttpResponse(b"hello")

        async with AsyncExitStack() as stack:
            port = await serve_http(hello, "127.0.0.1", 0, stack)
            http = HttpTransport()
            stack.callback(http.close)
            relay = Relay(http, APPLY_PATH, lambda: [("127.0.0.1", port)], rng=random.Random(1))
            relay.add(Change("app", "k"))
            assert not await relay.tell()
            assert len(relay.queue) == 1

    asyncio.run(whole())
