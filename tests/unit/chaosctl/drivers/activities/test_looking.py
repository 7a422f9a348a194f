"""Answers of probes as samples: what a step's value is, and how long an answer stands."""

from __future__ import annotations

from chaosctl.drivers.activities.activity import Activity, Surroundings
from chaosctl.drivers.activities.given import Given
from chaosctl.drivers.activities.looking import Look, Looking
from chaosctl.drivers.activities.performing import Performer


def looking(*looks: tuple[int, int, bool]) -> Looking:
    """Of one probe with a limit of 2 s, asked every second; it asks nothing by itself."""
    probe = Activity("up", False, {"type": "process", "path": "true"}, 0, True, limit_s=2.0)
    performer = Performer(Given(), Surroundings("/"))
    made = Looking((), performer, every_ms=1000, now_ms=lambda: 0)
    made._looks["up"] = [Look(*look, f"at {look[0]}") for look in looks]
    made._limits_ms["up"] = round(1000 * float(probe.limit_s))
    return made


def values(found: Looking, end_ms: int) -> dict[int, float]:
    return dict(found.fetch(["probe:up"], 0, end_ms, 1.0)["probe:up"])


def test_an_answer_belongs_to_the_step_it_came_in_and_stands_until_the_next():
    assert values(looking((1100, 1200, True), (3100, 3200, False)), 5000) == {
        2000: 1.0,
        3000: 1.0,
        4000: 0.0,
        5000: 0.0,
    }


def test_the_worst_answer_of_a_step_counts():
    looks = looking((1100, 1200, True), (1300, 1400, False), (1500, 1600, True))
    assert values(looks, 3000) == {2000: 0.0, 3000: 1.0}


def test_an_answer_that_is_too_old_is_no_data():
    assert list(values(looking((1100, 1200, True)), 12_000)) == [2000, 3000, 4000, 5000, 6000]


def test_a_new_look_has_begun_and_ended_since():
    looks = looking((1100, 1900, True))
    assert looks.has_looked_since(1100)
    assert not looks.has_looked_since(1101)


def test_the_last_trouble_is_told():
    looks = looking((1, 2, True), (3, 4, False), (5, 6, True))
    assert (looks.last_trouble("up"), looks.last_trouble("down")) == ("at 3", "")
