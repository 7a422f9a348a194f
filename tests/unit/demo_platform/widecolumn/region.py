"""Regions of store nodes in one process, on a virtual clock, with a network that can be broken."""

from __future__ import annotations

import asyncio
import random
import selectors
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from demo_platform.metrics import Meters
from demo_platform.widecolumn.client import StoreClient
from demo_platform.widecolumn.coordinator import Silent
from demo_platform.widecolumn.disk import Disk
from demo_platform.widecolumn.gauges import ClientMeters
from demo_platform.widecolumn.messages import (
    Reply,
    Request,
    decode_reply,
    decode_request,
    encode,
)
from demo_platform.widecolumn.node import Endpoint, StoreNode, new_state
from demo_platform.widecolumn.replica import StoreCapacity
from demo_platform.widecolumn.ring import Place

HOP_S = 0.001
EPOCH_S = 1_700_000_000.0
T = TypeVar("T")


class _Skipping(selectors.DefaultSelector):
    """Waits for nothing: the loop's clock jumps to when the next timer is due."""

    loop: VirtualLoop

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if not ready:
            assert timeout is not None, "everybody waits for ever"
            self.loop.now_s += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time passes only while nobody has anything to do."""

    def __init__(self) -> None:
        self.now_s = 0.0
        selector = _Skipping()
        selector.loop = self
        super().__init__(selector)

    def time(self) -> float:
        return self.now_s


def play(story: Coroutine[Any, Any, T]) -> T:
    """Run to the end, however long it takes on the virtual clock."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(story)


class Network:
    """Nodes by address. cut: pairs of zones; hung: addresses; whoever is not there is silent."""

    def __init__(self) -> None:
        self.nodes: dict[Endpoint, StoreNode] = {}
        self.hung: set[Endpoint] = set()
        self.cut: set[frozenset[str]] = set()
        self.delays_s: dict[Endpoint, float] = {}

    def dial(self, zone: str, own: Endpoint | None = None) -> _Dial:
        return _Dial(self, zone, own)


class _Dial:
    def __init__(self, network: Network, zone: str, own: Endpoint | None) -> None:
        self._network = network
        self._zone = zone
        self._own = own

    async def ask(self, endpoint: Endpoint, request: Request, within_s: float) -> Reply:
        network = self._network
        if endpoint not in network.nodes:
            raise Silent
        try:
            async with asyncio.timeout(within_s):
                await self._travel(endpoint)
                reply = await network.nodes[endpoint].handle(decode_request(encode(request)))
                await self._travel(endpoint)
        except TimeoutError:
            raise Silent from None
        return decode_reply(encode(reply))

    async def _travel(self, endpoint: Endpoint) -> None:
        await asyncio.sleep(HOP_S + self._network.delays_s.get(endpoint, 0.0))
        there = self._network.nodes.get(endpoint)
        zones = frozenset({self._zone, there.membership.own.zone}) if there else frozenset()
        if there is None or zones in self._network.cut:
            raise Silent
        while endpoint in self._network.hung or self._own in self._network.hung:
            await asyncio.sleep(0.05)


class World:
    """Store nodes in the zones of regions, and clients of them."""

    def __init__(self, folder: Path, regions: tuple[str, ...] = ("r1", "r2")) -> None:
        self.network = Network()
        self.capacity = StoreCapacity()
        self.skew_s: dict[str, float] = {}
        self.zones = [region + letter for region in regions for letter in "abc"]
        self._folder = folder
        self._incarnations = 0
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self.nodes: dict[str, StoreNode] = {}

    async def __aenter__(self) -> World:
        for zone in self.zones:
            self.start(zone)
        await asyncio.sleep(6)
        return self

    async def __aexit__(self, *_: object) -> None:
        for zone in tuple(self.nodes):
            self.kill(zone)

    def wall_clock(self, zone: str) -> Callable[[], float]:
        loop = asyncio.get_running_loop()
        return lambda: EPOCH_S + loop.time() + self.skew_s.get(zone, 0.0)

    def start(self, zone: str, *, pages_max: int = 1000) -> StoreNode:
        """Fill a zone's place with a node that has nothing."""
        self._incarnations += 1
        endpoint = (f"node-{self._incarnations}", 1)
        wall_clock = self.wall_clock(zone)
        state = new_state(
            name=zone,
            region=zone[:-1],
            zone=zone,
            endpoint=endpoint,
            started_us=int(wall_clock() * 1e6),
        )
        node = StoreNode(
            state,
            Disk(self._folder / f"{self._incarnations}.db", pages_max=pages_max),
            self.network.dial(zone, endpoint),
            places=[Place(one, one[:-1], one) for one in self.zones],
            find=lambda: tuple(self.network.nodes),
            capacity=lambda: self.capacity,
            rng=random.Random(zone),
            now=asyncio.get_running_loop().time,
            wall_clock=wall_clock,
        )
        self.network.nodes[endpoint] = self.nodes[zone] = node  # type: ignore[assignment]
        self._tasks[zone] = asyncio.create_task(node.run())
        return node

    def endpoint(self, zone: str) -> Endpoint:
        own = self.nodes[zone].membership.own
        return own.address, own.port

    def kill(self, zone: str) -> None:
        """End a node and all that it has."""
        self._tasks.pop(zone).cancel()
        node = self.nodes.pop(zone)
        del self.network.nodes[node.membership.own.address, node.membership.own.port]
        node.replica.disk.close()

    def cut(self, *regions: str) -> None:
        """Let two regions hear nothing of each other."""
        one, other = ([z for z in self.zones if z[:-1] == region] for region in regions)
        self.network.cut |= {frozenset({a, b}) for a in one for b in other}

    def client(self, zone: str, *coordinators: str) -> StoreClient:
        """A client whose clock is its zone's."""
        wall_clock = self.wall_clock(zone)
        return StoreClient(
            self.network.dial("client"),
            lambda: [self.endpoint(one) for one in coordinators or (zone,)],
            meters=ClientMeters(Meters({})),
            now=asyncio.get_running_loop().time,
            micros=lambda: int(wall_clock() * 1e6),
        )

    def cut_zones(self, one: str, other: str) -> None:
        """Let two zones hear nothing of each other."""
        self.network.cut.add(frozenset({one, other}))
