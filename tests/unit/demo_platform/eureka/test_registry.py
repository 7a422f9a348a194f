"""Leases: who is listed, until when, how many may go at once, and who is believed."""

import random

import pytest

from demo_platform.eureka.periods import PERIODS
from demo_platform.eureka.registry import Moment, Registry, Renewed
from demo_platform.eureka.statuses import Status
from tests.unit.demo_platform.eureka.instances import at, instance


class Scene:
    """A registry whose seconds are counted by the test."""

    def __init__(self, *names: str) -> None:
        self.registry = Registry(PERIODS)
        self.now_s = 100.0
        for name in names:
            self.registry.register(instance(name), at(self.now_s))

    def pass_s(self, seconds: int, *renewing: str) -> list[str]:
        """Let seconds pass in which these renew; returns who was evicted meanwhile."""
        gone: list[str] = []
        for _ in range(seconds):
            self.now_s += 1
            for name in renewing:
                self.renew(name)
            if self.now_s % PERIODS.eviction_s == 0:
                gone += [key[1] for key in self.evict()]
        return gone

    def renew(self, name: str, dirty_ms: int = 1000, *, is_replica: bool = False) -> Renewed:
        now = at(self.now_s)
        return self.registry.renew("API", name, now, dirty_ms=dirty_ms, is_replica=is_replica)

    def evict(self, late_s: float = 0.0) -> tuple[tuple[str, str], ...]:
        return self.registry.evict(at(self.now_s), random.Random(1), late_s=late_s)

    def status(self, name: str = "i-0") -> str:
        lease = self.registry.lease("API", name)
        assert lease is not None
        return lease.instance.status


def names(count: int) -> list[str]:
    return [f"i-{n}" for n in range(count)]


def test_periods_are_the_originals_a_thirtieth() -> None:
    assert (PERIODS.renewal_s, PERIODS.lease_s, PERIODS.eviction_s) == (1.0, 3.0, 2.0)
    assert (PERIODS.window_s, PERIODS.cache_s, PERIODS.delta_s) == (2.0, 1.0, 6.0)


def test_whoever_renews_is_kept() -> None:
    scene = Scene(*names(10))
    assert scene.pass_s(60, *names(10)) == []
    assert len(scene.registry) == 10


def test_whoever_dies_after_a_renewal_is_listed_for_two_leases() -> None:
    scene = Scene(*names(20))
    scene.pass_s(2, *names(20))
    assert scene.pass_s(6, *names(20)[1:]) == []
    assert scene.pass_s(2, *names(20)[1:]) == ["i-0"]


def test_whoever_never_renews_is_listed_for_one_lease() -> None:
    scene = Scene(*names(20))
    scene.pass_s(4, *names(20))
    scene.registry.register(instance("i-new"), at(scene.now_s))
    assert scene.pass_s(3, *names(20)) == []
    assert scene.pass_s(1, *names(20)) == ["i-new"]


def test_at_most_fifteen_percent_go_at_one_pass_in_random_order() -> None:
    gone = []
    for seed in range(2):
        scene = Scene(*names(40))
        scene.now_s += 30
        for name in names(40)[:35]:  # 70 renewals in the window, 68 needed
            scene.renew(name)
            scene.renew(name)
        gone.append(scene.registry.evict(at(scene.now_s), random.Random(seed)))
        assert {key[1] for key in gone[-1]} <= set(names(40)[35:])
    scene = Scene(*names(40))
    scene.now_s += 30
    for _ in range(80):
        scene.renew("i-0")
    first, second = scene.evict(), scene.evict()
    assert len(first) == 40 - 34
    assert len(second) == 34 - 28
    assert sorted(first) != list(first)


def test_a_mass_kill_evicts_nobody_until_they_are_back_or_deregistered() -> None:
    scene = Scene(*names(30))
    scene.pass_s(4, *names(30))
    left = names(30)[10:]
    assert scene.pass_s(60, *left) == []
    assert scene.registry.is_self_preserving(at(scene.now_s))
    for name in names(30)[:10]:
        assert scene.registry.cancel("API", name, at(scene.now_s))
    assert not scene.registry.is_self_preserving(at(scene.now_s))
    assert len(scene.registry) == 20


def test_few_deaths_do_not_preserve() -> None:
    scene = Scene(*names(30))
    scene.pass_s(4, *names(30))
    assert sorted(scene.pass_s(10, *names(30)[3:])) == names(3)


def test_a_server_that_stood_still_gives_everybody_that_much_longer() -> None:
    scene = Scene(*names(10))
    scene.pass_s(2, *names(10))
    scene.now_s += 20  # stopped: nobody could renew
    for name in names(10)[1:]:
        scene.renew(name)
        scene.renew(name)
    assert scene.evict(late_s=18.0) == ()
    assert scene.evict() == (("API", "i-0"),)


def test_a_renewal_of_an_unknown_asks_for_a_registration() -> None:
    assert Scene().renew("i-9") is Renewed.UNKNOWN


@pytest.mark.parametrize(
    ("dirty_ms", "is_replica", "renewed"),
    [
        (1000, False, Renewed.YES),
        (1000, True, Renewed.YES),
        (2000, False, Renewed.UNKNOWN),
        (2000, True, Renewed.UNKNOWN),
        (500, False, Renewed.YES),
        (500, True, Renewed.OUTDATED),
    ],
)
def test_the_larger_dirty_timestamp_wins(dirty_ms: int, is_replica: bool, renewed: Renewed) -> None:
    assert Scene("i-0").renew("i-0", dirty_ms, is_replica=is_replica) is renewed


def test_an_older_registration_does_not_replace_a_newer() -> None:
    scene = Scene()
    scene.registry.register(instance("i-0", status="DOWN", dirty_ms=2000), at(1))
    scene.registry.register(instance("i-0", dirty_ms=1000), at(2))
    assert scene.status() == "DOWN"
    scene.registry.register(instance("i-0", dirty_ms=2000), at(3))
    assert scene.status() == "UP"


def test_an_override_outlives_renewals_and_registrations() -> None:
    scene = Scene("i-0")
    assert scene.registry.override("API", "i-0", Status.OUT_OF_SERVICE, at(1))
    assert scene.renew("i-0") is Renewed.YES
    scene.registry.register(instance("i-0", dirty_ms=3000), at(2))
    assert scene.status() == "OUT_OF_SERVICE"
    lease = scene.registry.lease("api", "i-0")
    assert lease is not None
    assert lease.instance.overridden == "OUT_OF_SERVICE"


def test_without_its_override_an_instance_must_say_what_it_is() -> None:
    scene = Scene("i-0")
    scene.registry.override("API", "i-0", Status.OUT_OF_SERVICE, at(1))
    assert scene.registry.clear_override("API", "i-0", Status.UNKNOWN, at(2))
    assert scene.renew("i-0") is Renewed.UNKNOWN
    scene.registry.register(instance("i-0"), at(3))
    assert scene.status() == "UP"


def test_an_instance_that_starts_is_not_up_whatever_the_operator_says() -> None:
    scene = Scene()
    scene.registry.register(instance("i-0", status="STARTING"), at(1))
    scene.registry.override("API", "i-0", Status.UP, at(2))
    scene.registry.register(instance("i-0", status="STARTING", dirty_ms=2000), at(3))
    assert scene.status() == "STARTING"


def test_nobody_is_overridden_or_described_who_is_not_there() -> None:
    registry = Registry()
    assert not registry.override("API", "i-0", Status.UP, at(1))
    assert not registry.clear_override("API", "i-0", Status.UP, at(1))
    assert not registry.describe("API", "i-0", {"k": "v"}, at(1))
    assert not registry.cancel("API", "i-0", at(1))


def test_changes_that_nobody_asks_for_do_not_pile_up() -> None:
    registry = Registry()
    for n in range(50):
        registry.register(instance(f"i-{n}"), at(n))
        registry.cancel("API", f"i-{n}", at(n))
        registry.evict(at(n), random.Random(1))
    assert len(registry.changes) == 6


def test_metadata_grows() -> None:
    scene = Scene("i-0")
    scene.registry.describe("API", "i-0", {"a": "1"}, at(1))
    scene.registry.describe("API", "i-0", {"b": "2"}, at(2))
    lease = scene.registry.lease("API", "i-0")
    assert lease is not None
    assert lease.instance.metadata == {"a": "1", "b": "2"}


def test_a_skewed_wall_clock_evicts_nobody_else() -> None:
    listed = []
    for skew_ms in (0, 600_000, -600_000):
        registry, rng = Registry(), random.Random(1)
        for name in names(20):
            registry.register(instance(name), Moment(0.0, skew_ms))
        skewed = instance("i-0", dirty_ms=1000 + max(0, 1000 + skew_ms))
        registry.register(skewed, Moment(0.5, skew_ms))
        for second in range(1, 20):
            now = Moment(float(second), second * 1000 + (skew_ms if second > 5 else 0))
            for name in names(20)[:-1]:
                registry.renew("API", name, now, dirty_ms=1000, is_replica=False)
            registry.evict(now, rng)
        listed.append([lease.instance.id for lease in registry.leases()])
    assert listed[0] == sorted(names(20)[:-1])
    assert listed[0] == listed[1] == listed[2]
