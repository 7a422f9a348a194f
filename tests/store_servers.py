"""Wide-column stores for tests: our own nodes in this process, and a real Cassandra."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo_platform.metrics import Meters
from demo_platform.widecolumn.client import MonotonicMicros, StoreClient
from demo_platform.widecolumn.consistency import Consistency
from demo_platform.widecolumn.disk import Disk
from demo_platform.widecolumn.gauges import ClientMeters
from demo_platform.widecolumn.node import Endpoint, StoreNode, new_state
from demo_platform.widecolumn.refusals import StoreRefused
from demo_platform.widecolumn.replica import StoreCapacity
from demo_platform.widecolumn.ring import Place
from demo_platform.widecolumn.store import WideColumnStore
from demo_platform.widecolumn.wire import Connections, Listener

REGION = "us-east-1"
PATIENCE_S = 5.0
"""A busy machine makes an answer late; what it says is the same."""

STARTS_WITHIN_S = 40.0
PAUSE_S = 0.5
SCRIPT = Path(__file__).parent / "engines/cassandra.sh"
FAST = StoreCapacity(slots=64, read_s=0.0, write_s=0.0, row_s=0.0)

Run = Callable[[Coroutine[Any, Any, Any]], Any]


@dataclass(frozen=True, slots=True)
class Bed:
    """A store with all its nodes, and one that lacks too many. kill_one: a node that is no
    coordinator; `duo` has its data on that one and another."""

    run: Run
    store: WideColumnStore
    lonely: WideColumnStore
    duo: WideColumnStore
    kill_one: Callable[[], None]
    pass_time: Callable[[float], None]
    given_up_within_s: float


class _Own:
    """Our own nodes, each with its sockets, on one event loop."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stops: dict[str, list[Callable[[], object]]] = {}
        self._connections = Connections()
        self.ahead_s = 0.0

    def wall_clock(self) -> float:
        return time.time() + self.ahead_s

    async def cluster(self, zones: str, *, missing: str = "") -> StoreClient:
        """Nodes in some zones; those that are missing should be there, too."""
        cluster = f"{REGION}-{len(self._stops)}"
        places = [Place(f"{cluster}{z}", REGION, cluster + z) for z in zones + missing]
        endpoints = [("127.0.0.1", free_port()) for _ in zones]
        for place, endpoint in zip(places, endpoints, strict=False):
            await self._start(place, endpoint, places, endpoints)
        await asyncio.sleep(0.1)
        return StoreClient(
            self._connections,
            lambda: endpoints,
            meters=ClientMeters(Meters({})),
            now=asyncio.get_running_loop().time,
            micros=MonotonicMicros(),
            answer_s=PATIENCE_S,
        )

    async def _start(
        self, place: Place, endpoint: Endpoint, places: list[Place], endpoints: list[Endpoint]
    ) -> None:
        state = new_state(
            name=place.name,
            region=place.region,
            zone=place.zone,
            endpoint=endpoint,
            started_us=int(time.time() * 1e6),
        )
        connections = Connections()
        node = StoreNode(
            state,
            Disk(self._folder / f"{place.name}.db"),
            connections,
            places=places,
            find=lambda: [one for one in endpoints if one != endpoint],
            capacity=lambda: FAST,
            rng=random.Random(1),
            now=asyncio.get_running_loop().time,
            wall_clock=self.wall_clock,
        )
        listener = Listener(node.handle)
        server = await listener.listen(*endpoint)
        running = asyncio.create_task(node.run())
        self._stops[place.name] = [
            server.close,
            listener.hang_up,
            connections.close,
            running.cancel,
        ]

    def stop(self, name: str) -> None:
        for stop in self._stops.pop(name):
            stop()

    async def stop_all(self) -> None:
        self._connections.close()
        for name in tuple(self._stops):
            self.stop(name)
        await asyncio.sleep(0.01)

    def stop_last(self) -> None:
        self.stop(next(reversed(self._stops)))


async def _until_read(store: StoreClient, level: Consistency) -> None:
    """Wait until nodes know each other, or have given up those that are not there."""
    async with asyncio.timeout(STARTS_WITHIN_S):
        while True:
            with suppress(StoreRefused):
                await store.read("members", {"member": 0}, level=level)
                return
            await asyncio.sleep(0.1)


@contextmanager
def own_store(folder: Path) -> Iterator[Bed]:
    """Our own, until the end of the block."""
    own = _Own(folder)

    def skip(seconds: float) -> None:
        own.ahead_s += seconds

    with asyncio.Runner() as runner:
        store = runner.run(own.cluster("abc"))
        lonely = runner.run(own.cluster("a", missing="bc"))
        duo = runner.run(own.cluster("ab"))
        runner.run(_until_read(store, Consistency.ALL))
        runner.run(_until_read(lonely, Consistency.ONE))
        runner.run(_until_read(duo, Consistency.ALL))
        left_at = time.monotonic()

        def run(work: Coroutine[Any, Any, Any]) -> Any:
            # Nodes live while their loop runs; after a pause of it they take each other for dead.
            nonlocal left_at
            if time.monotonic() - left_at > PAUSE_S:
                runner.run(_until_read(store, Consistency.ALL))
            found = runner.run(work)
            left_at = time.monotonic()
            return found

        yield Bed(run, store, lonely, duo, own.stop_last, skip, 8)
        runner.run(own.stop_all())


@contextmanager
def cassandra(folder: Path) -> Iterator[Bed]:
    """The original, two nodes of it, until the end of the block."""
    from demo_platform.widecolumn.original import CassandraStore

    environment = {
        **os.environ,
        "PORT": str(free_port()),
        "STORAGE_PORT": str(free_port()),
        "LIBRARY": "",
    }
    nodes = [folder / "1", folder / "2"]
    jars = Path(os.environ.get("CASSANDRA_JARS", nodes[0] / "lib"))
    try:
        if jars != nodes[0] / "lib":
            environment["LIBRARY"] = str(jars)
        first = _start(nodes[0], {**environment, "NODE": "1"})
        second = _start(nodes[1], {**environment, "NODE": "2", "LIBRARY": str(jars)})
        endpoints: Sequence[Endpoint] = [first, second]
        stores = [
            CassandraStore.connect(
                endpoints, keyspace=name, replicas=replicas, region=REGION, only_first=True
            )
            for name, replicas in (("whole", 1), ("lonely", 5), ("duo", 2))
        ]

        def kill() -> None:
            os.kill(int((nodes[1] / "pid").read_text()), signal.SIGKILL)

        with asyncio.Runner() as runner:
            yield Bed(runner.run, *stores, kill, time.sleep, 40)
        for store in stores:
            store.close()
    finally:
        for node in nodes:
            with suppress(FileNotFoundError, ProcessLookupError):
                os.kill(int((node / "pid").read_text()), signal.SIGKILL)


def _start(folder: Path, environment: dict[str, str]) -> Endpoint:
    started = subprocess.run(
        [str(SCRIPT), str(folder)],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        timeout=300,
        check=True,
    )
    host, _, port = started.stdout.split("URL=")[1].strip().partition(":")
    return host, int(port)


def free_port() -> int:
    """A port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
