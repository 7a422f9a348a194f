"""A whole region on a clock that jumps: what is lost when a zone is, with headroom and without.

Every instance is the real server and the real client; only the wire between them is played. The
arithmetic of `services/playback.py` is checked here, where no other program takes part.
"""

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, cast

import pytest

from demo_platform.balancer import Peer
from demo_platform.client import Client
from demo_platform.eureka.directory import Directory
from demo_platform.eureka.listing import Registered
from demo_platform.http_message import HttpRequest
from demo_platform.knobs import Knobs
from demo_platform.members.device import Devices
from demo_platform.members.viewers import Viewers
from demo_platform.metrics import Meters
from demo_platform.pool import Pool
from demo_platform.server import ServiceServer
from demo_platform.service import CAUSE_HEADER, Node
from demo_platform.services import SERVICES
from demo_platform.topology import SIZES, InstanceSpec
from demo_platform.transport import Ending, Reply
from demo_platform.widecolumn.behind import WritesBehind
from demo_platform.widecolumn.consistency import Consistency
from demo_platform.widecolumn.schema import TABLES, Columns, Value
from demo_platform.widecolumn.store import NoStore
from demo_platform.wires.codec import JSON, codec_of
from tests.metric_lines import metrics_of

Jump = Callable[[Coroutine[Any, Any, Any]], Any]
EAST = "us-east-1"
STARTS_PER_SECOND = 15.0
BASELINE_S, FAULT_S = 40, 20


class PromptStore(NoStore):
    """Has every row that is there from the start, takes what is written, and all at once."""

    async def read(
        self, table: str, key: Columns, *, level: Consistency = Consistency.LOCAL_QUORUM
    ) -> dict[str, Value] | None:
        return dict(key) if table in {"drm_keys", "members", "titles"} else None

    async def write_all(
        self,
        table: str,
        rows: Sequence[tuple[Columns, int]],
        *,
        level: Consistency = Consistency.LOCAL_QUORUM,
    ) -> None:
        TABLES[table].split(rows[0][0])


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
            store = PromptStore()
            node = Node(one.id, one.zone, calls, store=store, behind=WritesBehind(store))
            server = ServiceServer(service, node, self.knobs, Meters({}))
            self.servers[one.address] = (one.zone, server)
        spec = InstanceSpec("v", "viewers", "v", EAST, EAST, "v", 1, seed, (), "")
        directory = Directory()
        directory.learn(listed)
        rng = random.Random(seed)
        devices = Devices(self._pool(listed, "", str(seed)), self.knobs, rng)
        self.viewers = Viewers(spec, self.knobs, self.meters, directory, devices)

    def _pool(self, listed: list[Registered], zone: str, seed: str) -> Pool:
        directory = Directory()
        directory.learn(listed)
        return Pool(self, directory, own_zone=zone, rng=random.Random(seed))

    async def post(
        self, peer: Peer, route: str, *, body: bytes, headers: Mapping[str, str], timeout_s: float
    ) -> Reply:
        """Stands in for every protocol: bodies are in their own, the wire is the same."""
        codec = codec_of(peer.service)
        asked = JSON.encode_request(route, codec.decode_request(route, body))
        reply = await self._ask(peer, route, asked, dict(headers), timeout_s)
        if reply.ending is not Ending.ANSWERED:
            return reply
        answer = JSON.decode_reply(route, reply.body)
        return Reply(Ending.ANSWERED, codec.encode_reply(route, answer))

    async def _ask(
        self, peer: Peer, route: str, body: bytes, headers: dict[str, str], timeout_s: float
    ) -> Reply:
        zone, server = self.servers[peer.address]
        if zone in self.dead:
            return Reply(Ending.UNREACHABLE)
        request = HttpRequest("POST", f"/{route}", headers=headers, body=body)
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
        metrics = metrics_of(self.meters)
        starts: Counter[str] = Counter()
        for metric in metrics:
            if metric["tags"]["name"] == "playback.starts":
                starts[metric["tags"]["cause"]] += metric["value"]
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
    on: tuple[str, ...],
    mode: str,
    baseline_max: float,
    fault: tuple[float, float],
    cause: str | None,
) -> None:
    async def scene() -> None:
        region = Region(1, *on)
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
