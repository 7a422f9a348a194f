"""Bringing out another build of a service beside the one that serves, and taking it back.

Out: a new group is made, called by the next number of its cluster, and launches its instances. Then
either both serve; or, once each new instance is asked something, those that it replaces are listed
as out of service by discovery, and live on. Back: these serve again first; once they are asked, or
should have been, the new group is deleted. Who deploys has a lease, and it all goes when that ends.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Collection, Coroutine
from dataclasses import dataclass, field
from typing import Any

from demo_platform.builds import builds_of, image_of
from demo_platform.document import State
from demo_platform.ec2.autoscaler import LATE_S, Metrics
from demo_platform.ec2.changes import Lease
from demo_platform.ec2.cloud import Cloud
from demo_platform.ec2.evacuation import ASKED_BY_NODE
from demo_platform.ec2.faults import AwsFault
from demo_platform.ec2.groups import Group
from demo_platform.ec2.steps import NotSeen, Progress, until_seen
from demo_platform.errors import DemoError, unknown_name
from demo_platform.fleet import Tenant
from demo_platform.topology import cluster_of

SERVING_WITHIN_S = 30.0
BACK_WITHIN_S = 4.0
"""When clients know again who was out of service, and some; then the new group goes at any rate."""

AGAIN_S = 0.5
INSTANCES_MAX = 12
TOKENS_KEPT = 64
TOKEN_TAG = "deployment"
"""Of a deployment's group: whose it is."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Order:
    """What is wanted: so many instances of a build, beside a group.

    replaces: ids of the group's instances that are to be out of service meanwhile.
    """

    group: str
    build: str
    instances: int
    replaces: tuple[str, ...] = ()


@dataclass(slots=True)
class Deployment:
    """One deployment. group: the new one's name. disabled: ids of whom it put out of service."""

    order: Order
    lease: Lease
    group: str
    progress: Progress = Progress.RUNNING
    problem: str = ""
    disabled: list[str] = field(default_factory=list)
    task: asyncio.Task[None] | None = None
    is_ending: bool = False

    def as_dict(self) -> dict[str, Any]:
        """As the control API shows it."""
        return {
            "beside": self.order.group,
            "group": self.group,
            "build": self.order.build,
            "instances": self.order.instances,
            "state": "ending" if self.is_ending else self.progress.value,
            "problem": self.problem,
            "disabled": list(self.disabled),
        }


class Deployments:
    """A world's deployments, by token. spawn: has something done meanwhile."""

    def __init__(
        self,
        cloud: Cloud,
        metrics: Metrics,
        spawn: Callable[[Coroutine[Any, Any, None]], None],
    ) -> None:
        self._cloud = cloud
        self._metrics = metrics
        self._spawn = spawn
        self._kept: dict[str, Deployment] = {}
        self._ended: deque[str] = deque(maxlen=TOKENS_KEPT)

    def as_dict(self) -> dict[str, dict[str, Any]]:
        """Every deployment that has not been taken back, by its token."""
        return {token: one.as_dict() for token, one in self._kept.items()}

    def begin(self, order: Order, lease: Lease) -> None:
        """Have the new group made; the rest follows. Again with the same token is nothing.

        Raises DemoError for what cannot be, and has then done nothing.
        """
        if lease.token in self._kept:
            return
        where = f"group {order.group}"
        if lease.token in self._ended:
            raise DemoError("this lease has ended", where=where, fix="take another one")
        beside = self._checked(order, where)
        cluster = cluster_of(beside.name)
        group = Group(
            self._cloud.next_name(cluster),
            beside.service,
            beside.region,
            beside.zones,
            size_min=0,
            desired=order.instances,
            size_max=order.instances,
            created_ms=self._cloud.now_ms(),
            cause=f"a deployment beside {beside.name}",
            tags={TOKEN_TAG: lease.token},
        )
        image = self._cloud.image(image_of(beside.service, order.build))
        try:
            self._cloud.make_group(group, image)
        except AwsFault as fault:
            raise DemoError(fault.message, where=where, fix="ask for fewer instances") from fault
        self._kept[lease.token] = begun = Deployment(order, lease, group.name)
        _log.info("deployment %s: %s of build %r", lease.token, group.name, order.build)
        self._spawn(self._bring_out(begun))
        self._spawn(self._expire(lease))

    def take_back(self, token: str) -> None:
        """Begin to have everything as it was before; again, or of an unknown token, is nothing."""
        if token not in self._ended:
            self._ended.append(token)
        found = self._kept.get(token)
        if found is None or found.is_ending:
            return
        found.is_ending = True
        self._spawn(self._end(found))

    def _checked(self, order: Order, where: str) -> Group:
        groups = self._cloud.estate.groups
        if order.group not in groups:
            raise unknown_name("group", order.group, groups, where=where)
        beside = groups[order.group]
        known = [] if beside.is_fixed else [one for one in builds_of(beside.service) if one]
        if not known:
            raise DemoError(
                f"there is no other build of {beside.service}",
                where=where,
                fix="choose another service",
            )
        if order.build not in known:
            raise unknown_name("build", order.build, known, where=where)
        if not 1 <= order.instances <= INSTANCES_MAX:
            raise DemoError(
                f"a deployment cannot have {order.instances} instances",
                where=where,
                fix=f"from 1 to {INSTANCES_MAX}",
            )
        return beside

    async def _bring_out(self, one: Deployment) -> None:
        if one.is_ending:
            return
        one.task = asyncio.current_task()
        try:
            await until_seen(lambda: self._not_serving(one), SERVING_WITHIN_S)
            if one.order.replaces:
                await self._until_asked(lambda: self._members(one.group), SERVING_WITHIN_S)
                # Whoever was ended meanwhile, by us or by others, cannot take anybody's place.
                await until_seen(lambda: self._not_serving(one), SERVING_WITHIN_S)
                await self._disable(one)
        except NotSeen as error:
            one.progress, one.problem = Progress.FAILED, str(error)
            _log.warning("deployment %s: %s", one.lease.token, error)
        else:
            one.progress = Progress.DONE

    async def _disable(self, one: Deployment) -> None:
        """Put whom it replaces out of service, but for those who are already: that is another's."""
        found = self._offered(one.order.group, set(one.order.replaces))
        one.disabled = [tenant.spec.id for tenant in found]
        await self._cloud.estate.fleet.set_in_service(found, is_in_service=False)

    async def _end(self, one: Deployment) -> None:
        """Who was disabled serves again; then the group goes, if it is still this deployment's."""
        token = one.lease.token
        if one.task is not None:
            one.task.cancel()
            await asyncio.wait([one.task])
        await self._enable(one)
        groups = self._cloud.estate.groups
        group = groups.get(one.group)
        if group is not None and group.tags.get(TOKEN_TAG) == token:
            self._cloud.delete_group(group, why="a deployment was taken back")
            while groups.get(one.group) is group:
                await asyncio.sleep(0.1)
        del self._kept[token]
        _log.info("deployment %s: taken back", token)

    async def _enable(self, one: Deployment) -> None:
        """Put back whom it put out of service, however long discovery takes to hear of it.

        Nothing of the new group is ended before: else nobody at all would serve.
        """
        ids = set(one.disabled)
        while waiting := self._offered(one.order.group, ids):
            fleet = self._cloud.estate.fleet
            ids = {left.spec.id for left in await fleet.set_in_service(waiting, is_in_service=True)}
            if ids:
                await asyncio.sleep(AGAIN_S)
        if one.disabled:
            ids = set(one.disabled)
            try:
                await self._until_asked(lambda: self._offered(one.order.group, ids), BACK_WITHIN_S)
            except NotSeen as error:
                _log.warning("deployment %s: does not wait longer: %s", one.lease.token, error)

    async def _expire(self, lease: Lease) -> None:
        await asyncio.sleep(lease.for_s)
        self.take_back(lease.token)

    async def _not_serving(self, one: Deployment) -> str:
        """Which of the new instances are not up yet."""
        up = sum(tenant.state is State.UP for tenant in self._members(one.group))
        missing = one.order.instances - up
        return f"{missing} of {one.order.instances} instances are not up" if missing > 0 else ""

    async def _until_asked(self, tenants: Callable[[], list[Tenant]], within_s: float) -> None:
        """Wait until each of these has been asked something, as the store says. Raises NotSeen.

        Not all in the same second: who is slow is soon asked no more than now and then.
        """
        asked: set[str] = set()

        async def who_is_idle() -> str:
            end_ms = (self._cloud.now_ms() // 1000 - LATE_S) * 1000
            found = tenants()
            query = ASKED_BY_NODE.format(",".join(sorted({one.slot.group for one in found})))
            means = await self._metrics.means(query, end_ms=end_ms, steps=1)
            asked.update(id_ for id_, per_second in means.items() if per_second > 0)
            idle = sorted(one.spec.id for one in found if one.spec.id not in asked)
            return f"not asked anything yet: {', '.join(idle)}" if idle else ""

        await until_seen(who_is_idle, within_s)

    def _members(self, name: str) -> list[Tenant]:
        estate = self._cloud.estate
        return estate.members(estate.groups[name]) if name in estate.groups else []

    def _offered(self, name: str, ids: Collection[str]) -> list[Tenant]:
        """Those of a group's instances whom discovery would list as up, but for a deployment."""
        group = self._cloud.estate.groups.get(name)
        if group is None or not group.takes_traffic:
            return []
        members = [one for one in self._members(name) if one.state is State.UP]
        return [one for one in members if one.spec.id in ids]
