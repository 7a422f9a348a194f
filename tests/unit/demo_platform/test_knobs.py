"""A knob turned in one process is seen by all that were forked after it was made."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import pytest

from demo_platform.dials import DIALS
from demo_platform.knobs import NAMES, Knobs


def told_by_a_child(knobs: Knobs, then: Callable[[], None]) -> str:
    """Fork, do something in the parent, and only then let the child say what it sees."""
    read_go, go = os.pipe()
    answer, write_answer = os.pipe()
    child = os.fork()
    if child == 0:
        os.read(read_go, 1)
        seen = f"{knobs.starts_per_second} {[n for n, on in knobs.switches().items() if on]}"
        os.write(write_answer, seen.encode())
        os._exit(0)
    then()
    os.write(go, b"g")
    os.waitpid(child, 0)
    said = os.read(answer, 200).decode()
    for fd in (read_go, go, answer, write_answer):
        os.close(fd)
    return said


def test_change_is_seen_across_fork() -> None:
    knobs = Knobs(starts_per_second=30.0)

    def turn() -> None:
        knobs.set("no-headroom", True)
        knobs.starts_per_second = 12.5

    assert told_by_a_child(knobs, turn) == "12.5 ['no-headroom']"


def test_all_are_off_at_first() -> None:
    assert Knobs(starts_per_second=1.0).switches() == dict.fromkeys(NAMES, False)


@pytest.mark.parametrize("name", NAMES)
def test_switches_are_apart(name: str) -> None:
    knobs = Knobs()
    knobs.set(name, True)
    assert [other for other, on in knobs.switches().items() if on] == [name]
    assert knobs.starts_per_second == 0.0
    knobs.set(name, False)
    assert not knobs.is_on(name)


def test_unknown_switch_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        Knobs().is_on("no-such-switch")


@pytest.mark.parametrize("rate", [-1.0, float("inf"), float("nan")])
def test_impossible_rate_is_refused(rate: float) -> None:
    knobs = Knobs(starts_per_second=3.0)
    with pytest.raises(ValueError, match="starts per second"):
        knobs.starts_per_second = rate
    assert knobs.starts_per_second == 3.0


def test_a_ramp_goes_evenly_from_what_is_offered() -> None:
    knobs = Knobs(starts_per_second=10.0)
    began_s = time.monotonic()
    knobs.ramp(30.0, over_s=100.0)
    assert knobs.offered_at(began_s) == pytest.approx(10.0, abs=0.1)
    assert knobs.offered_at(began_s + 50) == pytest.approx(20.0, abs=0.1)
    assert knobs.offered_at(began_s + 101) == 30.0
    knobs.starts_per_second = 5.0
    assert knobs.offered_at(began_s + 50) == 5.0


@pytest.mark.parametrize("over_s", [0.0, -1.0, float("inf"), float("nan")])
def test_impossible_ramp_is_refused(over_s: float) -> None:
    knobs = Knobs(starts_per_second=3.0)
    with pytest.raises(ValueError, match="ramp"):
        knobs.ramp(4.0, over_s=over_s)
    assert knobs.starts_per_second == 3.0


@pytest.mark.parametrize("name", DIALS)
def test_dials_are_apart_from_each_other_and_from_switches(name: str) -> None:
    knobs, dial = Knobs(starts_per_second=1.0), DIALS[name]
    knobs.turn(name, dial.highest)
    usual = {other: each.usual for other, each in DIALS.items()}
    assert knobs.dials() == usual | {name: dial.highest}
    assert (knobs.starts_per_second, any(knobs.switches().values())) == (1.0, False)
    for value in (dial.highest + 1, dial.lowest - 1, float("nan")):
        with pytest.raises(ValueError, match=name):
            knobs.turn(name, value)
    assert knobs.dial(name) == dial.highest


def test_a_region_is_sent_its_share_by_weight() -> None:
    knobs, regions = Knobs(), ("us-east-1", "us-west-2")
    assert knobs.region_share("us-east-1", regions) == 0.5
    knobs.turn("weight-us-east-1", 3.0)
    assert knobs.region_share("us-east-1", regions) == 0.75
    knobs.turn("weight-us-east-1", 0.0)
    assert [knobs.region_share(one, regions) for one in regions] == [0.0, 1.0]
    knobs.turn("weight-us-west-2", 0.0)
    assert [knobs.region_share(one, regions) for one in regions] == [0.5, 0.5]
    assert knobs.region_share("us-east-1", ["us-east-1"]) == 1.0
