"""Whatever happens to a scaling group, its decisions keep the promises made of them."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from demo_platform.ec2.decisions import Condition, Launch, Member, Terminate, decide
from demo_platform.ec2.groups import Process

ZONES = ("r-a", "r-b", "r-c")
STEPS_MAX = 200

conditions = st.sampled_from(list(Condition))
zones_in_use = st.sets(st.sampled_from(ZONES), min_size=1).map(lambda one: tuple(sorted(one)))


@st.composite
def memberships(draw: st.DrawFn) -> list[Member]:
    places = draw(st.sets(st.tuples(st.sampled_from(ZONES), st.integers(0, 6)), max_size=12))
    return [Member(zone, index, draw(conditions)) for zone, index in sorted(places)]


def healthy(members: list[Member]) -> int:
    return sum(one.condition is Condition.HEALTHY for one in members)


def at(members: list[Member], step: Terminate) -> Member:
    (found,) = [one for one in members if (one.zone, one.index) == (step.zone, step.index)]
    return found


def after(members: list[Member], step: Launch | Terminate) -> list[Member]:
    if isinstance(step, Terminate):
        return [one for one in members if one is not at(members, step)]
    assert (step.zone, step.index) not in {(one.zone, one.index) for one in members}
    return [*members, Member(step.zone, step.index, Condition.STARTING)]


def settled(
    members: list[Member], desired: int, zones: tuple[str, ...], blocked: tuple[str, ...]
) -> list[Member]:
    """What comes of it when all that starts comes up, and what died where it can be is replaced."""
    for _ in range(STEPS_MAX):
        step = decide(members, desired=desired, zones=zones, blocked=blocked)
        if step is not None:
            if isinstance(step, Terminate):
                is_healthy = at(members, step).condition is Condition.HEALTHY
                assert not is_healthy or healthy(members) > desired
            members = after(members, step)
            continue
        up = [
            one if one.zone in blocked else Member(one.zone, one.index, Condition.HEALTHY)
            for one in members
        ]
        if up == members:
            return members
        members = up
    raise AssertionError("it never comes to rest")


@given(memberships(), st.integers(0, 15), zones_in_use)
def test_group_comes_to_rest_at_its_size_balanced_in_its_zones(
    members: list[Member], desired: int, zones: tuple[str, ...]
) -> None:
    counts = Counter(one.zone for one in settled(members, desired, zones, ()))
    assert sum(counts.values()) == desired
    assert set(counts) <= set(zones)
    assert max(counts[zone] for zone in zones) - min(counts[zone] for zone in zones) <= 1


@given(memberships(), st.integers(0, 15), zones_in_use, st.sets(st.sampled_from(ZONES)))
def test_nothing_is_launched_in_a_blocked_zone_and_the_open_ones_are_balanced(
    members: list[Member], desired: int, zones: tuple[str, ...], blocked: set[str]
) -> None:
    there = {(one.zone, one.index) for one in members if one.zone in blocked}
    rest = settled(members, desired, zones, tuple(blocked))
    assert {(one.zone, one.index) for one in rest if one.zone in blocked} <= there
    open_zones = [zone for zone in zones if zone not in blocked]
    counts = Counter(one.zone for one in rest)
    if open_zones:
        assert len(rest) == desired
        assert max(counts[one] for one in open_zones) - min(counts[one] for one in open_zones) <= 1


@given(memberships(), st.integers(0, 15), zones_in_use)
def test_no_more_healthy_ones_are_ended_than_the_size_allows(
    members: list[Member], desired: int, zones: tuple[str, ...]
) -> None:
    before = healthy(members)
    assert healthy(settled(members, desired, zones, ())) >= min(before, desired)


@given(memberships(), st.integers(0, 15), zones_in_use, st.sets(st.sampled_from(list(Process))))
def test_suspended_process_does_nothing(
    members: list[Member], desired: int, zones: tuple[str, ...], suspended: set[Process]
) -> None:
    step = decide(members, desired=desired, zones=zones, suspended=suspended)
    if Process.LAUNCH in suspended:
        assert not isinstance(step, Launch)
    if Process.TERMINATE in suspended:
        assert not isinstance(step, Terminate)
    if Process.AZ_REBALANCE in suspended:
        assert not (isinstance(step, Launch) and step.is_rebalance)


def test_group_launches_before_it_ends_when_it_rebalances() -> None:
    uneven = [Member("r-a", index, Condition.HEALTHY) for index in range(3)]
    step = decide(uneven, desired=3, zones=ZONES)
    assert step == Launch("r-b", 0, is_rebalance=True)
    more = after(uneven, step)
    assert decide(more, desired=3, zones=ZONES) is None  # until the new one serves
    up = [Member(one.zone, one.index, Condition.HEALTHY) for one in more]
    assert decide(up, desired=3, zones=ZONES) == Terminate("r-a", 2)
