"""The supervisor: brings a world up, keeps it so, and tells what is so.

It is process 1 of the world. Its netlink library does not survive a fork, so it never forks itself
(the zygote does); and so it may use threads, sockets and an event loop.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import aiohttp

from demo_platform.document import PlatformView, ProcessRef, State
from demo_platform.ec2.activities import Activities
from demo_platform.ec2.autoscaler import Autoscaler
from demo_platform.ec2.changes import FOR_GOOD, Lease
from demo_platform.ec2.cloud import Cloud
from demo_platform.ec2.deployments import Deployments
from demo_platform.ec2.eager_scaling import EagerScaling
from demo_platform.ec2.evacuation import Evacuations
from demo_platform.ec2.group_keeper import Estate, GroupKeeper
from demo_platform.ec2.groups import groups_of
from demo_platform.ec2.listening import url_of
from demo_platform.ec2.metrics_source import StoreMetrics
from demo_platform.errors import DemoError
from demo_platform.fabric import Fabric
from demo_platform.fleet import Fleet, Tenant
from demo_platform.knobs import Knobs
from demo_platform.process import host_pid, started_ticks
from demo_platform.registration import fetch_registered
from demo_platform.scaling import Death, Place
from demo_platform.settings import Settings
from demo_platform.shared_properties import ALL
from demo_platform.topology import DNS, VIEWERS, Addresses, slots_of, viewer_slots_of
from demo_platform.zygote import MESSAGE_BYTES_MAX

POLL_STARTING_S = 0.3
POLL_STEADY_S = 2.0

_log = logging.getLogger(__name__)


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
        aws: socket.socket | None = None,
        on_ready: Callable[[int, float], None],
    ) -> None:
        self.settings = settings
        self.knobs = knobs
        self.stopping = asyncio.Event()
        self.failure: DemoError | None = None
        self._fabric = fabric
        self._fabric_reason = fabric_reason
        self._zygote = zygote
        self._keeper = keeper
        self._on_ready = on_ready
        self._began_s = time.monotonic()
        self._id = secrets.token_hex(4)
        self._itself = ProcessRef(host_pid(), started_ticks())
        self._state = "starting"
        self._registered: set[str] = set()
        self._started = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._has_names = addresses.has_names
        self._make_groups(addresses, zygote)
        self._aws_url = url_of(aws) if aws else ""

    async def run(self) -> None:
        """Bring the platform up and keep it so until `stopping` is set."""
        asyncio.get_running_loop().add_reader(self._zygote.fileno(), self._hear_zygote)
        self._spawn(self._bring_up())
        if self.settings.store_socket:
            self._spawn(self._autoscaler.run())
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
        tenants = self._fleet.everybody()
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
            suspensions=self.suspensions(),
            problems=dict(self.estate.crashes.problems()),
            aws_url=self._aws_url,
            dials=self.knobs.dials(),
            faults_api=self._fabric.faults_api,
            has_names=self._has_names,
        )

    def places(self) -> set[Place]:
        """Every (group, zone) there is."""
        slots = slots_of(self.settings.size) + viewer_slots_of(self.settings.size)
        usual = {(slot.group, slot.zone) for slot in slots}
        groups = self.estate.groups.values()
        return usual | {(group.name, zone) for group in groups for zone in group.zones}

    def suspend(self, token: str, places: set[Place]) -> None:
        """Replace nothing at these places until the token is released."""
        self.estate.suspensions.suspend(token, places)
        self.keeper.wake()

    def release(self, token: str) -> None:
        """Let the token's places be filled again."""
        self.estate.suspensions.release(token)
        self.keeper.wake()

    def registered_instances(self, name: str) -> dict[str, str] | None:
        """Addresses of the instances of a service, or the one of that id, that discovery lists.

        None when there is no such service or instance.
        """
        specs = [t.spec for t in self._fleet.everybody() if name in {t.slot.service, t.spec.id}]
        listed = (spec for spec in specs if spec.id in self._registered)
        return {s.id: f"http://{s.address}:{s.port}" for s in listed} if specs else None

    def scopes(self) -> set[str]:
        """What properties can be set for: everybody, a service, an instance."""
        specs = [t.spec for t in self._fleet.everybody()]
        return {ALL, *(spec.service for spec in specs), *(spec.id for spec in specs)}

    async def evacuate(self, region: str, *, is_back: bool, lease: Lease = FOR_GOOD) -> None:
        """Begin to evacuate a region, or to come back. Raises DemoError when that cannot work."""
        if not self.settings.store_socket:
            raise DemoError(
                "there is no store to say what each step has brought about",
                where=f"region {region}",
                fix="start the platform by `chaosctl demo up`",
            )
        begun = await self.evacuations.begin(region, is_back=is_back, lease=lease)
        if begun is None:
            return
        self._spawn(self.evacuations.run(begun))
        if lease.token:
            self._spawn(self.evacuations.expire(lease))

    def suspensions(self) -> dict[str, list[dict[str, str]]]:
        """Every token with its places."""
        return self.estate.suspensions.as_dict()

    async def _bring_up(self) -> None:
        tenants = list(self._fleet.tenants.values())
        # Whoever asks for a name before there is anybody to answer waits for a whole second.
        names = [tenant for tenant in tenants if tenant.slot.service == DNS]
        await asyncio.gather(*(self._fleet.start(tenant) for tenant in names))
        others = (self._fleet.start(tenant) for tenant in tenants if tenant not in names)
        await asyncio.gather(*others)
        timeout = aiohttp.ClientTimeout(total=2.0)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while True:
                await self._look_at_registrations(session)
                if self._state == "starting" and len(self._registered) == len(tenants):
                    await self._let_viewers_in()
                self.keeper.reconcile()
                await self._until_next_look()

    async def _until_next_look(self) -> None:
        """Wait a while, or less once an instance has been started."""
        busy = any(t.state is State.STARTING for t in self._fleet.tenants.values())
        self._started.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(POLL_STARTING_S if busy else POLL_STEADY_S):
                await self._started.wait()
        if not busy:
            await asyncio.sleep(POLL_STARTING_S)

    async def _let_viewers_in(self) -> None:
        viewers = [self._fleet.settle(slot) for slot in viewer_slots_of(self.settings.size)]
        await asyncio.gather(*(self._fleet.start(tenant) for tenant in viewers))
        self._state = "ready"
        seconds = time.monotonic() - self._began_s
        _log.info("ready: %d registered after %.1f s", len(self._registered), seconds)
        self._on_ready(len(self._registered), seconds)

    async def _look_at_registrations(self, session: aiohttp.ClientSession) -> None:
        listed = await fetch_registered(session, self._fleet.servers())
        tenants = [t for t in self._fleet.everybody() if t.slot.service != VIEWERS]
        lives = [t for t in tenants if t.state not in (State.DEAD, State.STOPPED)]
        alive = [t for t in lives if t.spec.id in listed]
        for tenant in alive:
            if tenant.state is State.STARTING:
                tenant.state = State.UP
                self.keeper.in_service(tenant)
        self._registered = {t.spec.id for t in alive}

    def _has_started(self, tenant: Tenant) -> None:
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
            self._zygote_died()
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
        tenant = self._fleet.find(instance_id)
        if tenant is None or tenant.state is State.DEAD:
            return
        self._registered.discard(instance_id)
        death = Death(code, number, time.monotonic() - tenant.since_s)
        level = logging.WARNING if death.is_crash else logging.INFO
        _log.log(level, "%s (%s) %s", instance_id, tenant.slot.key, death)
        self.keeper.died(tenant, death)

    def _make_groups(self, addresses: Addresses, zygote: socket.socket) -> None:
        """The instances, the groups that keep them, and whoever changes those."""
        settings, knobs = self.settings, self.knobs
        self._fleet = Fleet(
            settings,
            self._fabric,
            addresses,
            zygote,
            on_start=self._has_started,
            on_loss=self._zygote_died,
        )
        for slot in slots_of(settings.size):
            self._fleet.settle(slot)
        groups = groups_of(settings.size, now_ms=_now_ms())
        self.estate = Estate(self._fleet, groups, Activities(_now_ms))
        self.keeper = GroupKeeper(self.estate, spawn=self._spawn, now_ms=_now_ms)
        self.cloud = Cloud(
            self.estate, self.keeper, settings.size.regions, _now_ms, self._fleet.shortage
        )
        metrics = StoreMetrics(settings.store_socket)
        eager = EagerScaling(self.cloud, is_on=lambda: knobs.is_on("eager-scaling"))
        self._autoscaler = Autoscaler(
            self.cloud,
            metrics,
            shrinks_during_errors=lambda: knobs.is_on("scale-in-during-errors"),
            prepare=eager.follow_switch,
        )
        self.evacuations = Evacuations(self.cloud, knobs, metrics)
        self.deployments = Deployments(self.cloud, metrics, self._spawn)

    def _zygote_died(self) -> None:
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


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
