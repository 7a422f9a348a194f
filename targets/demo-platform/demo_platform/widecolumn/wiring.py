"""Puts store and platform together: a service's client, and the process of a store node.

This is the one file here that knows discovery and the topology.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

from demo_platform.balancer import Peer
from demo_platform.errors import DemoError
from demo_platform.eureka.client import EurekaClient
from demo_platform.eureka.directory import Directory
from demo_platform.metrics import Meters
from demo_platform.topology import CASSANDRA, ZONE_LETTERS, InstanceSpec, store_port_of
from demo_platform.widecolumn.behind import WritesBehind
from demo_platform.widecolumn.client import MonotonicMicros, StoreClient
from demo_platform.widecolumn.disk import Disk, DiskFailed
from demo_platform.widecolumn.door import Door
from demo_platform.widecolumn.gauges import ClientMeters, publish
from demo_platform.widecolumn.node import Endpoint, StoreNode, new_state
from demo_platform.widecolumn.replica import StoreCapacity
from demo_platform.widecolumn.ring import Place
from demo_platform.widecolumn.sample_data import sample_rows
from demo_platform.widecolumn.store import WideColumnStore
from demo_platform.widecolumn.wire import Connections, Listener
from demo_platform.wires.http_client import HttpClient

DATA_FILE = Path("store.db")
"""In the instance's disk, which is where it runs."""

LOOK_S = 2.0
"""How long a node looks for those of another region, and how long it then waits to be told."""

Loop = Coroutine[None, None, None]


class Coordinators:
    """Where a service asks: a node of its own zone first, then those of others in any order."""

    def __init__(self, directory: Directory, own_zone: str, rng: random.Random) -> None:
        self._directory = directory
        self._own_zone = own_zone
        self._rng = rng
        self._peers: tuple[Peer, ...] = ()
        self._near: list[Endpoint] = []
        self._far: list[Endpoint] = []

    def find(self) -> list[Endpoint]:
        """The endpoints to be tried, in order."""
        peers = self._directory.peers(CASSANDRA)
        if peers is not self._peers:
            self._peers = peers
            self._near = [_endpoint(one) for one in peers if one.zone == self._own_zone]
            self._far = [_endpoint(one) for one in peers if one.zone != self._own_zone]
        if len(self._far) > 1 and self._rng.random() < 0.5:
            self._far.reverse()
        return [*self._near, *self._far]


def store_of(
    spec: InstanceSpec, *, directory: Directory, meters: Meters, stack: AsyncExitStack
) -> StoreClient:
    """A service's way to the store."""
    rng = random.Random(f"{spec.seed}/{spec.id}/store")  # noqa: S311 - spreads load, no secret
    connections = Connections()
    stack.callback(connections.close)
    return StoreClient(
        connections,
        Coordinators(directory, spec.zone, rng).find,
        meters=ClientMeters(meters),
        now=asyncio.get_running_loop().time,
        micros=MonotonicMicros(),
    )


def behind_of(store: WideColumnStore, meters: Meters, stack: AsyncExitStack) -> WritesBehind:
    """A service's writes that nobody waits for; when it leaves, the last of them are made."""
    behind = WritesBehind(store)
    meters.gauge("cassandra.client.waiting", lambda: len(behind))
    stack.push_async_callback(behind.close)
    return behind


async def start_store_node(
    spec: InstanceSpec,
    *,
    http: HttpClient,
    directory: Directory,
    capacity: Callable[[], StoreCapacity],
    meters: Meters,
    stack: AsyncExitStack,
) -> tuple[Door, list[Loop]]:
    """A store node that listens, the HTTP side of it, and the loops that keep it."""
    endpoint = (spec.address, spec.store_port)
    connections = Connections()
    abroad = {region: Directory() for region, _ in spec.remote}
    node = StoreNode(
        new_state(
            name=spec.volume.removeprefix(f"{CASSANDRA}-"),
            region=spec.region,
            zone=spec.zone,
            endpoint=endpoint,
            started_us=int(time.time() * 1e6),
        ),
        _open_disk(spec, stack),
        connections,
        places=_places(spec),
        find=lambda: _listed([directory, *abroad.values()]),
        capacity=capacity,
        rng=random.Random(f"{spec.seed}/{spec.id}/store"),  # noqa: S311 - spreads load
        now=asyncio.get_running_loop().time,
        wall_clock=time.time,
    )
    publish(node, meters)
    await _listen(node, spec, spec.bound(spec.store_port), stack)
    stack.callback(connections.close)
    loops = [node.run()]
    for region, servers in spec.remote:
        there = EurekaClient(
            replace(spec, discovery=servers), http, abroad[region], registers=False
        )
        loops.append(_until_met(node, region, there.run))
    return Door(node, meters), loops


def _open_disk(spec: InstanceSpec, stack: AsyncExitStack) -> Disk:
    try:
        disk = Disk(DATA_FILE)
        disk.fill(sample_rows(spec.seed))
    except DiskFailed as error:
        raise DemoError(
            f"cannot keep data in {DATA_FILE.absolute()}: {error}",
            where=f"{spec.service} {spec.id}",
            fix="make room on its disk; the next instance tries again",
        ) from error
    stack.callback(disk.close)
    return disk


def _places(spec: InstanceSpec) -> list[Place]:
    """Of every node that there should be: one in each zone of each region. A zone may have more."""
    regions = [spec.region, *(region for region, _ in spec.remote)]
    return [
        Place(f"{region}{letter}-0", region, region + letter)
        for region in regions
        for letter in ZONE_LETTERS
    ]


def _listed(directories: list[Directory]) -> list[Endpoint]:
    return [_endpoint(peer) for one in directories for peer in one.peers(CASSANDRA)]


def _endpoint(peer: Peer) -> Endpoint:
    return peer.address, store_port_of(peer.port)


async def _until_met(node: StoreNode, region: str, look: Callable[[], Loop]) -> None:
    """Look who is there in another region, while no node of it is known to be up."""
    while True:
        if not node.knows_somebody_in(region):
            looking = asyncio.create_task(look())
            await asyncio.sleep(LOOK_S)
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)
        await asyncio.sleep(LOOK_S)


async def _listen(
    node: StoreNode, spec: InstanceSpec, endpoint: Endpoint, stack: AsyncExitStack
) -> None:
    listener = Listener(node.handle)
    server = await listener.listen(*endpoint)
    stack.callback(listener.hang_up)
    stack.callback(server.close)
