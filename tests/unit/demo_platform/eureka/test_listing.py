"""A client's copy: what it takes from changes, and when it must fetch everything."""

import msgspec
import pytest

from demo_platform.eureka.listing import Listing, Registered, RegistryCopy, parse_listing
from demo_platform.eureka.registry import Moment, Registry
from demo_platform.eureka.shapes import DataCenter
from demo_platform.eureka.views import Views, encode
from tests.unit.demo_platform.eureka.instances import at, instance

REACHES_S = 4.0


class Scene:
    """A registry and a copy that follows it."""

    def __init__(self) -> None:
        self.registry = Registry()
        self.copy = RegistryCopy(REACHES_S)

    def everything(self) -> Listing:
        return parse_listing(encode(Views(self.registry, "").everything(), as_json=True))

    def changes(self, now: Moment) -> Listing:
        return parse_listing(encode(Views(self.registry, "").changes(now), as_json=True))

    def ids(self) -> list[str]:
        return sorted(one.id for one in self.copy.instances())


def test_follows_by_changes() -> None:
    scene = Scene()
    scene.registry.register(instance("i-1"), at(1))
    scene.copy.replace("a", scene.everything(), 1)
    scene.registry.register(instance("i-2"), at(2))
    scene.registry.cancel("API", "i-1", at(2))
    assert scene.copy.apply(scene.changes(at(3)), 3)
    assert scene.ids() == ["i-2"]


def test_a_missed_change_is_seen_by_the_hashcode() -> None:
    scene = Scene()
    scene.copy.replace("a", scene.everything(), 1)
    scene.registry.register(instance("i-1"), at(2))
    assert not scene.copy.apply(scene.changes(at(20)), 20)


def test_one_in_place_of_another_is_not_and_so_everything_is_fetched_after_a_silence() -> None:
    scene = Scene()
    scene.registry.register(instance("i-1"), at(1))
    scene.copy.replace("a", scene.everything(), 1)
    scene.registry.cancel("API", "i-1", at(2))
    scene.registry.register(instance("i-2"), at(2))
    assert scene.copy.hashcode() == scene.changes(at(20)).hashcode
    assert scene.changes(at(20)).heard == ()
    assert scene.copy.needs_everything("a", 20)
    assert not scene.copy.needs_everything("a", 1 + REACHES_S)


def test_another_server_is_asked_for_everything() -> None:
    scene = Scene()
    assert scene.copy.needs_everything("a", 1)
    scene.copy.replace("a", scene.everything(), 1)
    assert scene.copy.needs_everything("b", 1)


def test_a_server_that_has_begun_anew_is_asked_for_everything() -> None:
    old, new = Scene(), Scene()
    for n in range(5):
        old.registry.register(instance("i-1", dirty_ms=n), at(1))
    old.copy.replace("a", old.everything(), 1)
    assert old.copy.apply(old.changes(at(2)), 2)
    new.registry.register(instance("i-2"), at(2))
    assert not old.copy.apply(new.changes(at(2)), 2)


def test_silence_is_counted_from_the_last_answer_even_if_it_was_the_same() -> None:
    scene = Scene()
    scene.copy.replace("a", scene.everything(), 1)
    scene.copy.unchanged(100)
    assert not scene.copy.needs_everything("a", 101)


def test_callers_see_service_zone_and_address() -> None:
    scene = Scene()
    center = DataCenter("x", "Amazon", {"availability-zone": "us-east-1a"})
    one = msgspec.structs.replace(
        instance("i-1"), data_center=center, metadata={"region": "us-east-1"}
    )
    elsewhere = msgspec.structs.replace(instance("i-2"), vip=None, metadata={"zone": "z"})
    scene.registry.register(one, at(1))
    scene.registry.register(elsewhere, at(1))
    scene.copy.replace("a", scene.everything(), 1)
    assert list(scene.copy.instances()) == [
        Registered("i-1", "api", "us-east-1", "us-east-1a", "127.0.0.1", 8080, "UP"),
        Registered("i-2", "api", "", "z", "127.0.0.1", 8080, "UP"),
    ]


@pytest.mark.parametrize("body", [b"", b"{}", b'{"applications": []}', b"<applications/>"])
def test_what_is_no_listing_is_refused(body: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        parse_listing(body)
