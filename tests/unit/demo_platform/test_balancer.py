"""Which instance is chosen."""

import random
from collections import Counter

import pytest

from demo_platform.balancer import Peer, choose
from demo_platform.eureka.listing import Registered
from demo_platform.fragility import ChoicePolicy
from demo_platform.resilience.outlier_ejection import EjectionRule, OutlierEjection

NAMES = ("a1", "a2", "b1", "b2", "c1")


def peer(name: str) -> Peer:
    return Peer(Registered(name, "api", "r", name[0], "127.0.0.1", 1, "UP"))


def chosen(
    *,
    names: tuple[str, ...] = NAMES,
    own_zone: str = "a",
    tried: tuple[str, ...] = (),
    avoid: str = "",
    ejected: tuple[str, ...] = (),
    busy: dict[str, int] | None = None,
    keeps_to_zone: bool = False,
    policy: ChoicePolicy = ChoicePolicy(),
) -> set[str]:
    """All that are ever chosen in 200 draws."""
    peers = {name: peer(name) for name in names}
    ejection = OutlierEjection(EjectionRule())
    for name in ejected:
        ejection.note_unreachable(name, 0.0)
    for name, in_flight in (busy or {}).items():
        peers[name].in_flight = in_flight
    rng = random.Random(1)
    drawn = (
        choose(
            list(peers.values()),
            own_zone=own_zone,
            tried=[peers[name] for name in tried],
            avoid_zones=frozenset(avoid),
            ejection=ejection,
            now=0.5,
            rng=rng,
            keeps_to_zone=keeps_to_zone,
            policy=policy,
        )
        for _ in range(200)
    )
    return {one.id for one in drawn if one is not None}


def test_chooses_nobody_when_there_is_nobody() -> None:
    assert chosen(names=()) == set()


def test_stays_in_the_own_zone() -> None:
    assert chosen() == {"a1", "a2"}


def test_goes_anywhere_without_an_own_zone() -> None:
    assert chosen(own_zone="") == set(NAMES)


def test_leaves_out_the_ejected() -> None:
    assert chosen(ejected=("a1",)) == {"a2"}


def test_spills_over_when_the_own_zone_has_none_available() -> None:
    assert chosen(ejected=("a1", "a2")) == {"b1", "b2", "c1"}


def test_takes_anybody_when_everybody_is_ejected() -> None:
    assert chosen(ejected=NAMES) == set(NAMES)


def test_tries_another_anywhere_after_the_first() -> None:
    assert chosen(tried=("a1",)) == {"a2", "b1", "b2", "c1"}


def test_prefers_another_zone_when_one_did_not_answer() -> None:
    assert chosen(tried=("a1",), avoid="a") == {"b1", "b2", "c1"}


def test_returns_to_an_avoided_zone_when_there_is_no_other() -> None:
    assert chosen(names=("a1", "a2"), tried=("a1",), avoid="a") == {"a2"}


def test_repeats_itself_only_when_all_others_were_tried_or_are_ejected() -> None:
    assert chosen(names=("a1",), tried=("a1",)) == {"a1"}
    assert chosen(names=("a1", "b1", "c1"), tried=("a1", "b1"), ejected=("c1",)) == {"a1", "b1"}


def test_chooses_anybody_when_it_is_blind_but_not_again_who_was_tried() -> None:
    blind = ChoicePolicy(leaves_alone=False, is_informed=False)
    assert chosen(ejected=("a1",), busy={"b1": 9}, policy=blind) == set(NAMES)
    assert chosen(tried=("a1",), policy=blind) == set(NAMES) - {"a1"}
    assert chosen(names=("a1",), tried=("a1",), policy=blind) == {"a1"}
    assert chosen(names=(), policy=blind) == set()


def test_asks_the_ejected_when_nobody_is_left_alone() -> None:
    assert chosen(ejected=("a1",), policy=ChoicePolicy(leaves_alone=False)) == {"a1", "a2"}


@pytest.mark.parametrize("own_zone", ["a", ""])
def test_takes_the_less_loaded_of_two(own_zone: str) -> None:
    assert "a1" not in chosen(own_zone=own_zone, busy={"a1": 9})


def test_spreads_evenly_when_nobody_is_busy() -> None:
    ejection, rng = OutlierEjection(EjectionRule()), random.Random(1)
    peers = [peer(name) for name in ("a1", "a2", "a3", "a4")]
    drawn: Counter[str] = Counter()
    for _ in range(4000):
        one = choose(
            peers,
            own_zone="a",
            tried=(),
            avoid_zones=frozenset(),
            ejection=ejection,
            now=0.0,
            rng=rng,
        )
        assert one is not None
        drawn[one.id] += 1
    assert min(drawn.values()) > 850


def test_who_has_failed_of_late_is_chosen_less_until_that_is_forgotten() -> None:
    one, other = peer("a1"), peer("a2")
    other.in_flight = 1
    ejection = OutlierEjection(EjectionRule())

    def drawn(now: float) -> str:
        found = choose(
            [one, other],
            own_zone="a",
            tried=(),
            avoid_zones=frozenset(),
            ejection=ejection,
            now=now,
            rng=random.Random(1),
        )
        assert found is not None
        return found.id

    assert drawn(0.0) == "a1"
    for _ in range(4):
        one.note_failure(0.0)
    assert one.load(0.0) == 4.0
    assert drawn(1.0) == "a2"
    assert one.load(2.0) == 1.0
    assert drawn(3.0) == "a1"
    assert one.load(20.0) == 0.0
    for _ in range(100):
        one.note_failure(20.0)
    assert one.load(20.0) == 8.0


def test_spills_over_for_a_second_when_all_of_the_own_zone_have_refused() -> None:
    peers = [peer("a1"), peer("b1")]
    peers[0].note_failure(0.0)

    def drawn(now: float, *, keeps_to_zone: bool) -> set[str]:
        rng, ejection = random.Random(1), OutlierEjection(EjectionRule())
        found = (
            choose(
                peers,
                own_zone="a",
                tried=(),
                avoid_zones=frozenset(),
                ejection=ejection,
                now=now,
                rng=rng,
                keeps_to_zone=keeps_to_zone,
            )
            for _ in range(50)
        )
        return {one.id for one in found if one is not None}

    assert drawn(0.1, keeps_to_zone=False) == {"b1"}
    assert drawn(1.5, keeps_to_zone=False) == {"a1"}
    assert drawn(0.1, keeps_to_zone=True) == {"a1"}


def test_who_keeps_to_its_zone_calls_nobody_when_it_is_empty_and_a_device_has_none() -> None:
    assert chosen(own_zone="d", keeps_to_zone=True) == set()
    assert chosen(tried=("a1", "a2"), ejected=("a1", "a2"), keeps_to_zone=True) == {"a1", "a2"}
    assert chosen(own_zone="", keeps_to_zone=True) == set(NAMES)
