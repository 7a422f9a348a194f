"""Three zones of cache nodes on loopback ports, in the test's own event loop."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from typing import Any

from demo_platform.evcache.client import CacheClient
from demo_platform.evcache.connection import ConnectionRule
from demo_platform.evcache.gauges import ClientMeters
from demo_platform.evcache.node import CacheNode
from demo_platform.evcache.replicas import NodeAddress, Replicas
from demo_platform.evcache.storage import Storage
from demo_platform.metrics import Meters
from tests.metric_lines import metrics_of

PATIENT = ConnectionRule(timeout_s=3.0, stalled_s=10.0, give_up_s=20.0, connect_s=3.0)
"""On a busy machine an answer takes longer than it may on the platform."""


@dataclass
class Zones:
    """What a test may do to the nodes, and to what the clients know of them."""

    nodes: dict[str, CacheNode] = field(default_factory=dict)
    found: tuple[NodeAddress, ...] = ()
    servers: dict[str, asyncio.Server] = field(default_factory=dict)
    replicas: list[Replicas] = field(default_factory=list)
    now: float = 1e9

    @classmethod
    async def started(cls, names: str = "abc") -> Zones:
        """A node in each zone; zones are called by a letter, more of one in the same zone."""
        zones = cls()
        for number, zone in enumerate(names):
            await zones.start(f"{zone}{number}", zone)
        return zones

    async def start(self, name: str, zone: str) -> None:
        node = CacheNode(Storage(), clock=lambda: self.now)
        server = await node.listen("127.0.0.1", 0)
        self.nodes[name], self.servers[name] = node, server
        address, port = server.sockets[0].getsockname()
        self.found = (*self.found, NodeAddress(zone, address, port))

    def kill(self, name: str) -> None:
        """Refuse connections, and cut those that are there; discovery still lists the node."""
        self.servers[name].close()
        self.nodes[name].hang_up()

    def client(self, zone: str = "a", rule: ConnectionRule = PATIENT, **more: Any) -> CacheClient:
        rng = random.Random(1)
        replicas = Replicas(lambda: self.found, own_zone=zone, rule=rule, rng=rng)
        self.replicas.append(replicas)
        now = asyncio.get_running_loop().time
        self.meters = Meters({})
        meters = ClientMeters(self.meters, "abc")
        return CacheClient("app", replicas, meters=meters, rng=rng, now=now, **more)

    def held(self, name: str) -> dict[bytes, bytes]:
        """What a node keeps."""
        return {key: item.value for key, item in self.nodes[name].storage.keys(self.now)}

    async def stop(self) -> None:
        for replicas in self.replicas:
            replicas.close()
        for name in self.nodes:
            self.kill(name)
        await asyncio.sleep(0)


def counted(meters: Meters, name: str, **tags: str) -> float:
    """The sum of the counters of that name that carry these tags, since it was last asked."""
    wanted = {"name": name, **tags}
    return sum(one["value"] for one in metrics_of(meters) if wanted.items() <= one["tags"].items())
