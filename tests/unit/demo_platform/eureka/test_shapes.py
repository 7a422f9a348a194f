"""What is read with patience, and what is refused, and how it is written."""

import msgspec
import pytest

from demo_platform.eureka.registry import Registry
from demo_platform.eureka.shapes import (
    BadInstance,
    applications_as_wire,
    instance_as_wire,
    parse_registration,
)
from tests.unit.demo_platform.eureka.instances import at

GOOD = {
    "instanceId": "h:api:9001",
    "hostName": "h",
    "app": "api",
    "ipAddr": "127.0.0.1",
    "status": "up",
    "overriddenstatus": "UNKNOWN",
    "port": {"$": "9001", "@enabled": "true"},
    "securePort": {"$": 443, "@enabled": False},
    "dataCenterInfo": {"@class": "x", "name": "MyOwn"},
    "leaseInfo": {"renewalIntervalInSecs": 1, "durationInSecs": 3},
    "metadata": {"@class": "java.util.Collections$EmptyMap"},
    "lastDirtyTimestamp": "1700000000000",
    "somethingNew": {"we": ["do", "not", "know"]},
}


def parsed(**changes: object) -> object:
    said = {key: value for key, value in {**GOOD, **changes}.items() if value is not None}
    return parse_registration(msgspec.json.encode({"instance": said}), "API")


def test_numbers_may_be_texts_and_empty_metadata_a_java_class() -> None:
    one = parse_registration(msgspec.json.encode({"instance": GOOD}), "Api")
    assert one.port is not None
    assert (one.app, one.status, one.port.number, one.port.is_enabled) == ("API", "UP", 9001, True)
    assert (one.dirty_ms, one.metadata, one.overridden) == (1700000000000, {}, "UNKNOWN")


def test_an_instance_without_an_id_goes_by_its_host() -> None:
    one = parse_registration(msgspec.json.encode({"instance": {**GOOD, "instanceId": ""}}), "API")
    assert one.id == "h"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"hostName": None}, "Missing hostname"),
        ({"ipAddr": None}, "Missing ip address"),
        ({"app": None}, "Missing appName"),
        ({"app": "recs"}, "Mismatched appName, expecting API but was recs"),
        ({"dataCenterInfo": None}, "Missing dataCenterInfo"),
        ({"dataCenterInfo": {"@class": "x"}}, "Missing dataCenterInfo Name"),
    ],
)
def test_what_is_missing_is_named(changes: dict[str, object], why: str) -> None:
    with pytest.raises(BadInstance, match=f"^{why}$"):
        parsed(**changes)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"instance": 3}', b"\xff"])
def test_what_is_no_registration_is_refused(body: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        parse_registration(body, "API")


def test_is_written_as_the_original_writes_it() -> None:
    registry = Registry()
    one = parse_registration(msgspec.json.encode({"instance": GOOD}), "API")
    registry.register(one, at(5.0))
    (lease,) = registry.leases()
    assert instance_as_wire(lease) == {
        "instanceId": "h:api:9001",
        "hostName": "h",
        "app": "API",
        "ipAddr": "127.0.0.1",
        "status": "UP",
        "overriddenStatus": "UNKNOWN",
        "port": {"$": 9001, "@enabled": "true"},
        "securePort": {"$": 443, "@enabled": "false"},
        "countryId": 1,
        "dataCenterInfo": {"@class": "x", "name": "MyOwn"},
        "leaseInfo": {
            "renewalIntervalInSecs": 1,
            "durationInSecs": 3,
            "registrationTimestamp": 5000,
            "lastRenewalTimestamp": 5000,
            "evictionTimestamp": 0,
            "serviceUpTimestamp": 5000,
        },
        "metadata": {"@class": "java.util.Collections$EmptyMap"},
        "isCoordinatingDiscoveryServer": "false",
        "lastUpdatedTimestamp": "5000",
        "lastDirtyTimestamp": "1700000000000",
        "actionType": "ADDED",
    }
    whole = applications_as_wire([instance_as_wire(lease)], version="1", hashcode="UP_1_")
    assert list(whole) == ["versions__delta", "apps__hashcode", "application"]
    assert whole["application"][0]["name"] == "API"
