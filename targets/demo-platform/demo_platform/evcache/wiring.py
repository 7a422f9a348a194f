"""Puts cache and platform together: a service's cache, and the process of a cache node.

This is the one file here that knows discovery, knobs and the topology.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace

from demo_platform.balancer import Peer
from demo_platform.eureka.client import EurekaClient
from demo_platform.eureka.directory import Directory
from demo_platform.evcache.client import CacheClient
from demo_platform.evcache.connection import ConnectionRule
from demo_platform.evcache.gauges import ClientMeters
from demo_platform.evcache.ketama import Ring
from demo_platform.evcache.node import CacheNode, steady_clock
from demo_platform.evcache.read_through import CachePolicy, ReadThrough
from demo_platform.evcache.relay import APPLY_PATH, CHANGES_PATH, Relay
from demo_platform.evcache.replicas import NodeAddress, Replicas
from demo_platform.evcache.sidecar import Sidecar
from demo_platform.evcache.storage import Storage
from demo_platform.evcache.warmer import Warmer, answers
from demo_platform.metrics import Meters
from demo_platform.service import CacheUse
from demo_platform.topology import CACHE_PORT_OFFSET, EVCACHE, InstanceSpec
from demo_platform.wires.http_client import HttpClient

SOURCES_WITHIN_S = 3.0
"""How long a node that comes up waits to hear of others that it could be filled from."""

LOOK_ON_S = 5.0
"""How long a node goes on looking who is there in another region once it has told it all."""

Place = tuple[str, int]
Loop = Coroutine[None, None, None]


class DiscoveredNodes:
    """The cache nodes that a directory lists; the same tuple until it lists others."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._peers: tuple[Peer, ...] = ()
        self._nodes: tuple[NodeAddress, ...] = ()

    def nodes(self) -> tuple[NodeAddress, ...]:
        """Where they take operations."""
        peers = self._directory.peers(EVCACHE)
        if peers is not self._peers:
            self._peers = peers
            nodes = tuple(NodeAddress(p.zone, p.address, p.port + CACHE_PORT_OFFSET) for p in peers)
            self._nodes = self._nodes if nodes == self._nodes else nodes
        return self._nodes

    def places(self, own_zone: str, rng: random.Random) -> list[Place]:
        """Where they take HTTP, those of the own zone first, the others in any order."""
        peers = [(peer.zone != own_zone, rng.random(), peer) for peer in self._peers_now()]
        return [(peer.address, peer.port) for _, _, peer in sorted(peers, key=lambda one: one[:2])]

    def _peers_now(self) -> tuple[Peer, ...]:
        return self._directory.peers(EVCACHE)


def cache_of(
    use: CacheUse,
    spec: InstanceSpec,
    *,
    http: HttpClient,
    directory: Directory,
    policy: Callable[[], CachePolicy],
    meters: Meters,
    stack: AsyncExitStack,
) -> tuple[ReadThrough, list[Loop]]:
    """A service's cache, and the loops that keep it."""
    rng = random.Random(f"{spec.seed}/{spec.id}/cache")  # noqa: S311 - spreads load, no secret
    found = DiscoveredNodes(directory)
    relay = Relay(http, CHANGES_PATH, lambda: found.places(spec.zone, rng), rng=rng)
    relay.publish(meters)
    client = CacheClient(
        use.app,
        _replicas(spec, found, rng, stack),
        meters=ClientMeters(meters, _zones(spec)),
        rng=rng,
        now=asyncio.get_running_loop().time,
        reads_other_zones=lambda: policy().reads_other_zones,
        on_change=relay.add,
    )
    cache = ReadThrough(use, client, policy=policy, meters=meters, rng=rng, wall_clock=time.time)
    return cache, [client.run(), relay.run()]


async def start_node(
    spec: InstanceSpec,
    *,
    http: HttpClient,
    directory: Directory,
    meters: Meters,
    stack: AsyncExitStack,
) -> tuple[Sidecar, list[Loop]]:
    """A cache node that listens, the HTTP side of it, and the loops that keep it."""
    rng = random.Random(f"{spec.seed}/{spec.id}/cache")  # noqa: S311 - spreads load, no secret
    clock = steady_clock()
    node = CacheNode(Storage(), clock=clock)
    node.publish(meters)
    port = spec.port + CACHE_PORT_OFFSET
    await _listen(node, spec, port, stack)
    found = DiscoveredNodes(directory)
    loops: list[Loop] = []
    relays: list[Relay] = []
    for region, servers in spec.remote:
        there = Directory()
        away = DiscoveredNodes(there)
        relay = Relay(http, APPLY_PATH, _places_of(away, rng), rng=rng)
        relay.publish(meters, region=region)
        relays.append(relay)
        abroad = replace(spec, discovery=servers)
        discovery = EurekaClient(abroad, http, there, registers=False)
        loops += [relay.run(), _while_wanted(relay, discovery.run)]
    client = CacheClient(
        EVCACHE,
        _replicas(spec, found, rng, stack),
        meters=ClientMeters(meters, ()),
        rng=rng,
        now=asyncio.get_running_loop().time,
    )
    warming = _warm(node.storage, NodeAddress(spec.zone, spec.address, port), found, clock, meters)
    return Sidecar(client, relays, meters), [*loops, client.run(), warming]


async def _while_wanted(relay: Relay, look: Callable[[], Loop]) -> None:
    """Look who is there in the other region, but only while there is something to tell it."""
    while True:
        await relay.wanted.wait()
        looking = asyncio.create_task(look())
        try:
            while relay.wanted.is_set():
                await asyncio.sleep(LOOK_ON_S)
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)


def _places_of(away: DiscoveredNodes, rng: random.Random) -> Callable[[], Sequence[Place]]:
    return lambda: away.places("", rng)


def _replicas(
    spec: InstanceSpec, found: DiscoveredNodes, rng: random.Random, stack: AsyncExitStack
) -> Replicas:
    replicas = Replicas(found.nodes, own_zone=spec.zone, rule=ConnectionRule(), rng=rng)
    stack.callback(replicas.close)
    return replicas


def _zones(spec: InstanceSpec) -> list[str]:
    return [zone for zone, _, _ in spec.discovery]


async def _listen(node: CacheNode, spec: InstanceSpec, port: int, stack: AsyncExitStack) -> None:
    address, port = spec.bound(port)
    server = await node.listen(address, port)
    stack.callback(node.hang_up)
    stack.callback(server.close)


async def _warm(
    storage: Storage,
    own: NodeAddress,
    found: DiscoveredNodes,
    clock: Callable[[], float],
    meters: Meters,
) -> None:
    """Fill the storage once from another zone; then there is nothing more to do."""
    now = asyncio.get_running_loop().time
    ends = now() + SOURCES_WITHIN_S
    while not (sources := [one for one in found.nodes() if one.zone != own.zone]) and now() < ends:
        await asyncio.sleep(0.1)
    beside = [one for one in found.nodes() if one.zone == own.zone and one.name != own.name]
    answering = await asyncio.gather(*(answers(one) for one in beside))
    # The one that this node stands in for may still be listed; its share is nobody else's.
    names = [one.name for one, is_there in zip(beside, answering, strict=True) if is_there]
    ring = Ring(sorted([own.name, *names]))
    warmer = Warmer(storage, ring=ring, own_name=own.name, clock=clock)
    meters.gauge("evcache.node.warmed", lambda: float(warmer.copied))
    await warmer.warm(sources)
    await asyncio.Event().wait()
