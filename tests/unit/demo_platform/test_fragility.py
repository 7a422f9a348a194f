"""What each switch changes, and that it changes nothing else."""

import pytest

from demo_platform.fragility import SWITCHES, CallPolicy, call_policy, queue_wait_s, slots
from demo_platform.knobs import NAMES, Knobs
from demo_platform.service import Capacity, Dependency

NEEDED = Dependency("catalog", timeout_s=0.3)
OPTIONAL = Dependency("recs", timeout_s=0.2, is_optional=True)
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
}


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
    assert policy == FLAWED[switch, dependency.service]


@pytest.mark.parametrize(
    ("on", "expected"),
    [((), (4, 0.4)), (("no-headroom",), (2, 0.4)), (("long-timeouts",), (4, 10.0))],
)
def test_a_switch_changes_the_capacity(on: tuple[str, ...], expected: tuple[int, float]) -> None:
    knobs = knobs_with(*on)
    assert (slots(CAPACITY, knobs), queue_wait_s(CAPACITY, "play", knobs)) == expected


def test_leaves_a_capacity_alone_that_has_no_number_without_headroom() -> None:
    assert slots(Capacity(slots=8, work_s=0.1), knobs_with("no-headroom")) == 8
