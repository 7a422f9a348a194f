"""Leases: who is known, until when, and what counts as a change."""

import pytest

from demo_platform.registry import Registered, Registry


def instance(name: str, *, port: int = 1) -> Registered:
    return Registered(name, "api", "r", "a", "127.0.0.1", port, "UP")


@pytest.fixture
def registry() -> Registry:
    return Registry(lease_s=3.0)


def test_forgets_who_does_not_renew(registry: Registry) -> None:
    registry.renew(instance("i-1"), 10.0)
    registry.renew(instance("i-2"), 11.0)
    assert registry.expire(12.9) == ()
    assert registry.expire(13.0) == ("i-1",)
    assert [one.id for one in registry.instances()] == ["i-2"]


def test_keeps_who_renews(registry: Registry) -> None:
    for now in range(10, 60):
        registry.renew(instance("i-1"), float(now))
        assert registry.expire(float(now)) == ()


def test_changes_version_only_when_the_list_changes(registry: Registry) -> None:
    seen = []
    for act in (
        lambda: registry.renew(instance("i-1"), 1.0),
        lambda: registry.renew(instance("i-1"), 2.0),
        lambda: registry.renew(instance("i-1", port=2), 3.0),
        lambda: registry.cancel("i-9"),
        lambda: registry.expire(3.5),
        lambda: registry.cancel("i-1"),
    ):
        act()
        seen.append(registry.version)
    assert seen == [1, 1, 2, 2, 2, 3]


def test_gives_everybody_a_whole_lease_when_it_was_deaf(registry: Registry) -> None:
    registry.renew(instance("i-1"), 10.0)
    registry.keep_all(30.0)
    assert registry.expire(32.9) == ()
    assert registry.expire(33.0) == ("i-1",)
