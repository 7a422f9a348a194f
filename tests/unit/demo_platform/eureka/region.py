"""A region of discovery servers and clients in one loop whose clock jumps; the wire is played.

Everything but the wire is real: clients reach `EurekaServer.handle` over a wire that knows
who is dead, hung, or cut off from whom.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping

from demo_platform.eureka.client import EurekaClient
from demo_platform.eureka.directory import Directory
from demo_platform.eureka.server import EurekaServer
from demo_platform.http_message import HttpRequest
from demo_platform.metrics import Meters
from demo_platform.topology import InstanceSpec
from demo_platform.transport import Ending, Reply, ending_of

ZONES = "abc"
SERVERS = {zone: (zone, f"10.1.{n}.2", 8080) for n, zone in enumerate(ZONES, 1)}
JITTER_S = 0.02


class Wire:
    """The connections of whoever lives in a zone."""

    def __init__(self, region: Region, zone: str) -> None:
        self._region, self._zone = region, zone

    async def request(
        self,
        method: str,
        place: tuple[str, int],
        target: str,
        *,
        body: bytes,
        headers: Mapping[str, str],
        timeout_s: float,
    ) -> Reply:
        small = {name.lower(): value for name, value in headers.items()}
        request = HttpRequest(method, target, headers=small, body=body)
        return await self._region.carry(self._zone, place[0], request, timeout_s)


class Region:
    """Three servers and as many clients as are started; must be made inside a running loop."""

    def __init__(self) -> None:
        self.rng = random.Random(7)
        self.servers: dict[str, EurekaServer] = {}
        self.meters: dict[str, Meters] = {}
        self.clients: dict[str, EurekaClient] = {}
        self.directories: dict[str, Directory] = {}
        self.hung: set[str] = set()
        self.cut: set[str] = set()
        self.asked: Counter[tuple[str, str]] = Counter()
        self._tasks: dict[str, list[asyncio.Task[None]]] = {}

    async def carry(
        self, source: str, address: str, request: HttpRequest, within_s: float
    ) -> Reply:
        """Take a request from a zone to the server at an address."""
        zone = next(zone for zone, one, _ in SERVERS.values() if one == address)
        self.asked[source, zone] += 1
        await asyncio.sleep(self.rng.random() * JITTER_S)
        if zone in self.hung or (source != zone and {source, zone} & self.cut):
            await asyncio.sleep(within_s)
            return Reply(Ending.TIMED_OUT)
        if zone not in self.servers:
            return Reply(Ending.UNREACHABLE)
        answer = await self.servers[zone].handle(request)
        return Reply(ending_of(answer.status), answer.body, status=answer.status)

    async def start_server(self, zone: str, life: int = 1) -> None:
        """Have a zone's server begin."""
        spec = self._spec(f"i-eureka-{zone}-{life}", "eureka", zone)
        self.meters[zone] = Meters({})
        server = EurekaServer(spec, self.meters[zone], Wire(self, zone), rng=self.rng)
        await server.start()
        self.servers[zone] = server
        self._spawn(f"server-{zone}", *server.loops())

    async def start_servers(self) -> None:
        """Have all three begin at once."""
        await asyncio.gather(*(self.start_server(zone) for zone in ZONES))

    def start_client(
        self,
        name: str,
        zone: str,
        service: str = "api",
        *,
        skew_s: Callable[[], float] = lambda: 0.0,
        forgets: bool = False,
    ) -> None:
        """Have an instance begin; skew_s: by how much its wall clock is wrong.

        forgets: whether it knows nobody once discovery has been silent for a lease.
        """
        loop = asyncio.get_running_loop()
        self.directories[name] = Directory()
        self.clients[name] = EurekaClient(
            self._spec(name, service, zone),
            Wire(self, zone),
            self.directories[name],
            registers=True,
            forgets=lambda: forgets,
            wall_s=lambda: loop.time() + skew_s(),
        )
        self.meters[name] = Meters({})
        self.clients[name].publish(self.meters[name])
        self._spawn(name, self.clients[name].run())

    async def fill(self, count: int) -> list[str]:
        """Start that many clients, spread over the zones and over a second."""
        names = [f"i-{n}" for n in range(count)]
        for n, name in enumerate(names):
            self.start_client(name, ZONES[n % 3])
            await asyncio.sleep(1.0 / count)
        return names

    def kill(self, *names: str) -> None:
        """Have them gone without a word."""
        for name in names:
            for task in self._tasks.pop(name):
                task.cancel()
            self.servers.pop(name.removeprefix("server-"), None)

    async def leave(self, name: str) -> None:
        """Have an instance go in good order."""
        self.kill(name)
        await self.clients[name].leave()

    def known(self, name: str, service: str = "api") -> set[str]:
        """Whom an instance may call."""
        return {peer.id for peer in self.directories[name].peers(service)}

    def gauge(self, whose: str, name: str) -> float:
        """What a zone's server or an instance publishes."""
        meters = self.meters[whose]
        return next(one.value for one in meters.samples() if one.name == name)

    async def end(self) -> None:
        """Stop everybody."""
        tasks = [task for some in self._tasks.values() for task in some]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def failures(self) -> list[BaseException]:
        """What went wrong in loops that must not end."""
        tasks = [task for some in self._tasks.values() for task in some]
        return [e for task in tasks if task.done() and (e := task.exception()) is not None]

    def _spawn(self, name: str, *loops: Coroutine[None, None, None]) -> None:
        self._tasks[name] = [asyncio.create_task(loop) for loop in loops]

    def _spec(self, name: str, service: str, zone: str) -> InstanceSpec:
        own_first = sorted(SERVERS.values(), key=lambda server: server[0] != zone)
        address, port = SERVERS[zone][1:] if service == "eureka" else ("10.9.9.9", 8080)
        return InstanceSpec(
            name, service, service, "r", zone, address, port, 1, tuple(own_first), publish_socket=""
        )
