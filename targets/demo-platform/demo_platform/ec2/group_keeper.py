"""Keeps the groups as they are meant to be: replaces the dead, launches, drains, rebalances."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

from demo_platform.document import State
from demo_platform.ec2.activities import Activities, Activity, Progress
from demo_platform.ec2.decisions import Condition, Launch, Member, decide
from demo_platform.ec2.groups import Group, Process
from demo_platform.fleet import FORGOTTEN_S, Fate, Tenant
from demo_platform.scaling import CrashLoops, Death, Place, Suspensions
from demo_platform.topology import Slot

GRACE_S = 1.5
"""How long a process that is told to end has before it is killed."""

KILL_TRIES = 30
TERMINATED_KEPT = 512
STEPS_MAX = 256
"""Decisions for one group at once; more means that they go in circles."""

_CONDITIONS = {State.UP: Condition.HEALTHY, State.STARTING: Condition.STARTING}

_log = logging.getLogger(__name__)


class Fleet(Protocol):
    """What a keeper of groups needs of the fleet."""

    tenants: dict[str, Tenant]
    leaving: dict[str, Tenant]

    def everybody(self) -> list[Tenant]:
        """Those that fill a slot, and those on their way out."""

    def find(self, instance_id: str) -> Tenant | None:
        """The tenant of that id."""

    def settle(self, slot: Slot) -> Tenant:
        """The next instance for a slot, still without a process."""

    async def start(self, tenant: Tenant) -> None:
        """Give a tenant its process."""

    async def restart(self, tenant: Tenant) -> None:
        """Give a tenant whose process has ended another one."""

    def signal(self, tenant: Tenant, number: signal.Signals) -> None:
        """Send the process a signal."""

    def give_up_slot(self, tenant: Tenant) -> None:
        """Close the tenant's slot."""

    async def make_room(self, dead: Tenant) -> None:
        """Let a successor have the address, where the address is the place's."""

    async def part_with(self, dead: Tenant) -> None:
        """Let go of a dead tenant."""

    async def set_in_service(
        self, tenants: Iterable[Tenant], *, is_in_service: bool
    ) -> list[Tenant]:
        """Have discovery list them, or list them as out of service; those it did not hear of."""


@dataclass(slots=True)
class Estate:
    """All that is known of a world's groups and instances. terminated: with the instant, in ms."""

    fleet: Fleet
    groups: dict[str, Group]
    activities: Activities
    suspensions: Suspensions = field(default_factory=Suspensions)
    crashes: CrashLoops = field(default_factory=CrashLoops)
    terminated: deque[tuple[int, Tenant]] = field(
        default_factory=lambda: deque(maxlen=TERMINATED_KEPT)
    )

    def group_of(self, tenant: Tenant) -> Group | None:
        """The group that the tenant belongs to."""
        return self.groups.get(tenant.slot.group)

    def members(self, group: Group) -> list[Tenant]:
        """The tenants that a group counts."""
        return [
            one
            for one in self.fleet.tenants.values()
            if one.slot.group == group.name and not one.in_standby
        ]


class GroupKeeper:
    """Carries out what the groups decide."""

    def __init__(
        self,
        estate: Estate,
        *,
        spawn: Callable[[Coroutine[Any, Any, None]], None],
        now_ms: Callable[[], int],
    ) -> None:
        self._estate = estate
        self._fleet = estate.fleet
        self._spawn = spawn
        self._now_ms = now_ms
        self._changed = asyncio.Event()

    def wake(self) -> None:
        """Something that holds replacements back has changed."""
        self._changed.set()
        self._changed = asyncio.Event()
        self.reconcile()

    def died(self, tenant: Tenant, death: Death) -> None:
        """A tenant's process has ended."""
        was_told_to = tenant.is_ending
        tenant.is_ending = False
        if tenant.fate is Fate.STOPPED:
            tenant.state = State.STOPPED
            if self._is_replaceable(tenant):
                self._spawn(self._replace(tenant, 0.0, "was stopped"))
            return
        if tenant.fate is Fate.RESTARTED:
            self._spawn(self._fleet.restart(tenant))
            return
        tenant.state = State.DEAD
        delay_s = self._estate.crashes.delay_s_after(tenant.slot.key, death)
        if tenant.fate is Fate.GONE or tenant.in_standby or tenant.slot.is_alone:
            self._let_go(tenant)
            return
        why = "was terminated" if was_told_to else "has ended"
        self._note_terminated(tenant)
        self._spawn(self._replace(tenant, delay_s, why))

    def in_service(self, tenant: Tenant) -> None:
        """A tenant has registered."""
        self._estate.crashes.forget(tenant.slot.key)
        self._estate.activities.end(tenant.spec.id, Progress.SUCCESSFUL)
        group = self._estate.group_of(tenant)
        is_held = group and (
            not group.takes_traffic or group.is_suspended(Process.ADD_TO_LOAD_BALANCER)
        )
        if is_held:
            self.serve([tenant], is_in_service=False)

    def launch(self, slot: Slot, *, cause: str) -> Tenant:
        """Start an instance in a slot that is free."""
        tenant = self._fleet.settle(slot)
        self._note_launch(tenant, cause)
        self._spawn(self._fleet.start(tenant))
        return tenant

    def reconcile(self) -> None:
        """Take every step that can be taken now."""
        for group in list(self._estate.groups.values()):
            for _ in range(STEPS_MAX):
                if not self._step(group):
                    break
            else:
                raise AssertionError(f"{group.name}: decisions go in circles")
            if group.is_deleted and not self._has_instances(group):
                del self._estate.groups[group.name]

    def close(self, tenant: Tenant, *, cause: str) -> None:
        """Take a tenant out of service, end it and give its slot up."""
        self._fleet.give_up_slot(tenant)
        if tenant.state in (State.DEAD, State.STOPPED):
            self._let_go(tenant)
            return
        self._note_termination(tenant, cause).progress = Progress.DRAINING
        tenant.state, tenant.fate = State.DRAINING, Fate.GONE
        self._spawn(self._drain(tenant))

    def end(self, tenant: Tenant, fate: Fate, *, is_forced: bool = False) -> None:
        """Have the process ended, without draining; the fate says what follows."""
        tenant.fate, tenant.is_ending = fate, True
        self._spawn(self._end(tenant, is_forced=is_forced))

    def start_again(self, tenant: Tenant) -> None:
        """Start a stopped tenant."""
        self._spawn(self._fleet.restart(tenant))

    def serve(self, tenants: list[Tenant], *, is_in_service: bool) -> None:
        """Have discovery list tenants, or list them as out of service."""

        async def tell() -> None:
            await self._fleet.set_in_service(tenants, is_in_service=is_in_service)

        self._spawn(tell())

    def _step(self, group: Group) -> bool:
        """Take one step; False when there is none."""
        suspensions = self._estate.suspensions
        step = decide(
            [
                Member(one.slot.zone, one.slot.index, _CONDITIONS.get(one.state, Condition.DEAD))
                for one in self._estate.members(group)
            ],
            desired=group.desired,
            zones=group.zones,
            blocked=[zone for zone in group.zones if suspensions.covers((group.name, zone))],
            suspended=group.suspended,
        )
        if step is None:
            return False
        slot = group.slot(step.zone, step.index)
        if isinstance(step, Launch):
            while slot.key in self._fleet.tenants:  # one in standby has it
                slot = group.slot(slot.zone, slot.index + 1)
            self.launch(slot, cause="zones are rebalanced" if step.is_rebalance else group.cause)
        else:
            self.close(self._fleet.tenants[slot.key], cause=group.cause)
        return True

    def _has_instances(self, group: Group) -> bool:
        """Whether anybody of the group lives, on the way out too."""
        tenants = [one for one in self._fleet.everybody() if one.slot.group == group.name]
        return any(one.state is not State.DEAD for one in tenants)

    def _is_replaceable(self, tenant: Tenant) -> bool:
        return not (tenant.in_standby or tenant.slot.is_alone)

    def _is_held(self, place: Place) -> bool:
        group = self._estate.groups.get(place[0])
        holding = (Process.LAUNCH, Process.REPLACE_UNHEALTHY, Process.HEALTH_CHECK)
        return self._estate.suspensions.covers(place) or (
            group is not None and group.is_suspended(*holding)
        )

    async def _replace(self, dead: Tenant, delay_s: float, why: str) -> None:
        """Fill the slot again, once that is allowed; unless it was given up, or started again."""
        await asyncio.sleep(delay_s)
        while self._is_held(dead.place):
            await self._changed.wait()
        if self._fleet.tenants.get(dead.slot.key) is not dead:
            return
        if dead.state is State.STOPPED:
            dead.state = State.DEAD
            self._note_terminated(dead)
        if dead.state is not State.DEAD:
            return
        await self._fleet.make_room(dead)
        successor = self._fleet.settle(dead.slot)
        self._note_launch(successor, f"instance {dead.spec.id} {why} and is replaced")
        await self._fleet.start(successor)
        _log.info("%s replaces %s", successor.spec.id, dead.spec.id)
        await self._fleet.part_with(dead)

    async def _drain(self, tenant: Tenant) -> None:
        """Deregister first, so that nobody who asks is turned away; then end the process."""
        await self._fleet.set_in_service([tenant], is_in_service=False)
        await asyncio.sleep(FORGOTTEN_S)
        await self._end(tenant, is_forced=False)

    async def _end(self, tenant: Tenant, *, is_forced: bool) -> None:
        process = tenant.process
        if not is_forced:
            self._fleet.signal(tenant, signal.SIGTERM)
            await asyncio.sleep(GRACE_S)
        for _ in range(KILL_TRIES):
            is_over = tenant.state in (State.DEAD, State.STOPPED)
            if is_over or (tenant.process != process and process.pid):
                return
            self._fleet.signal(tenant, signal.SIGKILL)
            process = tenant.process
            await asyncio.sleep(GRACE_S)

    def _let_go(self, tenant: Tenant) -> None:
        """The tenant is dead and its slot is nobody's."""
        tenant.state = State.DEAD
        self._fleet.give_up_slot(tenant)
        self._fleet.leaving.pop(tenant.spec.id, None)
        self._note_terminated(tenant)
        self._spawn(self._fleet.part_with(tenant))

    def _note_terminated(self, tenant: Tenant) -> None:
        self._estate.activities.end(tenant.spec.id, Progress.SUCCESSFUL)
        terminated = self._estate.terminated
        if not any(one is tenant for _, one in terminated):
            terminated.append((self._now_ms(), tenant))

    def _note_launch(self, tenant: Tenant, cause: str) -> None:
        self._begin(tenant, f"Launching a new EC2 instance: {tenant.spec.id}", cause)

    def _note_termination(self, tenant: Tenant, cause: str) -> Activity:
        return self._begin(tenant, f"Terminating EC2 instance: {tenant.spec.id}", cause)

    def _begin(self, tenant: Tenant, description: str, cause: str) -> Activity:
        activities = self._estate.activities
        activities.end(tenant.spec.id, Progress.SUCCESSFUL)
        return activities.begin(
            tenant.slot.group,
            zone=tenant.slot.zone,
            instance_id=tenant.spec.id,
            description=description,
            cause=cause,
        )
