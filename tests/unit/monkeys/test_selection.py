"""Who is hit, who is spared and why."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monkeys.selection import Ceiling, is_where_key, matches, select, where_keys
from monkeys.target import Instance


def one(id_, service="api", zone="a", **labels):
    return Instance(id_, service, f"{service}-r", "r", zone, labels=labels)


FLEET = [
    one("i-1", "api", "a"),
    one("i-2", "api", "b"),
    one("i-3", "api", "c", tier="gold"),
    one("i-4", "edge", "a"),
    one("i-5", "edge", "b", chaos="off"),
    one("i-6", "edge", "c"),
]


def chosen(seed=1, **rules):
    return [each.id for each in select(FLEET, rng=random.Random(seed), **rules).chosen]


def reasons(seed=1, **rules):
    left = select(FLEET, rng=random.Random(seed), **rules).left_out
    return {each.instance.id: each.reason for each in left}


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ({"where": {"zone": ["a"]}}, ["i-1", "i-4"]),
        ({"where": {"zone": ["a", "b"], "service": ["api"]}}, ["i-1", "i-2"]),
        ({"where": {"id": ["i-6"]}}, ["i-6"]),
        ({"where": {"group": ["edge-r"]}}, ["i-4", "i-6"]),
        ({"where": {"region": ["r"]}, "exclude": {"service": ["edge"]}}, ["i-1", "i-2", "i-3"]),
        ({"where": {"label.tier": ["gold"]}}, ["i-3"]),
        ({"where": {"zone": ["a"]}, "exclude": {"zone": ["a"]}}, []),
        ({"where": {"zone": ["nowhere"]}}, []),
        ({"exclude": {"zone": ["a"], "service": ["api"]}}, ["i-6"]),
        ({}, ["i-1", "i-4", "i-2", "i-3", "i-6"]),
    ],
)
def test_select_takes_what_matches_and_is_not_excluded(rules, expected):
    assert chosen(**rules) == expected


@pytest.mark.parametrize(
    ("how", "size"),
    [
        ({"take_all": False, "count": 1}, 1),
        ({"take_all": False, "count": 3}, 3),
        ({"take_all": False, "count": 99}, 5),
        ({"take_all": False, "ratio": 0.5}, 2),  # of five eligible, rounded down
        ({"take_all": False, "ratio": 0.01}, 1),  # at least one
        ({"take_all": False, "ratio": 1.0}, 5),
    ],
)
def test_select_takes_as_many_as_asked(how, size):
    assert len(chosen(**how)) == size


def test_select_of_nothing_is_nothing_even_at_least_one():
    where = {"zone": ["nowhere"]}
    assert chosen(where=where, take_all=False, ratio=0.5) == []


def test_select_rounds_a_ratio_as_people_do():
    fleet = [one(f"i-{number:03}") for number in range(100)]
    picked = select(fleet, rng=random.Random(1), take_all=False, ratio=0.29)
    assert len(picked.chosen) == 29


def test_select_says_why_somebody_is_left_out():
    assert reasons(exclude={"zone": ["a"]}) == {
        "i-1": "excluded by zone 'a'",
        "i-4": "excluded by zone 'a'",
        "i-5": "opted out by label 'chaos'",
    }
    assert set(reasons(take_all=False, count=5).values()) == {"opted out by label 'chaos'"}
    assert "not drawn: 4 of 5 asked for" in reasons(take_all=False, count=4).values()


@pytest.mark.parametrize("word", ["off", "OFF", "false", "no", "0"])
def test_select_never_takes_who_opted_out(word):
    fleet = [one("i-1", chaos=word)]
    assert not select(fleet, rng=random.Random(1)).chosen


def test_select_takes_who_wears_another_word():
    assert select([one("i-1", chaos="on")], rng=random.Random(1)).chosen


def test_limit_of_instances_spares_the_rest_and_counts_earlier_steps():
    assert len(chosen(limits=Ceiling(instances_max=2))) == 2
    assert "limit of 2 instances reached" in reasons(limits=Ceiling(instances_max=2)).values()
    assert (
        len(chosen(limits=Ceiling(instances_max=2), already_hit={"i-1"})) == 2
    )  # i-1 again, and one more
    assert "i-1" in chosen(limits=Ceiling(instances_max=1), already_hit={"i-1"})


def test_min_healthy_keeps_some_of_each_service():
    picked = chosen(limits=Ceiling(min_healthy=1))
    assert len([id_ for id_ in picked if id_ in ("i-1", "i-2", "i-3")]) == 2
    assert len([id_ for id_ in picked if id_ in ("i-4", "i-6")]) == 2  # i-5 is the healthy one
    assert "'api' must keep 1 healthy" in reasons(limits=Ceiling(min_healthy=1)).values()
    assert chosen(limits=Ceiling(min_healthy=3)) == []
    assert (
        len(
            chosen(
                limits=Ceiling(min_healthy=1),
                already_hit={"i-1", "i-2"},
                where={"service": ["api"]},
            )
        )
        == 2
    )


def test_a_count_is_filled_past_those_whom_a_limit_spares():
    for seed in range(20):
        where = {"id": ["i-1", "i-6"]}
        already = {"i-2", "i-3"}
        rules = {
            "limits": Ceiling(min_healthy=1),
            "already_hit": already,
            "take_all": False,
            "count": 1,
        }
        assert chosen(seed, where=where, **rules) == ["i-6"]


def test_unknown_keys_are_a_bug_of_the_caller():
    with pytest.raises(ValueError, match="zoen"):
        matches(FLEET[0], {"zoen": ["a"]})
    assert not is_where_key("zoen")
    assert not is_where_key("label.")
    assert all(is_where_key(key) for key in where_keys())


fleets = st.lists(
    st.builds(
        lambda number, service, zone, opted: one(
            f"i-{number}", service, zone, **({"chaos": "off"} if opted else {})
        ),
        st.integers(0, 10**6),
        st.sampled_from(["api", "edge", "recs"]),
        st.sampled_from(["a", "b", "c"]),
        st.booleans(),
    ),
    unique_by=lambda each: each.id,
    max_size=25,
)


@given(
    fleet=fleets,
    seed=st.integers(0, 99),
    zone=st.sampled_from(["a", "b"]),
    count=st.integers(0, 5),
    instances_max=st.integers(0, 6),
    min_healthy=st.integers(0, 3),
    shuffled=st.randoms(),
)
def test_select_keeps_every_promise(fleet, seed, zone, count, instances_max, min_healthy, shuffled):
    def pick(instances):
        return select(
            instances,
            rng=random.Random(seed),
            where={"zone": ["a", "b"]},
            exclude={"zone": [zone]},
            count=count,
            take_all=count == 0,
            limits=Ceiling(instances_max=instances_max, min_healthy=min_healthy),
        )

    picked = pick(fleet)
    ids = [each.id for each in picked.chosen]
    left = [each.instance.id for each in picked.left_out]
    assert sorted(ids + left) == sorted(each.id for each in fleet if each.zone in "ab")
    assert all(each.zone != zone and "chaos" not in each.labels for each in picked.chosen)
    assert all(each.reason for each in picked.left_out)
    assert not count or len(ids) <= count
    assert not instances_max or len(ids) <= instances_max
    for service in {each.service for each in picked.chosen} if min_healthy else ():
        unhurt = [e for e in fleet if e.service == service and e.id not in ids]
        assert len(unhurt) >= min_healthy
    again = list(fleet)
    shuffled.shuffle(again)
    assert pick(again) == picked


def test_per_zone_takes_so_many_of_each_zone():
    assert sorted(chosen(per_zone=1, take_all=False)) != []
    picked = select(FLEET, rng=random.Random(1), per_zone=1, take_all=False).chosen
    assert sorted(each.zone for each in picked) == ["a", "b", "c"]
    assert "not drawn: 1 per zone asked for" in reasons(per_zone=1, take_all=False).values()


def test_a_limit_per_zone_counts_those_hit_before():
    limits = Ceiling(per_zone_max=1)
    assert len(chosen(limits=limits)) == 3
    assert chosen(limits=limits, already_hit={"i-1"}, where={"zone": ["a"]}) == ["i-1"]
    left = reasons(limits=limits, already_hit={"i-1"}, where={"zone": ["a"]})
    assert left == {"i-4": "limit of 1 in zone 'a' reached"}


def test_own_limits_count_this_choice_alone_but_health_counts_everybody():
    own = Ceiling(instances_max=1)
    assert len(chosen(own_limits=own, already_hit={"i-1", "i-4"})) == 1
    healthy = Ceiling(min_healthy=2)
    spared = chosen(own_limits=healthy, already_hit={"i-1"}, where={"service": ["api"]})
    assert spared == ["i-1"]


def test_who_is_not_available_is_never_chosen_and_not_counted_for_the_share():
    busy = {"i-1": "busy", "i-2": "busy"}
    assert chosen(unavailable=busy, where={"service": ["api"]}) == ["i-3"]
    assert reasons(unavailable=busy)["i-1"] == "busy"
    assert reasons(unavailable={"i-5": "busy"})["i-5"].startswith("opted out")
