"""The supervisor: has instances forked and wired, replaces the dead, and tells what is so.

It is process 1 of the world. It asks the zygote for every fork and never forks itself, because
its netlink library does not survive a fork; so it may use threads, sockets and an event loop.
"""

import asyncio
import json
import logging
import secrets
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import aiohttp
import msgspec

from demo_platform.document import NO_PROCESS, InstanceView, PlatformView, ProcessRef, State
from demo_platform.errors import DemoError
from demo_platform.fabric import NO_WIRE, Fabric, Wire
from demo_platform.knobs import Knobs
from demo_platform.process import host_pid, started_ticks
from demo_platform.registration import fetch_registered
from demo_platform.scaling import CrashLoops, Death, Place, Suspensions
from demo_platform.settings import Settings
from demo_platform.topology import (
    DISCOVERY,
    VIEWERS,
    Addresses,
    InstanceSpec,
    Slot,
    slots_of,
    spec_of,
    viewer_slots_of,
)
from demo_platform.zygote import MESSAGE_BYTES_MAX

STARTS_AT_ONCE = 6
HELLO_WITHIN_S = 15.0
LINGER_S = 10.0
"""How long a replaced instance's namespace goes on refusing connections, while its peers still
know its address; closing it at once would turn every such call into a time-out."""

POLL_STARTING_S = 0.3
POLL_STEADY_S = 2.0

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Tenant:
    """The instance that fills a slot now; it has a life, so its fields change."""

    slot: Slot
    incarnation: int
    spec: InstanceSpec
    since_s: float
    process: ProcessRef = NO_PROCESS
    wire: Wire = NO_WIRE
    state: State = State.STARTING

    @property
    def place(self) -> Place:
        return self.slot.group, self.slot.zone

    def view(self) -> InstanceView:
        return InstanceView(self.spec, self.process, self.wire.link, self.state)


class Supervisor:
    """One world's instances, from the first fork to the last."""

    def __init__(
        self,
        settings: Settings,
        fabric: Fabric,
        *,
        fabric_reason: str,
        addresses: Addresses,
        knobs: Knobs,
        zygote: socket.socket,
        keeper: ProcessRef,
        on_ready: Callable[[int, float], None],
    ) -> None:
        self.settings = settings
        self.knobs = knobs
        self.stopping = asyncio.Event()
        self.failure: DemoError | None = None
        self._fabric = fabric
        self._fabric_reason = fabric_reason
        self._addresses = addresses
        self._zygote = zygote
        self._keeper = keeper
        self._on_ready = on_ready
        self._began_s = time.monotonic()
        self._id = secrets.token_hex(4)
        self._itself = ProcessRef(host_pid(), started_ticks())
        self._state = "starting"
        self._tenants: dict[str, _Tenant] = {}
        self._registered: set[str] = set()
        self._suspensions = Suspensions()
        self._suspensions_changed = asyncio.Event()
        self._started = asyncio.Event()
        self._crashes = CrashLoops()
        self._starts = asyncio.Semaphore(STARTS_AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Bring the platform up and keep it so until `stopping` is set."""
        asyncio.get_running_loop().add_reader(self._zygote.fileno(), self._hear_zygote)
        self._spawn(self._bring_up())
        await self.stopping.wait()
        self._state = "stopping"
        asyncio.get_running_loop().remove_reader(self._zygote.fileno())
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def stop(self, failure: DemoError | None = None) -> None:
        """Take the platform down; failure says why when nobody asked for it."""
        self.failure = self.failure or failure
        self.stopping.set()

    def view(self) -> PlatformView:
        """The platform as it is now."""
        tenants = self._tenants.values()
        return PlatformView(
            id=self._id,
            state="stopping" if self.stopping.is_set() else self._state,
            fabric=self._fabric.name,
            fabric_reason=self._fabric_reason,
            size=self.settings.size.name,
            seed=self.settings.seed,
            starts_per_second=self.knobs.starts_per_second,
            switches=self.knobs.switches(),
            instances=[t.view() for t in tenants if t.slot.service != VIEWERS],
            traffic=[t.view() for t in tenants if t.slot.service == VIEWERS],
            bridge=self._fabric.bridge,
            probe_address=self._fabric.probe_address,
            keeper=self._keeper,
            supervisor=self._itself,
            registered=len(self._registered),
            suspensions=self._suspensions.as_dict(),
            problems=dict(self._crashes.problems()),
        )

    def places(self) -> set[Place]:
        """Every (group, zone) there is."""
        return {(s.group, s.zone) for s in self._all_slots()}

    def suspend(self, token: str, places: set[Place]) -> None:
        """Replace nothing at these places until the token is released."""
        self._suspensions.suspend(token, places)
        self._wake_replacements()

    def release(self, token: str) -> None:
        """Let the token's places be filled again."""
        self._suspensions.release(token)
        self._wake_replacements()

    def suspensions(self) -> dict[str, list[dict[str, str]]]:
        """Every token with its places."""
        return self._suspensions.as_dict()

    def _all_slots(self) -> tuple[Slot, ...]:
        return slots_of(self.settings.size) + viewer_slots_of(self.settings.size)

    async def _bring_up(self) -> None:
        slots = slots_of(self.settings.size)
        for slot in slots:
            self._settle(slot, 0)
        await asyncio.gather(*(self._start(self._tenants[slot.key]) for slot in slots))
        timeout = aiohttp.ClientTimeout(total=2.0)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while True:
                await self._look_at_registrations(session)
                if self._state == "starting" and len(self._registered) == len(slots):
                    await self._let_viewers_in()
                await self._until_next_look()

    async def _until_next_look(self) -> None:
        """Wait a while, or less once an instance has been started."""
        busy = any(t.state is State.STARTING for t in self._tenants.values())
        self._started.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(POLL_STARTING_S if busy else POLL_STEADY_S):
                await self._started.wait()
        if not busy:
            await asyncio.sleep(POLL_STARTING_S)

    async def _let_viewers_in(self) -> None:
        viewers = [self._settle(slot, 0) for slot in viewer_slots_of(self.settings.size)]
        await asyncio.gather(*(self._start(tenant) for tenant in viewers))
        self._state = "ready"
        seconds = time.monotonic() - self._began_s
        _log.info("ready: %d registered after %.1f s", len(self._registered), seconds)
        self._on_ready(len(self._registered), seconds)

    async def _look_at_registrations(self, session: aiohttp.ClientSession) -> None:
        tenants = [t for t in self._tenants.values() if t.slot.service != VIEWERS]
        servers = [t.spec for t in tenants if t.slot.service == DISCOVERY]
        listed = await fetch_registered(session, servers)
        alive = [t for t in tenants if t.state is not State.DEAD and t.spec.id in listed]
        for tenant in alive:
            if tenant.state is State.STARTING:
                tenant.state = State.UP
                self._crashes.forget(tenant.slot.key)
        self._registered = {t.spec.id for t in alive}

    def _settle(self, slot: Slot, incarnation: int) -> _Tenant:
        spec = spec_of(
            slot,
            incarnation,
            self._addresses,
            seed=self.settings.seed,
            publish_socket=self.settings.publish_socket,
        )
        tenant = _Tenant(slot, incarnation, spec, time.monotonic())
        self._tenants[slot.key] = tenant
        return tenant

    async def _start(self, tenant: _Tenant) -> None:
        """Have a tenant forked and wired. One that dies on the way is replaced like any other."""
        async with self._starts:
            tenant.since_s = time.monotonic()
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with ours:
                with theirs:
                    request = {
                        "fork": msgspec.to_builtins(tenant.spec),
                        "peers": self._peers_of(tenant.spec),
                    }
                    self._ask_zygote(request, theirs)
                try:
                    await self._introduce(tenant, ours)
                except OSError as error:
                    _log.warning("%s did not start: %s", tenant.spec.id, error)
                    self._ask_zygote({"kill": tenant.spec.id})

    def _peers_of(self, spec: InstanceSpec) -> list[str]:
        """Addresses that an instance will speak with: its region's, and that of our probes."""
        near = {t.spec.address for t in self._tenants.values() if t.spec.region == spec.region}
        viewers = (s for s in viewer_slots_of(self.settings.size) if s.region == spec.region)
        near |= {self._addresses.of(slot)[0] for slot in viewers}
        return sorted((near - {spec.address}) | {self._fabric.probe_address})

    async def _introduce(self, tenant: _Tenant, channel: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        channel.setblocking(False)
        async with asyncio.timeout(HELLO_WITHIN_S):
            hello = await loop.sock_recv(channel, MESSAGE_BYTES_MAX)
        if not hello:
            raise ConnectionError("the process ended before it said who it is")
        said = json.loads(hello)
        tenant.process = ProcessRef(said["pid"], said["started_ticks"])
        tenant.wire = await self._fabric.wire(tenant.spec, said["pid"])
        await loop.sock_sendall(channel, b"go")
        self._started.set()
        if tenant.slot.service == VIEWERS and tenant.state is State.STARTING:
            tenant.state = State.UP  # viewers register nowhere

    def _hear_zygote(self) -> None:
        try:
            data = self._zygote.recv(MESSAGE_BYTES_MAX, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except ConnectionError:
            data = b""
        if not data:
            self.stop(DemoError("the zygote died", where="supervisor", fix="run `up` again"))
            return
        said: dict[str, Any] = json.loads(data)
        if "exited" in said:
            self._died(said["exited"], said["code"], said["signal"])
        elif "failed" in said:
            fix = "install demo_platform whole"
            self.stop(DemoError(said["failed"], where="zygote", fix=fix, has_details=True))
        else:
            _log.info("zygote loaded in %.2f s", said["loaded"])

    def _died(self, instance_id: str, code: int, number: int) -> None:
        tenant = next((t for t in self._tenants.values() if t.spec.id == instance_id), None)
        if tenant is None or tenant.state is State.DEAD:
            return
        tenant.state = State.DEAD
        self._registered.discard(instance_id)
        death = Death(code, number, time.monotonic() - tenant.since_s)
        delay_s = self._crashes.delay_s_after(tenant.slot.key, death)
        level = logging.WARNING if death.is_crash else logging.INFO
        _log.log(level, "%s (%s) %s", instance_id, tenant.slot.key, death)
        self._spawn(self._replace(tenant, delay_s))

    async def _replace(self, dead: _Tenant, delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        while self._suspensions.covers(dead.place):
            await self._suspensions_changed.wait()
        keeps_address = dead.slot.service in {DISCOVERY, VIEWERS}
        if keeps_address:
            await self._fabric.unwire(dead.wire)
        successor = self._settle(dead.slot, dead.incarnation + 1)
        await self._start(successor)
        _log.info("%s replaces %s", successor.spec.id, dead.spec.id)
        if not keeps_address:
            await asyncio.sleep(LINGER_S)
            await self._fabric.unwire(dead.wire)
            self._addresses.release(dead.spec.address, dead.spec.port)

    def _wake_replacements(self) -> None:
        self._suspensions_changed.set()
        self._suspensions_changed = asyncio.Event()

    def _ask_zygote(self, message: dict[str, Any], *channels: socket.socket) -> None:
        data = json.dumps(message).encode()
        try:
            socket.send_fds(self._zygote, [data], [channel.fileno() for channel in channels])
        except ConnectionError:
            self.stop(DemoError("the zygote died", where="supervisor", fix="run `up` again"))

    def _spawn(self, coroutine: Any) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        """A task of the supervisor that fails is a bug; the world must not limp on without it."""
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _log.error("supervisor task failed", exc_info=task.exception())
            self.stop(
                DemoError(
                    f"the supervisor failed: {task.exception()!r}",
                    where="supervisor",
                    fix="report it",
                    has_details=True,
                )
            )
