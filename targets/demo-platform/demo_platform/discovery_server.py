"""The discovery service: one server a zone, each with the instances of its whole region.

    PUT    /instances/{id}   register, or renew the lease; the body is the instance
    DELETE /instances/{id}   leave
    GET    /instances        everybody, as a JSON list
    POST   /replicas         what a peer has heard; never passed on again

Every answer carries `x-registry-version`, so that a client fetches the list only when it changed.
Peers are told in small batches, a few times a second. A starting server copies a peer.
"""

from __future__ import annotations

import asyncio

import aiohttp
import msgspec
from aiohttp import web

from demo_platform.metrics import Counter, Meters
from demo_platform.registry import Registered, Registry
from demo_platform.topology import InstanceSpec

VERSION_HEADER = "x-registry-version"
SWEEP_S = 0.5
DEAF_AFTER_S = 1.2
REPLICATE_S = 0.4
PEER_TIMEOUT_S = 0.4


class Replica(msgspec.Struct):
    """A batch for the peers."""

    renewed: list[Registered] = []
    cancelled: list[str] = []


def registered(spec: InstanceSpec) -> Registered:
    """How an instance registers."""
    return Registered(
        id=spec.id,
        service=spec.service,
        region=spec.region,
        zone=spec.zone,
        address=spec.address,
        port=spec.port,
        status="UP",
    )


class DiscoveryServer:
    """The registry of one zone's server, on the wire."""

    def __init__(self, spec: InstanceSpec, meters: Meters, session: aiohttp.ClientSession) -> None:
        loop = asyncio.get_running_loop()
        self._now = loop.time
        self._session = session
        self._own = registered(spec)
        self._peers = tuple(
            f"http://{address}:{port}"
            for _, address, port in spec.discovery
            if (address, port) != (spec.address, spec.port)
        )
        self._registry = Registry()
        # Versions of a former life of this server must not be taken for those of this one.
        self._life = f"{spec.id}-{int(loop.time() * 1000)}"
        self._encoded: tuple[int, bytes] = (-1, b"")
        self._renewed: dict[str, Registered] = {}
        self._cancelled: list[str] = []
        self._heard_at = loop.time()
        self._requests = request_counters(meters)
        meters.counter("server.seconds")
        meters.gauge("discovery.registered", lambda: len(self._registry))

    async def start(self) -> None:
        """Copy the first peer that answers; with none there, begin empty."""
        for peer in self._peers:
            timeout = aiohttp.ClientTimeout(total=PEER_TIMEOUT_S)
            try:
                async with self._session.get(f"{peer}/instances", timeout=timeout) as reply:
                    known = msgspec.json.decode(await reply.read(), type=list[Registered])
            except (aiohttp.ClientError, TimeoutError, OSError, msgspec.MsgspecError):
                continue
            for instance in known:
                self._registry.renew(instance, self._now())
            break
        self._registry.renew(self._own, self._now())

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        self._heard_at = self._now()
        try:
            response = await self._answer(request)
        except msgspec.MsgspecError as error:
            response = web.Response(status=400, text=f"not an instance: {error}\n")
        self._requests["2xx" if response.status < 400 else "4xx"].add()
        response.headers[VERSION_HEADER] = f"{self._life}-{self._registry.version}"
        return response

    async def sweep(self) -> None:
        """Renew the own lease and forget those who did not renew theirs, for ever."""
        while True:
            now = self._now()
            await asyncio.sleep(SWEEP_S)
            slept_s, now = self._now() - now, self._now()
            self._registry.renew(self._own, now)
            self._renewed[self._own.id] = self._own
            if now - self._heard_at > DEAF_AFTER_S or slept_s > DEAF_AFTER_S:
                self._registry.keep_all(now)
            self._registry.expire(now)

    async def replicate(self) -> None:
        """Tell the peers what was heard, for ever."""
        while True:
            await asyncio.sleep(REPLICATE_S)
            if not self._renewed and not self._cancelled:
                continue
            batch = Replica(list(self._renewed.values()), self._cancelled)
            self._renewed, self._cancelled = {}, []
            body = msgspec.json.encode(batch)
            await asyncio.gather(*(self._tell(peer, body) for peer in self._peers))

    async def _tell(self, peer: str, body: bytes) -> None:
        """Send a batch to a peer; one that is away hears of everybody again in a second."""
        timeout = aiohttp.ClientTimeout(total=PEER_TIMEOUT_S)
        url = f"{peer}/replicas"
        try:
            async with self._session.post(url, data=body, timeout=timeout) as reply:
                await reply.read()
        except (aiohttp.ClientError, TimeoutError, OSError):
            return

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        folder, _, instance_id = request.path.removeprefix("/").partition("/")
        match request.method, folder:
            case "PUT", "instances":
                instance = msgspec.json.decode(await request.read(), type=Registered)
                if instance.id != instance_id:
                    return web.Response(status=400, text="the id is not the path's\n")
                self._registry.renew(instance, self._now())
                self._renewed[instance.id] = instance
                return web.Response()
            case "DELETE", "instances":
                self._registry.cancel(instance_id)
                self._renewed.pop(instance_id, None)
                self._cancelled.append(instance_id)
                return web.Response()
            case "GET", "instances":
                return web.Response(body=self._list(), content_type="application/json")
            case "POST", "replicas":
                self._learn(msgspec.json.decode(await request.read(), type=Replica))
                return web.Response()
        return web.Response(status=404, text=f"no route {request.method} {request.path}\n")

    def _learn(self, batch: Replica) -> None:
        now = self._now()
        for instance in batch.renewed:
            self._registry.renew(instance, now)
        for instance_id in batch.cancelled:
            self._registry.cancel(instance_id)

    def _list(self) -> bytes:
        version = self._registry.version
        if self._encoded[0] != version:
            self._encoded = (version, msgspec.json.encode(self._registry.instances()))
        return self._encoded[1]


def request_counters(meters: Meters) -> dict[str, Counter]:
    """`server.requests` for each status that there is."""
    statuses = ("2xx", "4xx", "5xx", "shed")
    return {status: meters.counter("server.requests", status=status) for status in statuses}
