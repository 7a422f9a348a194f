"""Which instance is chosen."""

import random
from collections import Counter

import pytest

from demo_platform.balancer import Peer, choose
from demo_platform.registry import Registered
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
