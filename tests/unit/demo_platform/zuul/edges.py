"""An edge on a clock that jumps, before an origin that answers from a script."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from demo_platform.balancer import Peer
from demo_platform.client import Client
from demo_platform.eureka.directory import Directory
from demo_platform.eureka.listing import Registered
from demo_platform.http_message import HttpRequest, HttpResponse
from demo_platform.knobs import Knobs
from demo_platform.metrics import Meters
from demo_platform.pool import Pool
from demo_platform.service import Dependency, Node
from demo_platform.services import SERVICES
from demo_platform.topology import Addresses, Slot, spec_of
from demo_platform.transport import Ending, Reply
from demo_platform.zuul.forwarding import TIMEOUT_S, Forwarding, Neighbour
from demo_platform.zuul.origin import Origin
from demo_platform.zuul.server import ZuulServer
from demo_platform.zuul.wiring import edge_of
from tests.metric_lines import counted

ENDINGS = {ending.name.lower(): ending for ending in Ending}
SPEC = spec_of(Slot("edge", "us-east-1", "us-east-1a", 0), 0, Addresses(), seed=1)
ABROAD = "us-west-2"
OK = Reply(Ending.ANSWERED, b'{"fine":true}', status=200)


class ScriptedPool(Pool):
    """Answers by service from a script, the last line of it for ever; the rest is a pool's own."""

    def __init__(self, replies: Sequence[Reply] = (OK,), *, instances: int = 3) -> None:
        self.directory = directory = Directory()
        directory.learn(
            Registered(f"{service}-{n}", service, "r", "abc"[n], f"10.0.0.{n}", 1, "UP")
            for service in SERVICES
            for n in range(instances)
        )
        super().__init__(cast("Any", None), directory, own_zone="a", rng=random.Random(1))
        self.replies = list(replies)
        self.takes_s = 0.0
        self.calls: list[tuple[Peer, str, dict[str, str], bytes]] = []

    async def post(
        self, peer: Peer, route: str, *, body: bytes, headers: dict[str, str], timeout_s: float
    ) -> Reply:
        del timeout_s
        self.calls.append((peer, route, dict(headers), body))
        if self.takes_s:
            await asyncio.sleep(self.takes_s)
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


class EdgeScene:
    """An edge; must be made inside a running loop. abroad: another region, if there is one."""

    def __init__(
        self, folder: Path, pool: ScriptedPool | None = None, abroad: ScriptedPool | None = None
    ) -> None:
        self.knobs = Knobs()
        self.meters = Meters({})
        self.pool = pool or ScriptedPool()
        self.folder = folder
        service = SERVICES["edge"]
        client = Client(service.dependencies, pool=self.pool, knobs=self.knobs, meters=self.meters)
        node = Node("i-1", "a", client)
        neighbours = [self._neighbour(abroad)] if abroad else []
        self.server: ZuulServer = edge_of(
            SPEC,
            node,
            self.pool,
            self.knobs,
            self.meters,
            forwarding=Forwarding(SPEC.region, self.knobs, neighbours),
            folder=folder,
        )
        self.edge = self.server._edge

    def _neighbour(self, abroad: ScriptedPool) -> Neighbour:
        dependency = Dependency("edge", timeout_s=TIMEOUT_S)
        origin = Origin(dependency, pool=abroad, knobs=self.knobs, meters=self.meters)
        forwarded = self.meters.counter("edge.forwarded", to=ABROAD)
        return Neighbour(ABROAD, abroad.directory, origin, forwarded)

    def set(self, **properties: Any) -> None:
        """Set properties of all edges, with - for . in their names."""
        self.set_all({name.replace("__", "."): value for name, value in properties.items()})

    def set_all(self, properties: dict[str, Any]) -> None:
        document = self.knobs.properties.read() or {}
        document["edge"] = document.get("edge", {}) | properties
        self.knobs.properties.write(document)

    async def ask(
        self, path: str = "/play", body: bytes = b'{"member":7}', **headers: str
    ) -> HttpResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = HttpRequest("POST", path, headers=named, body=body, remote="10.1.1.9")
        return cast("HttpResponse", await self.server.handle(request))

    def counted(self) -> dict[str, float]:
        """Series that are not 0."""
        return counted(self.meters)
