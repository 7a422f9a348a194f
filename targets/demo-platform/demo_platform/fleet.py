"""The fleet: has instances forked and wired, signals them, and lets go of those that are gone.

It decides nothing: who is to live where is the scaling groups' business. Every fork is the
zygote's, because this process' netlink library does not survive one.
"""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import aiohttp
import msgspec

from demo_platform import memory
from demo_platform.document import NO_PROCESS, InstanceView, ProcessRef, State
from demo_platform.fabric import NO_WIRE, Fabric, Wire
from demo_platform.registration import deregister, set_status
from demo_platform.rundir import SPANS_SOCKET
from demo_platform.scaling import Place
from demo_platform.settings import Settings
from demo_platform.topology import (
    DNS,
    EUREKA,
    VIEWERS,
    Addresses,
    InstanceSpec,
    Slot,
    spec_of,
    viewer_slots_of,
)
from demo_platform.zygote import MESSAGE_BYTES_MAX

STARTS_AT_ONCE = 6
HELLO_WITHIN_S = 15.0
LINGER_S = 10.0
"""How long a replaced instance's namespace goes on refusing connections, while its peers still
know its address; closing it at once would turn every such call into a time-out."""

FORGOTTEN_S = 2.5
"""How long clients go on knowing an instance that was taken off the lists: a read cache's period,
that of a fetch, and some haste."""

ZONE_INSTANCES_MAX = 120
"""Half of a zone's addresses: the other half may still be those of the dead."""

KEEP_ADDRESS = frozenset({DNS, EUREKA, VIEWERS})
"""Services whose instances have the address of their place."""

_log = logging.getLogger(__name__)


class Fate(StrEnum):
    """What is to become of an instance once its process has ended."""

    REPLACED = "replaced"
    GONE = "gone"
    STOPPED = "stopped"
    RESTARTED = "restarted"


@dataclass(slots=True, eq=False)
class Tenant:
    """The instance that fills a slot; it has a life, so its fields change.

    is_ending: its process has been told to end. has_failed_check: an operator said that it is
    unhealthy. in_standby: out of service, and its group does not count it. launched_ms: wall clock.
    """

    slot: Slot
    incarnation: int
    spec: InstanceSpec
    since_s: float
    process: ProcessRef = NO_PROCESS
    wire: Wire = NO_WIRE
    state: State = State.STARTING
    fate: Fate = Fate.REPLACED
    is_ending: bool = False
    has_failed_check: bool = False
    in_standby: bool = False
    launched_ms: int = field(default_factory=lambda: time.time_ns() // 1_000_000)

    @property
    def place(self) -> Place:
        """The group and zone that it counts for."""
        return self.slot.group, self.slot.zone

    def renew(self) -> None:
        """Forget the process that has ended."""
        self.process, self.wire, self.state = NO_PROCESS, NO_WIRE, State.STARTING
        self.is_ending, self.fate = False, Fate.REPLACED

    def view(self) -> InstanceView:
        """As the platform's document shows it."""
        return InstanceView(self.spec, self.process, self.wire.link, self.state)


class Fleet:
    """Every instance of a world, by slot."""

    def __init__(
        self,
        settings: Settings,
        fabric: Fabric,
        addresses: Addresses,
        zygote: socket.socket,
        *,
        on_start: Callable[[Tenant], None],
        on_loss: Callable[[], None],
    ) -> None:
        self.tenants: dict[str, Tenant] = {}
        self.leaving: dict[str, Tenant] = {}
        """By id, those whose slot has been given up while their process lives on."""
        self._settings = settings
        self._fabric = fabric
        self._addresses = addresses
        self._zygote = zygote
        self._on_start = on_start
        self._on_loss = on_loss
        self._incarnations: dict[str, int] = {}
        self._starts = asyncio.Semaphore(STARTS_AT_ONCE)

    def everybody(self) -> list[Tenant]:
        """Those that fill a slot, and those on their way out."""
        return [*self.tenants.values(), *self.leaving.values()]

    def find(self, instance_id: str) -> Tenant | None:
        """The tenant of that id."""
        return next((one for one in self.everybody() if one.spec.id == instance_id), None)

    def settle(self, slot: Slot) -> Tenant:
        """The next instance for a slot, still without a process."""
        incarnation = self._incarnations.get(slot.key, -1) + 1
        self._incarnations[slot.key] = incarnation
        settings = self._settings
        spec = spec_of(
            slot,
            incarnation,
            self._addresses,
            seed=settings.seed,
            publish_socket=settings.publish_socket,
            trace_socket=str(settings.folder.absolute() / SPANS_SOCKET),
        )
        tenant = Tenant(slot, incarnation, spec, time.monotonic())
        self.tenants[slot.key] = tenant
        return tenant

    async def start(self, tenant: Tenant) -> None:
        """Have a tenant forked and wired. One that dies on the way is replaced like any other."""
        async with self._starts:
            if tenant.state is State.DEAD:
                return  # given up while it waited for its turn
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
                    self.signal(tenant, signal.SIGKILL)

    async def restart(self, tenant: Tenant) -> None:
        """A new process for an instance whose process has ended: same id, same address."""
        await self._fabric.unwire(tenant.wire)
        tenant.renew()
        await self.start(tenant)

    def signal(self, tenant: Tenant, number: signal.Signals) -> None:
        """Send the instance's process a signal, if it has one."""
        self._ask_zygote({"kill": tenant.spec.id, "signal": int(number)})

    def give_up_slot(self, tenant: Tenant) -> None:
        """Close the tenant's slot; the tenant is on its way out while its process lives."""
        if self.tenants.get(tenant.slot.key) is tenant:
            del self.tenants[tenant.slot.key]
        if tenant.state is not State.DEAD:
            self.leaving[tenant.spec.id] = tenant

    async def make_room(self, dead: Tenant) -> None:
        """Let the successor of one that has the address of its place have that address."""
        if dead.slot.service in KEEP_ADDRESS:
            await self._fabric.unwire(dead.wire)

    async def part_with(self, dead: Tenant) -> None:
        """Let go of a dead tenant, once its peers can have noticed."""
        if dead.slot.service == VIEWERS:
            return
        await asyncio.sleep(LINGER_S)
        async with aiohttp.ClientSession() as session:
            if await deregister(session, self.servers(dead.spec.region), dead.spec):
                _log.info("%s was still listed; taken off", dead.spec.id)
                await asyncio.sleep(FORGOTTEN_S)
        if dead.slot.service not in KEEP_ADDRESS:
            await self._fabric.unwire(dead.wire)
            self._addresses.release(dead.spec.address, dead.spec.port)

    async def set_in_service(
        self, tenants: Iterable[Tenant], *, is_in_service: bool
    ) -> list[Tenant]:
        """Have discovery list instances as out of service, or as they say themselves again.

        Returns those of whom no server would hear.
        """
        chosen = list(tenants)
        async with aiohttp.ClientSession() as session:
            told = (
                set_status(
                    session,
                    self.servers(one.spec.region),
                    one.spec,
                    is_in_service=is_in_service,
                )
                for one in chosen
            )
            heard = await asyncio.gather(*told)
        return [one for one, is_heard in zip(chosen, heard, strict=True) if not is_heard]

    def servers(self, region: str = "") -> list[InstanceSpec]:
        """The discovery servers, of one region or of all."""
        tenants = [t for t in self.tenants.values() if t.slot.service == EUREKA]
        return [t.spec for t in tenants if region in {"", t.spec.region}]

    def shortage(self, more: dict[str, int]) -> str:
        """Why there cannot be so many more instances in these zones; empty when there can."""
        for zone, count in more.items():
            used = sum(one.slot.zone == zone for one in self.everybody())
            if used + count > ZONE_INSTANCES_MAX:
                return f"{zone} has {used} instances and room for {ZONE_INSTANCES_MAX}"
        pids = [one.process.pid for one in self.tenants.values() if one.state is State.UP]
        return memory.shortage(sum(more.values()), memory.pss_bytes(pids), memory.available_bytes())

    def _peers_of(self, spec: InstanceSpec) -> list[str]:
        """Addresses that an instance will speak with: its region's, and that of our probes."""
        near = {t.spec.address for t in self.tenants.values() if t.spec.region == spec.region}
        viewers = (s for s in viewer_slots_of(self._settings.size) if s.region == spec.region)
        near |= {self._addresses.of(slot)[0] for slot in viewers}
        return sorted((near - {spec.address}) | {self._fabric.probe_address})

    async def _introduce(self, tenant: Tenant, channel: socket.socket) -> None:
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
        self._on_start(tenant)

    def _ask_zygote(self, message: dict[str, Any], *channels: socket.socket) -> None:
        data = json.dumps(message).encode()
        try:
            socket.send_fds(self._zygote, [data], [channel.fileno() for channel in channels])
        except ConnectionError:
            self._on_loss()
