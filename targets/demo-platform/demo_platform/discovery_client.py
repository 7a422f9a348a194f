"""An instance's side of discovery: it registers, renews its lease, and knows who else is there.

It asks its own zone's server, and another one while that is away. When every server is away, the
last copy stays in use: callers find out themselves who still answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence

import aiohttp
import msgspec

from demo_platform.balancer import Peer
from demo_platform.discovery_server import VERSION_HEADER, registered
from demo_platform.registry import Registered
from demo_platform.topology import InstanceSpec

RENEW_S = 1.0
FIRST_TRY_S = 0.1
SERVER_TIMEOUT_S = 0.4
AVOID_S = 5.0
LEAVE_TIMEOUT_S = 0.3


class Directory:
    """Service to instances, as last heard from discovery."""

    def __init__(self) -> None:
        self._peers: dict[str, tuple[Peer, ...]] = {}

    def peers(self, service: str) -> tuple[Peer, ...]:
        """The region's instances of a service."""
        return self._peers.get(service, ())

    def ids(self) -> frozenset[str]:
        """Every instance known."""
        return frozenset(peer.id for peers in self._peers.values() for peer in peers)

    def learn(self, instances: Iterable[Registered]) -> None:
        """Replace the copy, but keep the last instances of a service that has none left.

        A server that has just come back may know nobody yet, and a list without a single playback
        is more likely wrong than true.
        """
        known = {peer.id: peer for peers in self._peers.values() for peer in peers}
        found: dict[str, list[Peer]] = {}
        for instance in instances:
            if instance.status == "UP":
                peer = known.get(instance.id) or Peer(instance)
                found.setdefault(instance.service, []).append(peer)
        self._peers |= {service: tuple(peers) for service, peers in found.items()}


class DiscoveryClient:
    """The loop that talks to discovery for one process."""

    def __init__(
        self,
        spec: InstanceSpec,
        session: aiohttp.ClientSession,
        directory: Directory,
        *,
        registers: bool,
    ) -> None:
        self._session = session
        self._directory = directory
        self._registers = registers
        self._id = spec.id
        self._body = msgspec.json.encode(registered(spec))
        self._servers = tuple(f"http://{address}:{port}" for _, address, port in spec.discovery)
        self._away_until: dict[str, float] = {}
        self._version = ""

    async def run(self) -> None:
        """Renew and refresh until cancelled."""
        while True:
            heard = await self._round()
            await asyncio.sleep(RENEW_S if heard else FIRST_TRY_S)

    async def leave(self) -> None:
        """Deregister, with the first server that answers."""
        if not self._registers:
            return
        timeout = aiohttp.ClientTimeout(total=LEAVE_TIMEOUT_S)
        for server in self._in_order():
            url = f"{server}/instances/{self._id}"
            try:
                async with self._session.delete(url, timeout=timeout):
                    return
            except (aiohttp.ClientError, TimeoutError, OSError):
                continue

    async def _round(self) -> bool:
        """Renew with a server that answers, and fetch its list if it is news."""
        for server in self._in_order():
            try:
                if self._registers:
                    version = await self._renew(server)
                    if version != self._version:
                        await self._fetch(server)
                else:
                    await self._fetch(server)
            except (aiohttp.ClientError, TimeoutError, OSError, msgspec.MsgspecError):
                now = asyncio.get_running_loop().time()
                self._away_until[server] = now + AVOID_S
                continue
            return True
        return False

    async def _renew(self, server: str) -> str:
        url = f"{server}/instances/{self._id}"
        async with self._session.put(url, data=self._body, timeout=_timeout()) as reply:
            await reply.read()
            reply.raise_for_status()
            return reply.headers.get(VERSION_HEADER, "")

    async def _fetch(self, server: str) -> None:
        async with self._session.get(f"{server}/instances", timeout=_timeout()) as reply:
            reply.raise_for_status()
            body = await reply.read()
            version = reply.headers.get(VERSION_HEADER, "")
        if version != self._version:
            self._directory.learn(msgspec.json.decode(body, type=list[Registered]))
            self._version = version

    def _in_order(self) -> Sequence[str]:
        """Own zone first, then the others; those that were away lately last."""
        now = asyncio.get_running_loop().time()
        return sorted(self._servers, key=lambda server: _is_away(self._away_until, server, now))


def _is_away(away_until: Mapping[str, float], server: str, now: float) -> bool:
    return away_until.get(server, 0.0) > now


def _timeout() -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=SERVER_TIMEOUT_S)
