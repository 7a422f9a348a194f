"""What a server shows, in JSON and in XML, and how old it may be."""

import json
from xml.etree import ElementTree

import pytest

from demo_platform.eureka.markup import to_xml
from demo_platform.eureka.registry import Registry
from demo_platform.eureka.shapes import Wire
from demo_platform.eureka.views import Encoded, Root, Views, encode
from tests.unit.demo_platform.eureka.instances import at, instance


@pytest.fixture
def registry() -> Registry:
    found = Registry()
    found.register(instance("i-1", "API"), at(1))
    found.register(instance("i-2", "RECS", status="DOWN"), at(2))
    return found


def ids(root: Root | None) -> list[str]:
    assert root is not None
    return [one["instanceId"] for app in root[1]["application"] for one in app["instance"]]


def test_everything_has_a_hashcode_and_the_originals_version(registry: Registry) -> None:
    root = Views(registry, "").everything()
    assert ids(root) == ["i-1", "i-2"]
    assert root[1]["apps__hashcode"] == "DOWN_1_UP_1_"
    assert root[1]["versions__delta"] == "1"


def test_changes_are_told_for_a_while_and_then_no_more(registry: Registry) -> None:
    registry.cancel("API", "i-1", at(4))
    views = Views(registry, "")
    actions = [app["instance"][0]["actionType"] for app in views.changes(at(5))[1]["application"]]
    assert actions == ["ADDED", "DELETED"]
    assert ids(views.changes(at(8.5))) == ["i-1"]
    assert views.changes(at(11))[1]["application"] == []
    assert views.changes(at(11))[1]["apps__hashcode"] == "DOWN_1_"


def test_one_application_or_instance(registry: Registry) -> None:
    views = Views(registry, "i-1")
    application, instance_ = views.application("api"), views.instance("i-1", "Api")
    assert application is not None
    assert application[1]["name"] == "API"
    assert instance_ is not None
    assert instance_[1]["isCoordinatingDiscoveryServer"] == "true"
    assert views.instance("i-2") is not None
    assert views.instance("i-2", "API") is None
    assert views.instance("i-9") is None
    assert views.application("NONE") is None


def test_by_virtual_host_name(registry: Registry) -> None:
    views = Views(registry, "")
    assert ids(views.by_name("recs", is_secure=False)) == ["i-2"]
    assert ids(views.by_name("api-secure", is_secure=True)) == ["i-1"]
    assert ids(views.by_name("api-secure", is_secure=False)) == []
    found = views.by_name("recs", is_secure=False)
    assert (found[1]["versions__delta"], found[1]["apps__hashcode"]) == ("-1", "DOWN_1_")


def test_people_are_warned(registry: Registry) -> None:
    text = Views(registry, "i-1").summary(at(1), is_self_preserving=True)
    assert "instances 2 DOWN_1_UP_1_" in text
    assert "WARNING: too few renewals" in text
    assert "WARNING" not in Views(registry, "i-1").summary(at(1), is_self_preserving=False)


def test_an_answer_is_kept_for_a_period() -> None:
    made: list[str] = []

    def make() -> Root | None:
        made.append("x")
        return ("a", {"n": len(made)}) if len(made) < 3 else None

    encoded = Encoded(1.0)
    seen = [encoded.get(("a",), now_s, make, as_json=True) for now_s in (10, 10.9, 11.0, 12.5)]
    assert seen == [b'{"a":{"n":1}}', b'{"a":{"n":1}}', b'{"a":{"n":2}}', None]


def test_kept_answers_are_bounded() -> None:
    encoded = Encoded(1000.0)
    for n in range(10_000):
        encoded.get((str(n),), 1.0, lambda: ("a", {}), as_json=True)
    assert len(encoded._kept) <= 256


def test_xml_is_that_of_the_original(registry: Registry) -> None:
    root = ElementTree.fromstring(encode(Views(registry, "").everything(), as_json=False))
    assert root.tag == "applications"
    assert root.findtext("apps__hashcode") == "DOWN_1_UP_1_"
    one = root.find("application/instance")
    assert one is not None
    port, center = one.find("port"), one.find("dataCenterInfo")
    assert port is not None
    assert center is not None
    assert (port.text, port.attrib) == ("8080", {"enabled": "true"})
    assert center.attrib["class"].endswith("DefaultDataCenterInfo")
    assert one.findtext("overriddenstatus") == "UNKNOWN"


@pytest.mark.parametrize(
    "said",
    [
        {"a b": "1", "1c": "2", "": "3", "<x>": "4"},
        {"bell": "\x07 rings", "lone": "\ud800", "both": "<&>\"'"},
        {"@class": 'a"b<'},
    ],
)
def test_xml_is_well_formed_whatever_people_say(said: Wire) -> None:
    ElementTree.fromstring(to_xml("metadata", said))


def test_json_has_the_root_as_its_only_key(registry: Registry) -> None:
    assert list(json.loads(encode(Views(registry, "").everything(), as_json=True))) == [
        "applications"
    ]
