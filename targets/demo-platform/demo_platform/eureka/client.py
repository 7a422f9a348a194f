"""An instance's side of discovery: it registers, renews its lease, and learns who else is there.

It asks its own zone's server, and another one while that is away. When every server is away, the
last copy stays in use: callers find out themselves who still answers. It is listed as STARTING
until it knows the others, then as UP, and takes itself off the list before it goes.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

import msgspec

from demo_platform.eureka.description import describe
from demo_platform.eureka.directory import Directory
from demo_platform.eureka.listing import BASE_PATH, JSON_HEADERS, RegistryCopy, parse_listing
from demo_platform.eureka.periods import PERIODS, Periods
from demo_platform.eureka.shapes import registration_as_wire
from demo_platform.metrics import Meters
from demo_platform.topology import InstanceSpec
from demo_platform.transport import Ending, Reply
from demo_platform.wires.http_client import HttpClient

FIRST_TRY_S = 0.1
SERVER_TIMEOUT_S = 0.4
AVOID_S = 5.0
LEAVE_TIMEOUT_S = 0.3
STARTING, UP = "STARTING", "UP"

Place = tuple[str, int]


class _Away(Exception):
    """A server does not answer as it should."""


class EurekaClient:
    """The loop that talks to discovery for one process.

    forgets: whether a copy that is older than a lease is none; asked while every server is away.
    """

    def __init__(
        self,
        spec: InstanceSpec,
        http: HttpClient,
        directory: Directory,
        *,
        registers: bool,
        forgets: Callable[[], bool] = lambda: False,
        periods: Periods = PERIODS,
        wall_s: Callable[[], float] = time.time,
    ) -> None:
        self._spec = spec
        self._http = http
        self._directory = directory
        self._registers = registers
        self._forgets = forgets
        self._lease_s = periods.lease_s
        self._period_s = min(periods.renewal_s, periods.fetch_s)
        self._wall_s = wall_s
        self._monotonic_s = asyncio.get_running_loop().time
        self._heard_s = self._monotonic_s()
        self._servers = tuple((address, port) for _, address, port in spec.discovery)
        self._own_path = f"/apps/{spec.service.upper()}/{spec.id}"
        self._away_until: dict[Place, float] = {}
        self._dirty_ms = 0
        self._status = ""
        self._copy = RegistryCopy(periods.delta_s - 2 * periods.cache_s)
        self._last_changes = b""

    def publish(self, meters: Meters) -> None:
        """Have it seen whether the instance is registered as up."""
        meters.gauge("discovery.status", lambda: float(self._status == UP), state=UP)
        meters.gauge("discovery.age", self._age_s)

    def _age_s(self) -> float:
        """Seconds since a server last answered, or since we began."""
        return self._monotonic_s() - self._heard_s

    async def run(self) -> None:
        """Renew and fetch until cancelled, at even intervals: a late round makes no later ones."""
        next_s = self._monotonic_s()
        while True:
            heard = await self._round()
            now_s = self._monotonic_s()
            next_s = max(next_s + self._period_s, now_s) if heard else now_s + FIRST_TRY_S
            await asyncio.sleep(next_s - now_s)

    async def leave(self) -> None:
        """Deregister, with the first server that answers."""
        if not self._registers:
            return
        for server in self._in_order():
            if (await self._ask("DELETE", server, self._own_path, LEAVE_TIMEOUT_S)).status:
                return

    async def _round(self) -> bool:
        """Renew and fetch with the first server that answers; False when none does."""
        for server in self._in_order():
            try:
                await self._renew_and_fetch(server)
            except (_Away, msgspec.MsgspecError):
                self._away_until[server] = self._monotonic_s() + AVOID_S
                continue
            self._heard_s = self._monotonic_s()
            return True
        if self._forgets() and self._age_s() > self._lease_s:
            self._directory.forget()
            self._last_changes = b""  # the same words again would teach nothing
        return False

    async def _renew_and_fetch(self, server: Place) -> None:
        if self._registers and not self._status:
            await self._register(server, STARTING)
            await self._fetch(server)
            await self._register(server, UP)
            return
        if self._registers:
            await self._renew(server)
        await self._fetch(server)

    async def _register(self, server: Place, status: str) -> None:
        # A clock that was set back must not make the news look older than what is listed.
        self._dirty_ms = max(int(self._wall_s() * 1000), self._dirty_ms + 1)
        await self._enrol(server, status)
        self._status = status

    async def _enrol(self, server: Place, status: str) -> None:
        instance = describe(self._spec, status=status, dirty_ms=self._dirty_ms)
        body = msgspec.json.encode({"instance": registration_as_wire(instance)})
        await self._answered("POST", server, f"/apps/{instance.app}", body)

    async def _renew(self, server: Place) -> None:
        """Renew the lease, or register again with a server that knows nothing of it."""
        path = f"{self._own_path}?status={self._status}&lastDirtyTimestamp={self._dirty_ms}"
        reply = await self._ask("PUT", server, path)
        if reply.status == 404:
            await self._enrol(server, self._status)
        elif reply.ending is not Ending.ANSWERED:
            raise _Away

    async def _fetch(self, server: Place) -> None:
        """Bring the copy up to date."""
        if self._copy.needs_everything(server, self._monotonic_s()):
            await self._fetch_everything(server)
            return
        body = await self._answered("GET", server, "/apps/delta")
        if body == self._last_changes:
            self._copy.unchanged(self._monotonic_s())
            return
        self._last_changes = body
        if self._copy.apply(parse_listing(body), self._monotonic_s()):
            self._directory.learn(self._copy.instances())
        else:
            await self._fetch_everything(server)

    async def _fetch_everything(self, server: Place) -> None:
        self._last_changes = b""
        everything = parse_listing(await self._answered("GET", server, "/apps"))
        self._copy.replace(server, everything, self._monotonic_s())
        self._directory.learn(self._copy.instances())

    async def _answered(self, method: str, server: Place, path: str, body: bytes = b"") -> bytes:
        """A server's answer. Raises _Away when there is no good one."""
        reply = await self._ask(method, server, path, body=body)
        if reply.ending is not Ending.ANSWERED:
            raise _Away
        return reply.body

    async def _ask(
        self,
        method: str,
        server: Place,
        path: str,
        timeout_s: float = SERVER_TIMEOUT_S,
        *,
        body: bytes = b"",
    ) -> Reply:
        target = BASE_PATH + path
        return await self._http.request(
            method, server, target, body=body, headers=JSON_HEADERS, timeout_s=timeout_s
        )

    def _in_order(self) -> Sequence[Place]:
        """Own zone first, then the others; those that were away lately last."""
        now_s = self._monotonic_s()
        return sorted(self._servers, key=lambda one: self._away_until.get(one, 0.0) > now_s)
