"""What goes over the wire: an instance with its lease, the whole registry, and parts of it.

The JSON is the original's: numbers that may be texts, ports as `{"$": 80, "@enabled": "true"}`,
empty metadata as a Java class. It is read with patience and written as the original writes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec

Wire = dict[str, Any]

MY_OWN = "com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo"
AMAZON = "com.netflix.appinfo.AmazonInfo"


class BadInstance(ValueError):
    """A registration that lacks something; the text is the original's."""


class Action(StrEnum):
    """What happened last to an instance."""

    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"


class Port(msgspec.Struct, frozen=True):
    """A port and whether it is used."""

    number: int = msgspec.field(name="$", default=0)
    is_enabled: bool = msgspec.field(name="@enabled", default=False)


class DataCenter(msgspec.Struct, frozen=True):
    """Where an instance runs. name: "MyOwn", "Amazon" or "Netflix"."""

    class_name: str = msgspec.field(name="@class", default=MY_OWN)
    name: str | None = None
    metadata: dict[str, Any] | None = None


class LeaseTerms(msgspec.Struct, frozen=True):
    """How often an instance promises to renew, and how long its lease is; 0 where it does not say.

    These are seconds as they pass: the time factor is applied by whoever chooses them.
    """

    renewal_s: int = msgspec.field(name="renewalIntervalInSecs", default=0)
    duration_s: int = msgspec.field(name="durationInSecs", default=0)


class Instance(msgspec.Struct, frozen=True, kw_only=True):
    """An instance as it registers; None where it says nothing.

    dirty_ms: when the instance last changed what it says of itself, by its own wall clock.
    """

    id: str = msgspec.field(name="instanceId", default="")
    host: str | None = msgspec.field(name="hostName", default=None)
    app: str = ""
    app_group: str | None = msgspec.field(name="appGroupName", default=None)
    address: str | None = msgspec.field(name="ipAddr", default=None)
    status: str = "UP"
    overridden: str | None = msgspec.field(name="overriddenStatus", default=None)
    overridden_as_in_xml: str | None = msgspec.field(name="overriddenstatus", default=None)
    port: Port | None = None
    secure_port: Port | None = msgspec.field(name="securePort", default=None)
    country: int = msgspec.field(name="countryId", default=1)
    data_center: DataCenter | None = msgspec.field(name="dataCenterInfo", default=None)
    lease_terms: LeaseTerms | None = msgspec.field(name="leaseInfo", default=None)
    metadata: dict[str, Any] | None = None
    home_url: str | None = msgspec.field(name="homePageUrl", default=None)
    status_url: str | None = msgspec.field(name="statusPageUrl", default=None)
    health_url: str | None = msgspec.field(name="healthCheckUrl", default=None)
    secure_health_url: str | None = msgspec.field(name="secureHealthCheckUrl", default=None)
    vip: str | None = msgspec.field(name="vipAddress", default=None)
    secure_vip: str | None = msgspec.field(name="secureVipAddress", default=None)
    group: str | None = msgspec.field(name="asgName", default=None)
    dirty_ms: int = msgspec.field(name="lastDirtyTimestamp", default=0)

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from all others: its application's name and its id."""
        return self.app, self.id


@dataclass(slots=True)
class Lease:
    """An instance's place in the registry; the server's side of it changes as time passes.

    renewed_s: a reading of the monotonic clock; the `…_ms` are wall time, for people to read.
    """

    instance: Instance
    duration_s: float
    renewed_s: float
    registered_ms: int
    renewed_ms: int
    updated_ms: int
    up_ms: int = 0
    evicted_ms: int = 0
    has_renewed: bool = False
    action: Action = Action.ADDED

    def ends_s(self) -> float:
        """When the lease ends unless it is renewed.

        The original adds the duration when it is renewed and once more when it is checked. So does
        this: whoever dies is listed for two durations, and clients must survive that.
        """
        return self.renewed_s + self.duration_s * (2 if self.has_renewed else 1)


def parse_registration(body: bytes, app: str) -> Instance:
    """The instance in the body of a registration with an application.

    Raises BadInstance when it lacks what the original insists on, msgspec.MsgspecError when it is
    not JSON or of another shape.
    """
    said = _REGISTRATIONS.decode(body).instance
    if said is None:
        raise BadInstance("Missing instance")
    return checked(said, app)


def checked(said: Instance, app: str) -> Instance:
    """The instance with its texts normalised. Raises BadInstance when it lacks something."""
    center = said.data_center
    at_amazon = str(((center and center.metadata) or {}).get("instance-id", ""))
    instance_id = said.id or at_amazon or said.host
    if not instance_id:
        raise BadInstance("Missing instanceId")
    if not said.host:
        raise BadInstance("Missing hostname")
    if not said.address:
        raise BadInstance("Missing ip address")
    if not said.app:
        raise BadInstance("Missing appName")
    if said.app.upper() != app.upper():
        raise BadInstance(f"Mismatched appName, expecting {app} but was {said.app}")
    if center is None:
        raise BadInstance("Missing dataCenterInfo")
    if center.name is None:
        raise BadInstance("Missing dataCenterInfo Name")
    return msgspec.structs.replace(
        said,
        id=instance_id,
        app=said.app.upper(),
        status=said.status.upper(),
        overridden=said.overridden or said.overridden_as_in_xml,
        overridden_as_in_xml=None,
        port=said.port or Port(7001, is_enabled=True),
        secure_port=said.secure_port or Port(7002, is_enabled=False),
        data_center=msgspec.structs.replace(center, metadata=_texts(center.metadata)),
        metadata=_texts(said.metadata),
    )


def registration_as_wire(instance: Instance) -> Wire:
    """An instance as it says itself what it is."""
    said = {
        "instanceId": instance.id,
        "hostName": instance.host,
        "app": instance.app,
        "appGroupName": instance.app_group,
        "ipAddr": instance.address,
        "status": instance.status,
        "overriddenStatus": instance.overridden or "UNKNOWN",
        "port": _port(instance.port),
        "securePort": _port(instance.secure_port),
        "countryId": instance.country,
        "dataCenterInfo": _data_center(instance.data_center),
        "leaseInfo": _lease_info(instance.lease_terms or LeaseTerms()),
        "metadata": instance.metadata or {"@class": "java.util.Collections$EmptyMap"},
        "homePageUrl": instance.home_url,
        "statusPageUrl": instance.status_url,
        "healthCheckUrl": instance.health_url,
        "secureHealthCheckUrl": instance.secure_health_url,
        "vipAddress": instance.vip,
        "secureVipAddress": instance.secure_vip,
        "lastDirtyTimestamp": str(instance.dirty_ms),
        "asgName": instance.group,
    }
    return {key: value for key, value in said.items() if value is not None}


def instance_as_wire(lease: Lease, *, own_id: str = "") -> Wire:
    """An instance as a server lists it. own_id: that of the server which says it."""
    said = registration_as_wire(lease.instance)
    said["leaseInfo"] |= {
        "registrationTimestamp": lease.registered_ms,
        "lastRenewalTimestamp": lease.renewed_ms,
        "evictionTimestamp": lease.evicted_ms,
        "serviceUpTimestamp": lease.up_ms,
    }
    said["isCoordinatingDiscoveryServer"] = _word(lease.instance.id == own_id)
    said["lastUpdatedTimestamp"] = str(lease.updated_ms)
    said["actionType"] = lease.action.value
    return said


def applications_as_wire(instances: Iterable[Wire], *, version: str, hashcode: str) -> Wire:
    """The registry, or a part of it, by application."""
    by_app: dict[str, list[Wire]] = {}
    for instance in instances:
        by_app.setdefault(instance["app"], []).append(instance)
    return {
        "versions__delta": version,
        "apps__hashcode": hashcode,
        "application": [application_as_wire(app, found) for app, found in by_app.items()],
    }


def application_as_wire(app: str, instances: list[Wire]) -> Wire:
    """One application."""
    return {"name": app, "instance": instances}


class _Registration(msgspec.Struct, frozen=True):
    instance: Instance | None = None


_REGISTRATIONS = msgspec.json.Decoder(_Registration, strict=False)


def _port(port: Port | None) -> Wire:
    number, is_enabled = (port.number, port.is_enabled) if port else (0, False)
    return {"$": number, "@enabled": _word(is_enabled)}


def _word(claim: bool) -> str:
    return "true" if claim else "false"


def _data_center(center: DataCenter | None) -> Wire | None:
    if center is None:
        return None
    metadata = {"metadata": center.metadata} if center.metadata else {}
    return {"@class": center.class_name, "name": center.name, **metadata}


def _lease_info(terms: LeaseTerms) -> Wire:
    return {"renewalIntervalInSecs": terms.renewal_s, "durationInSecs": terms.duration_s}


def _texts(metadata: Mapping[str, Any] | None) -> dict[str, str]:
    """Metadata as texts, without what the original's serialiser adds."""
    return {
        key: str(value)
        for key, value in (metadata or {}).items()
        if key != "@class" and value is not None
    }
