"""What the APIs do, in the platform's own terms: instances, their states, and what may be asked."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from demo_platform.builds import (
    BUILD_LABEL,
    BUILDS,
    VERSION_LABEL,
    build_of,
    builds_of,
    image_of,
)
from demo_platform.document import NO_PROCESS, State
from demo_platform.ec2.faults import AwsFault, bad_value
from demo_platform.ec2.group_keeper import Estate, GroupKeeper
from demo_platform.ec2.groups import Group, zones_of
from demo_platform.ec2.launches import Launch, Launches
from demo_platform.ec2.policies import Policies
from demo_platform.fleet import Fate, Tenant
from demo_platform.topology import ALONE_INDEX, VIEWERS, Slot, cluster_of

LISTED_MS = 120_000
"""How long a terminated instance is listed: an hour of EC2's, by the time factor."""

TAGS_MAX = 50
GROUP_TAG = "aws:autoscaling:groupName"
SERVICE_TAG = "Name"

_INSTANCE_ID = re.compile(r"i-[0-9a-f]{8}(?:[0-9a-f]{9})?")
_IMAGE_ID = re.compile(r"ami-[0-9a-f]{8}(?:[0-9a-f]{9})?")


class Standing(NamedTuple):
    """EC2's state of an instance: code and name."""

    code: int
    name: str


PENDING = Standing(0, "pending")
RUNNING = Standing(16, "running")
SHUTTING_DOWN = Standing(32, "shutting-down")
TERMINATED = Standing(48, "terminated")
STOPPING = Standing(64, "stopping")
STOPPED = Standing(80, "stopped")


def standing_of(tenant: Tenant) -> Standing:
    """EC2's word for how a tenant is."""
    if tenant.state is State.DEAD:
        return TERMINATED
    if tenant.state is State.STOPPED:
        return STOPPED
    if tenant.is_ending and tenant.fate is Fate.STOPPED:
        return STOPPING
    if tenant.state is State.DRAINING or (tenant.is_ending and tenant.fate is not Fate.RESTARTED):
        return SHUTTING_DOWN
    is_new = tenant.process == NO_PROCESS and tenant.fate is not Fate.RESTARTED
    return PENDING if is_new else RUNNING


@dataclass(frozen=True, slots=True)
class Image:
    """What instances are started from: a build of a service."""

    service: str
    build: str

    @property
    def id(self) -> str:
        """As instances and recipes name it."""
        return image_of(self.service, self.build)

    @property
    def name(self) -> str:
        """As people read it."""
        return f"{self.service}-{self.build}" if self.build else self.service

    @property
    def labels(self) -> tuple[tuple[str, str], ...]:
        """What tells an instance to run it."""
        return ((BUILD_LABEL, self.build),) if self.build else ()


@dataclass(slots=True)
class Cloud:
    """One world's instances and groups, as its APIs see them.

    shortage: why the machine cannot bear so many more instances in these zones; empty if it can.
    """

    estate: Estate
    keeper: GroupKeeper
    regions: tuple[str, ...]
    now_ms: Callable[[], int]
    shortage: Callable[[dict[str, int]], str]
    policies: Policies = field(default_factory=Policies)
    launches: Launches = field(default_factory=Launches)
    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    images: dict[str, Image] = field(init=False)
    """By id: every build of what groups may grow and shrink."""

    def __post_init__(self) -> None:
        services = {one.service for one in self.estate.groups.values() if not one.is_fixed}
        images = [Image(one, build) for one in sorted(services) for build in builds_of(one)]
        self.images = {image.id: image for image in images}
        for region, service in itertools.product(self.regions, sorted(services)):
            self.launches.put(Launch(service, region, image_of(service), is_template=True))

    def instances(self, region: str) -> list[Tenant]:
        """Every instance of a region, also those that were terminated a short while ago."""
        since_ms = self.now_ms() - LISTED_MS
        terminated = [one for at_ms, one in self.estate.terminated if at_ms >= since_ms]
        listed = [*self.estate.fleet.everybody(), *terminated]
        unique = {one.spec.id: one for one in listed if one.slot.region == region}
        found = [one for one in unique.values() if one.slot.service != VIEWERS]
        return sorted(found, key=lambda one: (one.slot.zone, one.slot.service, one.slot.index))

    def named(self, region: str, ids: Sequence[str]) -> list[Tenant]:
        """The instances of these ids, in their order. Raises AwsFault."""
        malformed = [one for one in ids if not _INSTANCE_ID.fullmatch(one)]
        if malformed:
            raise AwsFault("InvalidInstanceID.Malformed", f'Invalid id: "{malformed[0]}"')
        known = {one.spec.id: one for one in self.instances(region)}
        unknown = [one for one in ids if one not in known]
        if unknown:
            many = len(unknown) > 1
            raise AwsFault(
                "InvalidInstanceID.NotFound",
                f"The instance ID{'s' if many else ''} '{', '.join(unknown)}' "
                f"do{'' if many else 'es'} not exist",
            )
        return [known[one] for one in ids]

    def tags_of(self, tenant: Tenant) -> dict[str, str]:
        """The tags of an instance: those it was born with, and those it was given."""
        own = {SERVICE_TAG: tenant.slot.service}
        group = self.estate.group_of(tenant)
        if group is not None:
            own |= {GROUP_TAG: group.name, **group.tags}
        return own | self.tags.get(tenant.spec.id, {})

    def tag(self, ids: Iterable[str], tags: dict[str, str]) -> None:
        """Give instances tags. Raises AwsFault for too many, and for AWS's own."""
        if any(key.lower().startswith("aws:") for key in tags):
            raise bad_value("Tag keys starting with 'aws:' are reserved for internal use")
        for one in ids:
            given = self.tags.get(one, {}) | tags
            if len(given) > TAGS_MAX:
                raise AwsFault("TagLimitExceeded", f"'{one}' may have {TAGS_MAX} tags")
            self.tags[one] = given
        known = {one.spec.id for region in self.regions for one in self.instances(region)}
        self.tags = {one: given for one, given in self.tags.items() if one in known}

    def run(
        self, region: str, image: str, *, zone: str | None, count_min: int, count_max: int
    ) -> list[Tenant]:
        """Start instances that belong to no group. Raises AwsFault, and has then started none."""
        found = self.image(image)
        service = found.service
        zones = zones_of([region])
        if zone is not None and zone not in zones:
            raise bad_value(f"Invalid availability zone: [{zone}]; there are: {', '.join(zones)}")
        target = zone or min(zones, key=lambda one: self._alone_in(service, one))
        count, weight = count_max, BUILDS[found.build].weight
        while count > count_min and self.shortage({target: count * weight}):
            count -= 1
        why = self.shortage({target: count * weight})
        if why:
            raise AwsFault("InsufficientInstanceCapacity", why, status=500)
        indices = itertools.islice(self._free_indices(service, target), count)
        slots = [Slot(service, region, target, index, found.labels) for index in indices]
        cause = "a user asked for the instance"
        return [self.keeper.launch(slot, cause=cause) for slot in slots]

    def terminate(self, tenants: Iterable[Tenant]) -> None:
        """End instances for good; groups replace theirs."""
        for one in tenants:
            if one.state is State.STOPPED:
                self.keeper.close(one, cause="a user terminated the instance")
            elif one.state not in (State.DEAD, State.DRAINING):
                is_loose = one.slot.is_alone or one.in_standby
                self.keeper.end(one, Fate.GONE if is_loose else Fate.REPLACED)

    def stop(self, tenants: Sequence[Tenant], *, is_forced: bool) -> None:
        """End the processes of instances that can be started again. Raises AwsFault."""
        _check_state(tenants, (RUNNING, STOPPING, STOPPED), "stopped")
        for one in tenants:
            if standing_of(one) == RUNNING:
                self.keeper.end(one, Fate.STOPPED, is_forced=is_forced)

    def start(self, tenants: Sequence[Tenant]) -> None:
        """Start instances that are stopped. Raises AwsFault."""
        _check_state(tenants, (STOPPED, PENDING, RUNNING), "started")
        for one in tenants:
            if standing_of(one) == STOPPED:
                one.state = State.STARTING
                self.keeper.start_again(one)

    def reboot(self, tenants: Sequence[Tenant]) -> None:
        """Give instances a new process each. Raises AwsFault."""
        _check_state(tenants, (RUNNING,), "rebooted")
        for one in tenants:
            if not one.is_ending:
                self.keeper.end(one, Fate.RESTARTED)

    def resize(self, group: Group, desired: int, *, why: str) -> None:
        """Have a group grow or shrink. Raises AwsFault when the machine cannot bear it."""
        more = desired - len(self.estate.members(group))
        if more > 0:
            each = -(-more // len(group.zones)) * BUILDS[build_of(group.labels)].weight
            missing = self.shortage(dict.fromkeys(group.zones, each))
            if missing:
                self.estate.activities.fail(
                    group.name,
                    description="Launching new EC2 instances",
                    cause=why,
                    message=missing,
                )
                raise AwsFault("LimitExceeded", missing)
        group.desired = desired
        group.cause = why
        self.keeper.reconcile()

    def image(self, id_: str) -> Image:
        """The image of that id. Raises AwsFault."""
        if id_ not in self.images:
            kind = "NotFound" if _IMAGE_ID.fullmatch(id_) else "Malformed"
            what = f"The image id '[{id_}]' does not exist"
            if kind == "Malformed":
                what = f'Invalid id: "{id_}" (expecting "ami-...")'
            raise AwsFault(f"InvalidAMIID.{kind}", f"{what}; DescribeImages lists what there is")
        return self.images[id_]

    def make_group(self, group: Group, image: Image) -> None:
        """A new group, whose instances of an image's build then come up. Raises AwsFault.

        Its labels are the image's, its version's, and those that its service has in the region.
        """
        groups = self.estate.groups
        if group.name in groups:
            raise AwsFault(
                "AlreadyExists",
                "AutoScalingGroup by this name already exists - A group with the name "
                f"{group.name} already exists",
            )
        each = -(-group.desired // len(group.zones)) * BUILDS[image.build].weight
        missing = self.shortage(dict.fromkeys(group.zones, each)) if each else ""
        if missing:
            raise AwsFault("LimitExceeded", missing)
        usual = groups[f"{group.service}-{group.region}"]
        labels = {**dict(usual.labels), **_version(group.name), **dict(image.labels)}
        group.labels = tuple(labels.items())
        groups[group.name] = group
        self.keeper.reconcile()

    def delete_group(self, group: Group, *, why: str) -> None:
        """Have a group end its instances, each out of discovery first, and then be no more."""
        group.is_deleted, group.cause = True, why
        group.size_min = group.desired = group.size_max = 0
        group.suspended.clear()
        for policy in list(self.policies.of(group.name)):
            self.policies.remove(policy)
        for one in self.estate.fleet.everybody():
            if one.slot.group == group.name:
                one.in_standby = False
        self.keeper.reconcile()

    def next_name(self, cluster: str) -> str:
        """What the next version of a cluster is called: the last one's number and one, as vNNN."""
        numbers = [int(one[-3:]) for one in self.estate.groups if one == f"{cluster}-v{one[-3:]}"]
        last = max(numbers, default=0)
        names = (f"{cluster}-v{(last + more) % 1000:03}" for more in range(1, 1001))
        return next(name for name in names if name not in self.estate.groups)

    def _alone_in(self, service: str, zone: str) -> int:
        tenants = self.estate.fleet.tenants.values()
        return sum(
            one.slot.is_alone and (one.slot.service, one.slot.zone) == (service, zone)
            for one in tenants
        )

    def _free_indices(self, service: str, zone: str) -> Iterable[int]:
        region = zone[:-1]
        tenants = self.estate.fleet.tenants
        return (
            index
            for index in itertools.count(ALONE_INDEX)
            if Slot(service, region, zone, index).key not in tenants
        )


def image_of_slot(slot: Slot) -> str:
    """The image that what fills a slot was started from."""
    return image_of(slot.service, build_of(slot.labels))


def _version(group: str) -> dict[str, str]:
    """The label that says which version of its cluster a group is."""
    cluster = cluster_of(group)
    return {VERSION_LABEL: group[len(cluster) + 1 :]} if cluster != group else {}


def _check_state(tenants: Iterable[Tenant], allowed: Sequence[Standing], what: str) -> None:
    for one in tenants:
        if standing_of(one) not in allowed:
            raise AwsFault(
                "IncorrectInstanceState",
                f"The instance '{one.spec.id}' is not in a state from which it can be {what}.",
            )
