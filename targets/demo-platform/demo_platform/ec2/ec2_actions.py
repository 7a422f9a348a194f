"""The EC2 calls, in AWS's words. A row of ACTIONS is a call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from demo_platform.ec2.cloud import RUNNING, Cloud, Image, image_of_slot, standing_of
from demo_platform.ec2.ec2_shapes import (
    INSTANCE_TYPE,
    OWNER,
    reservation,
    state,
    status,
    zone_id,
)
from demo_platform.ec2.faults import AwsFault, bad_value
from demo_platform.ec2.groups import zones_of
from demo_platform.ec2.markup import Body
from demo_platform.ec2.query import Params, matches, page_of
from demo_platform.fleet import Tenant

PAGE_MAX = 1000
RUN_MAX = 50


@dataclass(frozen=True, slots=True)
class Call:
    """One call: for which region, with what."""

    region: str
    params: Params

    def check_dry_run(self) -> None:
        """Go no further when the caller only wanted to know whether it would work."""
        if self.params.boolean("DryRun"):
            raise AwsFault(
                "DryRunOperation",
                "Request would have succeeded, but DryRun flag is set.",
                status=412,
            )


Action = Callable[[Call, Cloud], Body]
_Row = TypeVar("_Row")
_Readers = Mapping[str, Callable[[Tenant], str | None]]

_INSTANCE_FILTERS: _Readers = {
    "instance-id": lambda one: one.spec.id,
    "instance-state-name": lambda one: standing_of(one).name,
    "instance-state-code": lambda one: str(standing_of(one).code),
    "availability-zone": lambda one: one.slot.zone,
    "private-ip-address": lambda one: one.spec.address,
    "instance-type": lambda _one: INSTANCE_TYPE,
    "image-id": lambda one: image_of_slot(one.slot),
}
_TAG_FILTERS = ("tag:*", "tag-key")


def describe_regions(call: Call, cloud: Cloud) -> Body:
    """Which regions there are."""
    names = call.params.texts("RegionName")
    for name in names:
        if name not in cloud.regions:
            raise bad_value(f"Invalid region: [{name}]; there are: {', '.join(cloud.regions)}")
    wanted = _passing(
        [one for one in cloud.regions if not names or one in names],
        call.params.filters(("region-name",)),
        {"region-name": lambda one: one},
    )
    call.check_dry_run()
    return {
        "regionInfo": [
            {
                "regionName": name,
                "regionEndpoint": f"ec2.{name}.amazonaws.com",
                "optInStatus": "opt-in-not-required",
            }
            for name in wanted
        ]
    }


def describe_availability_zones(call: Call, cloud: Cloud) -> Body:
    """Which zones the region has."""
    del cloud
    zones = zones_of([call.region])
    names = call.params.texts("ZoneName")
    for name in names:
        if name not in zones:
            raise bad_value(f"Invalid availability zone: [{name}]; there are: {', '.join(zones)}")
    readers: dict[str, Callable[[str], str | None]] = {
        "zone-name": lambda one: one,
        "zone-id": zone_id,
        "region-name": lambda _one: call.region,
        "state": lambda _one: "available",
    }
    wanted = _passing(
        [one for one in zones if not names or one in names],
        call.params.filters(tuple(readers)),
        readers,
    )
    call.check_dry_run()
    return {
        "availabilityZoneInfo": [
            {
                "zoneName": zone,
                "zoneId": zone_id(zone),
                "zoneState": "available",
                "zoneType": "availability-zone",
                "regionName": call.region,
                "groupName": call.region,
                "networkBorderGroup": call.region,
                "optInStatus": "opt-in-not-required",
                "messageSet": [],
            }
            for zone in wanted
        ]
    }


def describe_images(call: Call, cloud: Cloud) -> Body:
    """What instances can be started from: an image for each build of a service, named after it."""
    ids = call.params.texts("ImageId")
    readers: dict[str, Callable[[Image], str | None]] = {
        "name": lambda one: one.name,
        "image-id": lambda one: one.id,
        "state": lambda _one: "available",
    }
    images = _passing(cloud.images.values(), call.params.filters(tuple(readers)), readers)
    unknown = set(ids) - set(cloud.images)
    if unknown:
        raise AwsFault("InvalidAMIID.NotFound", f"The image id '[{min(unknown)}]' does not exist")
    call.check_dry_run()
    return {
        "imagesSet": [
            {
                "imageId": image.id,
                "name": image.name,
                "imageState": "available",
                "imageOwnerId": OWNER,
                "isPublic": False,
                "imageType": "machine",
                "architecture": "x86_64",
            }
            for image in images
            if not ids or image.id in ids
        ]
    }


def run_instances(call: Call, cloud: Cloud) -> Body:
    """Start instances that no group keeps."""
    params = call.params
    low = params.integer("MinCount", low=1, high=RUN_MAX)
    high = params.integer("MaxCount", low=1, high=RUN_MAX)
    if low is None or high is None:
        missing = "MinCount" if low is None else "MaxCount"
        raise AwsFault("MissingParameter", f"The request must contain the parameter {missing}")
    if low > high:
        raise bad_value(f"MinCount {low} is more than MaxCount {high}")
    tags: dict[str, str] = {}
    for specification in params.structures("TagSpecification"):
        if specification.optional("ResourceType") == "instance":
            tags |= _tags(specification)
    call.check_dry_run()
    started = cloud.run(
        call.region,
        params.text("ImageId"),
        zone=params.structure("Placement").optional("AvailabilityZone"),
        count_min=low,
        count_max=high,
    )
    cloud.tag([one.spec.id for one in started], tags)
    return reservation(cloud, started)


def describe_instances(call: Call, cloud: Cloud) -> Body:
    """The region's instances; each is a reservation of its own."""
    page, token = page_of(
        _wanted(call, cloud, _INSTANCE_FILTERS), call.params, size_name="MaxResults", size_max=1000
    )
    call.check_dry_run()
    return {
        "reservationSet": [reservation(cloud, [one]) for one in page],
        "nextToken": token,
    }


def describe_instance_status(call: Call, cloud: Cloud) -> Body:
    """How the instances are; only those that run, unless all are asked for."""
    found = _wanted(call, cloud, _INSTANCE_FILTERS)
    if not call.params.boolean("IncludeAllInstances"):
        found = [one for one in found if standing_of(one) == RUNNING]
    page, token = page_of(found, call.params, size_name="MaxResults", size_max=1000)
    call.check_dry_run()
    return {"instanceStatusSet": [status(one) for one in page], "nextToken": token}


def terminate_instances(call: Call, cloud: Cloud) -> Body:
    """End instances for good."""
    return _change(call, cloud, cloud.terminate)


def stop_instances(call: Call, cloud: Cloud) -> Body:
    """End the processes of instances that can be started again."""
    is_forced = call.params.boolean("Force")
    return _change(call, cloud, lambda tenants: cloud.stop(tenants, is_forced=is_forced))


def start_instances(call: Call, cloud: Cloud) -> Body:
    """Start what was stopped."""
    return _change(call, cloud, cloud.start)


def reboot_instances(call: Call, cloud: Cloud) -> Body:
    """Give instances a new process each."""
    tenants = cloud.named(call.region, _ids(call))
    call.check_dry_run()
    cloud.reboot(tenants)
    return {"return": True}


def create_tags(call: Call, cloud: Cloud) -> Body:
    """Tag instances."""
    tenants = cloud.named(call.region, _resources(call))
    tags = _tags(call.params)
    if not tags:
        raise AwsFault("MissingParameter", "The request must contain the parameter tagSet")
    call.check_dry_run()
    cloud.tag([one.spec.id for one in tenants], tags)
    return {"return": True}


def delete_tags(call: Call, cloud: Cloud) -> Body:
    """Take tags away: those of a key, or only where the value is the one named."""
    tenants = cloud.named(call.region, _resources(call))
    doomed = [(one.text("Key"), one.optional("Value")) for one in call.params.structures("Tag")]
    call.check_dry_run()
    for tenant in tenants:
        given = cloud.tags.get(tenant.spec.id, {})
        cloud.tags[tenant.spec.id] = {
            key: value
            for key, value in given.items()
            if doomed and not any(key == k and v in (None, value) for k, v in doomed)
        }
    return {"return": True}


def describe_tags(call: Call, cloud: Cloud) -> Body:
    """Every tag of the region's instances."""
    rows = [
        (one.spec.id, key, value)
        for one in cloud.instances(call.region)
        for key, value in cloud.tags_of(one).items()
    ]
    readers: dict[str, Callable[[tuple[str, str, str]], str | None]] = {
        "resource-id": lambda row: row[0],
        "key": lambda row: row[1],
        "value": lambda row: row[2],
        "resource-type": lambda _row: "instance",
    }
    found = _passing(rows, call.params.filters(tuple(readers)), readers)
    page, token = page_of(found, call.params, size_name="MaxResults", size_max=PAGE_MAX)
    call.check_dry_run()
    return {
        "tagSet": [
            {"resourceId": id_, "resourceType": "instance", "key": key, "value": value}
            for id_, key, value in page
        ],
        "nextToken": token,
    }


def _wanted(call: Call, cloud: Cloud, readers: _Readers) -> list[Tenant]:
    ids = call.params.texts("InstanceId")
    if ids and "MaxResults" in call.params:
        raise AwsFault(
            "InvalidParameterCombination",
            "The parameter instancesSet cannot be used with the parameter maxResults",
        )
    found = cloud.named(call.region, ids) if ids else cloud.instances(call.region)
    for name, values in call.params.filters((*readers, *_TAG_FILTERS)):
        if name.startswith("tag:"):
            key = name.removeprefix("tag:")
            found = [one for one in found if matches(cloud.tags_of(one).get(key), values)]
        elif name == "tag-key":
            found = [
                one for one in found if any(matches(key, values) for key in cloud.tags_of(one))
            ]
        else:
            found = [one for one in found if matches(readers[name](one), values)]
    return found


def _passing(
    rows: Iterable[_Row],
    filters: list[tuple[str, list[str]]],
    readers: Mapping[str, Callable[[_Row], str | None]],
) -> list[_Row]:
    return [
        row for row in rows if all(matches(readers[name](row), values) for name, values in filters)
    ]


def _change(call: Call, cloud: Cloud, change: Callable[[list[Tenant]], None]) -> Body:
    tenants = cloud.named(call.region, _ids(call))
    call.check_dry_run()
    before = [standing_of(one) for one in tenants]
    change(tenants)
    return {
        "instancesSet": [
            {
                "instanceId": one.spec.id,
                "currentState": state(standing_of(one)),
                "previousState": state(was),
            }
            for one, was in zip(tenants, before, strict=True)
        ]
    }


def _ids(call: Call) -> list[str]:
    ids = call.params.texts("InstanceId")
    if not ids:
        raise AwsFault("MissingParameter", "The request must contain the parameter InstanceId")
    return list(dict.fromkeys(ids))


def _resources(call: Call) -> list[str]:
    ids = call.params.texts("ResourceId")
    if not ids:
        raise AwsFault("MissingParameter", "The request must contain the parameter resourceIdSet")
    return ids


def _tags(params: Params) -> dict[str, str]:
    return {one.text("Key"): one.optional("Value") or "" for one in params.structures("Tag")}


ACTIONS: dict[str, Action] = {
    "CreateTags": create_tags,
    "DeleteTags": delete_tags,
    "DescribeAvailabilityZones": describe_availability_zones,
    "DescribeImages": describe_images,
    "DescribeInstanceStatus": describe_instance_status,
    "DescribeInstances": describe_instances,
    "DescribeRegions": describe_regions,
    "DescribeTags": describe_tags,
    "RebootInstances": reboot_instances,
    "RunInstances": run_instances,
    "StartInstances": start_instances,
    "StopInstances": stop_instances,
    "TerminateInstances": terminate_instances,
}
