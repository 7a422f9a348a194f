"""EC2's structures, by the names that they have in its XML."""

from __future__ import annotations

from demo_platform.document import State
from demo_platform.ec2.cloud import (
    PENDING,
    RUNNING,
    TERMINATED,
    Cloud,
    Standing,
    image_of_slot,
    standing_of,
)
from demo_platform.ec2.launches import Launch
from demo_platform.ec2.markup import Body, Value, instant
from demo_platform.fleet import Tenant

OWNER = "123456789012"
INSTANCE_TYPE = "m5.large"


def state(standing: Standing) -> Body:
    """InstanceState."""
    return {"code": standing.code, "name": standing.name}


def zone_id(zone: str) -> str:
    """The id that AWS gives a zone beside its name."""
    region, letter = zone[:-1], zone[-1]
    area, direction, number = region.split("-")
    return f"{area}{direction[0]}{number}-az{'abc'.index(letter) + 1}"


def reservation(cloud: Cloud, tenants: list[Tenant]) -> Body:
    """Reservation, of at least one instance."""
    return {
        "reservationId": "r-" + tenants[0].spec.id.removeprefix("i-"),
        "ownerId": OWNER,
        "groupSet": [],
        "instancesSet": [instance(cloud, one, n) for n, one in enumerate(tenants)],
    }


def instance(cloud: Cloud, tenant: Tenant, launch_index: int) -> Body:
    """Instance."""
    spec, standing = tenant.spec, standing_of(tenant)
    host = "ip-" + spec.address.replace(".", "-") + ".ec2.internal"
    is_gone = standing == TERMINATED
    reason: Value = None
    if is_gone:
        reason = {"code": "Client.UserInitiatedShutdown", "message": "the process has ended"}
    return {
        "instanceId": spec.id,
        "imageId": image_of_slot(tenant.slot),
        "instanceState": state(standing),
        "privateDnsName": "" if is_gone else host,
        "dnsName": "",
        "reason": "",
        "amiLaunchIndex": launch_index,
        "instanceType": INSTANCE_TYPE,
        "launchTime": instant(tenant.launched_ms),
        "placement": {"availabilityZone": spec.zone, "groupName": "", "tenancy": "default"},
        "monitoring": {"state": "enabled"},
        "privateIpAddress": None if is_gone else spec.address,
        "stateReason": reason,
        "architecture": "x86_64",
        "rootDeviceType": "ebs",
        "tagSet": [{"key": key, "value": value} for key, value in cloud.tags_of(tenant).items()],
        "hypervisor": "xen",
        "virtualizationType": "hvm",
    }


def launch_template(launch: Launch) -> Body:
    """LaunchTemplate."""
    return {
        "launchTemplateId": launch.id,
        "launchTemplateName": launch.name,
        "createTime": instant(launch.created_ms),
        "createdBy": f"arn:aws:iam::{OWNER}:root",
        "defaultVersionNumber": 1,
        "latestVersionNumber": 1,
    }


def status(tenant: Tenant) -> Body:
    """InstanceStatus."""
    standing = standing_of(tenant)
    word = "not-applicable"
    if standing in (PENDING, RUNNING):
        word = "ok" if tenant.state is State.UP else "initializing"
    passed = {"ok": "passed", "initializing": "initializing"}.get(word, "insufficient-data")
    summary: Body = {"status": word, "details": [{"name": "reachability", "status": passed}]}
    return {
        "instanceId": tenant.spec.id,
        "availabilityZone": tenant.slot.zone,
        "instanceState": state(standing),
        "systemStatus": summary,
        "instanceStatus": summary,
    }
