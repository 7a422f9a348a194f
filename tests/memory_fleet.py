"""A fleet without processes: instances come up and end at once; tests see only decisions."""

from __future__ import annotations

import asyncio
import itertools
import signal
from collections.abc import Callable, Iterable

from demo_platform.document import NO_PROCESS, ProcessRef, State
from demo_platform.ec2.activities import Activities
from demo_platform.ec2.group_keeper import Estate, GroupKeeper
from demo_platform.ec2.groups import groups_of
from demo_platform.fleet import Tenant
from demo_platform.scaling import Death
from demo_platform.topology import SIZES, Addresses, Slot, slots_of, spec_of

KILLED = Death(0, 9, 60.0)


class MemoryFleet:
    """Instances as entries; `comes_up` is whether what starts also registers, `is_deaf`
    whether no discovery server answers."""

    def __init__(self) -> None:
        self.tenants: dict[str, Tenant] = {}
        self.leaving: dict[str, Tenant] = {}
        self.out_of_service: set[str] = set()
        self.parted: list[str] = []
        self.comes_up = True
        self.is_deaf = False
        self.on_death: Callable[[Tenant, Death], None] = lambda _tenant, _death: None
        self.on_up: Callable[[Tenant], None] = lambda _tenant: None
        self._addresses = Addresses()
        self._incarnations: dict[str, int] = {}
        self._pids = itertools.count(1000)

    def everybody(self) -> list[Tenant]:
        return [*self.tenants.values(), *self.leaving.values()]

    def find(self, instance_id: str) -> Tenant | None:
        return next((one for one in self.everybody() if one.spec.id == instance_id), None)

    def settle(self, slot: Slot) -> Tenant:
        incarnation = self._incarnations.get(slot.key, -1) + 1
        self._incarnations[slot.key] = incarnation
        spec = spec_of(slot, incarnation, self._addresses, seed=1)
        self.tenants[slot.key] = tenant = Tenant(slot, incarnation, spec, 0.0)
        return tenant

    async def start(self, tenant: Tenant) -> None:
        tenant.process = ProcessRef(next(self._pids), 1)
        if self.comes_up:
            tenant.state = State.UP
            self.on_up(tenant)

    async def restart(self, tenant: Tenant) -> None:
        tenant.renew()
        await self.start(tenant)

    def signal(self, tenant: Tenant, number: signal.Signals) -> None:
        if tenant.process != NO_PROCESS:
            self.on_death(tenant, Death(0, int(number), 60.0))

    def give_up_slot(self, tenant: Tenant) -> None:
        if self.tenants.get(tenant.slot.key) is tenant:
            del self.tenants[tenant.slot.key]
        if tenant.state is not State.DEAD:
            self.leaving[tenant.spec.id] = tenant

    async def make_room(self, dead: Tenant) -> None:
        del dead

    async def part_with(self, dead: Tenant) -> None:
        self.parted.append(dead.spec.id)

    async def set_in_service(
        self, tenants: Iterable[Tenant], *, is_in_service: bool
    ) -> list[Tenant]:
        if self.is_deaf:
            return list(tenants)
        for one in tenants:
            (self.out_of_service.discard if is_in_service else self.out_of_service.add)(one.spec.id)
        return []


class Scene:
    """A platform of that size whose instances are all up, in a running event loop."""

    def __init__(self, size: str = "small") -> None:
        self.fleet = MemoryFleet()
        self.now_ms = 1_700_000_000_000
        groups = groups_of(SIZES[size], now_ms=self.now_ms)
        self.estate = Estate(self.fleet, groups, Activities(lambda: self.now_ms))
        self.tasks: set[asyncio.Task[None]] = set()
        self.keeper = GroupKeeper(self.estate, spawn=self.spawn, now_ms=lambda: self.now_ms)
        self.fleet.on_death = self.keeper.died
        self.fleet.on_up = self.keeper.in_service
        for slot in slots_of(SIZES[size]):
            tenant = self.fleet.settle(slot)
            tenant.process, tenant.state = ProcessRef(1, 1), State.UP

    def spawn(self, coroutine: object) -> None:
        task = asyncio.ensure_future(coroutine)  # type: ignore[arg-type]
        self.tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self.tasks.discard(task)
        if not task.cancelled():
            task.result()

    def zones(self, group: str) -> list[str]:
        """The zones of a group's members that are up, sorted."""
        members = self.estate.members(self.estate.groups[group])
        return sorted(one.slot.zone[-1] for one in members if one.state is State.UP)

    async def until(self, claim: Callable[[], object], within_s: float = 10.0) -> None:
        """Let things happen, and see that each is followed up as the supervisor would."""
        async with asyncio.timeout(within_s):
            while not claim():
                self.keeper.reconcile()
                await asyncio.sleep(0.005)
