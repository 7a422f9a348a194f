"""A whole region on a clock that jumps: what is lost when a zone is, with headroom and without.

Every instance is the real server and the real client; only the wire between them is played. The
arithmetic of `services/playback.py` is checked here, where no other program takes part.
"""

import asyncio
import json
import random
from collections import defaultdict
from collections.abc import Callable, Coroutine
from typing import Any, cast

import pytest

from demo_platform import transport
from demo_platform.client import Client
from demo_platform.device import Devices
from demo_platform.discovery_client import Directory
from demo_platform.knobs import Knobs
from demo_platform.metrics import Meters
from demo_platform.pool import Pool
from demo_platform.registry import Registered
from demo_platform.server import ServiceServer
from demo_platform.service import CAUSE_HEADER, Node
from demo_platform.services import SERVICES
from demo_platform.topology import SIZES, InstanceSpec
from demo_platform.transport import Ending, Reply
from demo_platform.viewers import Viewers

Jump = Callable[[Coroutine[Any, Any, Any]], Any]
STARTS_PER_SECOND = 15.0
BASELINE_S, FAULT_S = 40, 20


class Incoming:
    """As much of a request as the server reads."""

    def __init__(self, path: str, body: bytes, headers: dict[str, str]) -> None:
        self.path, self._body, self.headers = path, body, headers

    async def read(self) -> bytes:
        return self._body


class Region:
    """Three zones of servers, the wire between them, and the zones that are lost."""

    def __init__(self, seed: int, *on: str) -> None:
        self.knobs = Knobs(starts_per_second=STARTS_PER_SECOND)
        for name in on:
            self.knobs.set(name, True)
        self.hung: set[str] = set()
        self.dead: set[str] = set()
        self.servers: dict[str, tuple[str, ServiceServer]] = {}
        self.directory_of: dict[str, list[Registered]] = defaultdict(list)
        self.meters = Meters({})
        listed = [
            Registered(f"{service}-{zone}{n}", service, "r", zone, f"{service}-{zone}{n}", 1, "UP")
            for zone in "abc"
            for service, count in SIZES["normal"].per_zone
            for n in range(count)
        ]
        for one in listed:
            pool = self._pool(listed, one.zone, f"{seed}{one.id}")
            service = SERVICES[one.service]
            calls = Client(service.dependencies, pool=pool, knobs=self.knobs, meters=Meters({}))
            server = ServiceServer(service, Node(one.id, one.zone, calls), self.knobs, Meters({}))
            self.servers[one.address] = (one.zone, server)
        spec = InstanceSpec("v", "viewers", "v", "r", "r", "v", 1, seed, (), "")
        directory = Directory()
        directory.learn(listed)
        rng = random.Random(seed)
        devices = Devices(self._pool(listed, "", str(seed)), self.knobs, rng)
        self.viewers = Viewers(
            spec, self.knobs, self.meters, cast("Any", None), directory, devices=devices
        )

    def _pool(self, listed: list[Registered], zone: str, seed: str) -> Pool:
        directory = Directory()
        directory.learn(listed)
        return Pool(cast("Any", None), directory, own_zone=zone, rng=random.Random(seed))

    async def wire(
        self, _: object, url: str, *, body: bytes, headers: dict[str, str], timeout_s: float
    ) -> Reply:
        """Stands in for transport.post."""
        address, _, route = url.removeprefix("http://").partition(":1/")
        zone, server = self.servers[address]
        if zone in self.dead:
            return Reply(Ending.UNREACHABLE)
        request = cast("Any", Incoming(f"/{route}", body, headers))
        try:
            async with asyncio.timeout(timeout_s):
                if zone in self.hung:
                    await asyncio.sleep(60)
                response = cast("Any", await asyncio.shield(server.handle(request)))
        except TimeoutError:
            return Reply(Ending.TIMED_OUT)
        if response.status < 500:
            return Reply(Ending.ANSWERED, response.body)
        ending = Ending.SHED if response.status == 503 else Ending.FAILED
        return Reply(ending, cause=response.headers[CAUSE_HEADER])

    def failed_share(self) -> tuple[float, str]:
        """Of the starts since the last look; and the cause of most failures."""
        metrics = json.loads(self.meters.take(timestamp_ms=0, span_s=1.0))["metrics"]
        starts = {
            metric["tags"]["cause"]: metric["value"]
            for metric in metrics
            if metric["tags"]["name"] == "viewers.starts"
        }
        ok = starts.pop("none")
        failed = sum(starts.values())
        return failed / (ok + failed), max(starts, key=lambda cause: starts[cause])


@pytest.mark.parametrize(
    ("on", "mode", "baseline_max", "fault", "cause"),
    [
        ((), "hung", 0.001, (0.0, 0.005), None),
        ((), "dead", 0.001, (0.0, 0.001), None),
        (("no-headroom",), "hung", 0.005, (0.25, 0.8), "playback"),
        (("no-headroom",), "dead", 0.005, (0.25, 0.8), "playback"),
    ],
)
def test_losing_a_zone(
    jump: Jump,
    monkeypatch: pytest.MonkeyPatch,
    on: tuple[str, ...],
    mode: str,
    baseline_max: float,
    fault: tuple[float, float],
    cause: str | None,
) -> None:
    async def scene() -> None:
        region = Region(1, *on)
        monkeypatch.setattr(transport, "post", region.wire)
        running = asyncio.create_task(region.viewers.run())
        await asyncio.sleep(BASELINE_S)
        baseline, _ = region.failed_share()
        getattr(region, mode).add("a")
        await asyncio.sleep(FAULT_S)
        share, most = region.failed_share()
        running.cancel()
        print(f"{on} {mode}: baseline {baseline:.4f}, zone lost {share:.4f} because of {most}")
        assert baseline <= baseline_max
        assert fault[0] <= share <= fault[1]
        assert cause is None or most == cause

    jump(scene())
