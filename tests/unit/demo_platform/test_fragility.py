"""What each switch changes, and that it changes nothing else."""

import pytest

from demo_platform.evcache.read_through import CachePolicy
from demo_platform.fragility import (
    LONG_TIMEOUT_S,
    STORMING,
    SWITCHES,
    CallPolicy,
    ChoicePolicy,
    DevicePolicy,
    cache_policy,
    call_policy,
    choice_policy,
    device_policy,
    keeps_to_zone,
    needs_registry,
    queue_wait_s,
    scales_first,
    sheds_by_priority,
    slots,
    store_capacity,
    token_leeway_s,
)
from demo_platform.knobs import NAMES, Knobs
from demo_platform.service import Capacity, Dependency

NEEDED = Dependency("catalog", timeout_s=0.3)
OPTIONAL = Dependency("recs", timeout_s=0.2, is_optional=True)
ALSO_OPTIONAL = Dependency("abtest", timeout_s=0.2, is_optional=True)
CAPACITY = Capacity(slots=4, work_s=0.1, slots_without_headroom=2, queue_wait_s=0.4)

SOUND = {
    "catalog": CallPolicy(0.3, 2, True, False, True, True),
    "recs": CallPolicy(0.2, 2, True, True, True, False),
}
FLAWED = {
    ("no-fallback", "catalog"): SOUND["catalog"],
    ("no-fallback", "recs"): CallPolicy(0.2, 2, True, False, True, False),
    ("no-headroom", "catalog"): SOUND["catalog"],
    ("no-headroom", "recs"): SOUND["recs"],
    ("long-timeouts", "catalog"): CallPolicy(10.0, 2, True, False, False, True),
    ("long-timeouts", "recs"): CallPolicy(10.0, 2, True, True, False, False),
    ("retry-storm", "catalog"): CallPolicy(0.3, 3, False, False, True, True),
    ("retry-storm", "recs"): CallPolicy(0.2, 3, False, True, True, True),
    ("no-bulkhead", "catalog"): CallPolicy(0.3, 2, True, False, True, True, has_own_pool=False),
    ("no-bulkhead", "recs"): CallPolicy(0.2, 2, True, True, True, False, has_own_pool=False),
    ("no-next-server", "catalog"): CallPolicy(0.3, 1, True, False, True, True),
    ("no-next-server", "recs"): CallPolicy(0.2, 1, True, True, True, False),
    ("fallback-calls-catalog", "recs"): CallPolicy(
        0.2, 2, True, True, True, False, has_local_fallback=False
    ),
}
CHOICE = {
    "no-ejection": ChoicePolicy(leaves_alone=False, is_informed=False),
    "no-next-server": ChoicePolicy(leaves_alone=False),
}
STORE = {"no-store-limit", "small-store"}
CACHE = {
    "no-ttl-jitter": CachePolicy(jitter_ratio=0.0),
    "no-single-flight": CachePolicy(has_single_flight=False),
    "no-stale-reads": CachePolicy(serves_stale=False),
    "no-other-zone-reads": CachePolicy(reads_other_zones=False),
}


DEVICE = {"storming-devices": STORMING}


def knobs_with(*on: str) -> Knobs:
    knobs = Knobs()
    for name in on:
        knobs.set(name, True)
    return knobs


def test_describes_every_switch() -> None:
    assert tuple(SWITCHES) == NAMES


@pytest.mark.parametrize("dependency", [NEEDED, OPTIONAL], ids=["needed", "optional"])
def test_calls_soundly_when_every_switch_is_off(dependency: Dependency) -> None:
    assert call_policy(dependency, Knobs()) == SOUND[dependency.service]


@pytest.mark.parametrize("switch", NAMES)
@pytest.mark.parametrize("dependency", [NEEDED, OPTIONAL], ids=["needed", "optional"])
def test_a_switch_changes_how_a_dependency_is_called(switch: str, dependency: Dependency) -> None:
    policy = call_policy(dependency, knobs_with(switch))
    assert policy == FLAWED.get((switch, dependency.service), SOUND[dependency.service])


GROUPS = {"eager-scaling", "scale-in-during-errors"}
"""What the autoscaler heeds, tested with it."""


@pytest.mark.parametrize("switch", NAMES)
def test_a_switch_changes_how_caches_are_used(switch: str) -> None:
    assert cache_policy(knobs_with(switch)) == CACHE.get(switch, CachePolicy())
    is_of_edge = not sheds_by_priority(knobs_with(switch))
    is_of_calls = (switch, "recs") in FLAWED or switch == "fallback-calls-service"
    is_of_calls |= choice_policy(knobs_with(switch)) != ChoicePolicy()
    is_of_zones = keeps_to_zone(knobs_with(switch))
    is_of_discovery = needs_registry(knobs_with(switch))
    bound = (switch in CACHE, is_of_calls, switch in DEVICE, switch in STORE, is_of_edge)
    is_of_tokens = token_leeway_s(knobs_with(switch)) == 0
    is_of_regions = not scales_first(knobs_with(switch))
    rest = (is_of_zones, is_of_tokens, is_of_discovery, is_of_regions, switch in GROUPS)
    assert sum((*bound, *rest)) == 1


@pytest.mark.parametrize("switch", ["fallback-calls-catalog", "fallback-calls-service"])
def test_a_fallback_that_asks_somebody_is_that_of_one_service(switch: str) -> None:
    policies = [call_policy(one, knobs_with(switch)) for one in (OPTIONAL, ALSO_OPTIONAL)]
    is_local = [one.has_local_fallback for one in policies]
    assert is_local == [switch != "fallback-calls-catalog", switch != "fallback-calls-service"]


@pytest.mark.parametrize("switch", NAMES)
def test_a_switch_changes_how_instances_are_chosen(switch: str) -> None:
    assert choice_policy(knobs_with(switch)) == CHOICE.get(switch, ChoicePolicy())
    assert needs_registry(knobs_with(switch)) is (switch == "registry-required")


@pytest.mark.parametrize("switch", NAMES)
def test_a_switch_changes_how_devices_ask_again(switch: str) -> None:
    knobs = knobs_with(switch)
    knobs.turn("device-tries", 4)
    knobs.turn("device-jitter-ratio", 0.5)
    sound = DevicePolicy(tries=4, first_s=0.1, max_s=0.8, jitter_ratio=0.5)
    assert device_policy(knobs) == DEVICE.get(switch, sound)


def test_services_leave_their_zone_unless_a_switch_keeps_them_there() -> None:
    assert not keeps_to_zone(Knobs())
    assert keeps_to_zone(knobs_with("no-spill-over"))


def test_a_store_without_its_limit_lets_everybody_wait() -> None:
    assert store_capacity(Knobs()).queue_wait_s < 0.1
    assert store_capacity(knobs_with("no-store-limit")).queue_wait_s == LONG_TIMEOUT_S


def test_a_small_store_does_a_third() -> None:
    large, small = store_capacity(Knobs()), store_capacity(knobs_with("small-store"))
    assert small.slots / small.read_s == pytest.approx(large.slots / large.read_s / 3)
    assert small.queue_wait_s == large.queue_wait_s


@pytest.mark.parametrize(
    ("on", "expected"),
    [((), (4, 0.4)), (("no-headroom",), (2, 0.4)), (("long-timeouts",), (4, 10.0))],
)
def test_a_switch_changes_the_capacity(on: tuple[str, ...], expected: tuple[int, float]) -> None:
    knobs = knobs_with(*on)
    assert (slots(CAPACITY, knobs), queue_wait_s(CAPACITY, "play", knobs)) == expected


def test_leaves_a_capacity_alone_that_has_no_number_without_headroom() -> None:
    assert slots(Capacity(slots=8, work_s=0.1), knobs_with("no-headroom")) == 8
