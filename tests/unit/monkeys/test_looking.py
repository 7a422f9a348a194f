"""How often faults look, and what they make of the answers."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from monkeys.looking import (
    became_unreachable,
    is_reachable,
    is_unreachable,
    look_at_reach,
    look_at_time,
)
from monkeys.target import Instance, ProcessState, Reading

RUNNING = ProcessState.RUNNING
HERE = Instance("i-1", "api", "g", "r", "z")
THERE = Instance("i-2", "api", "g", "r", "z")


class Answers:
    """A target that gives prepared answers, a list for each instance, and notes what was asked."""

    def __init__(self, answers: Mapping[str, list[float | None]]) -> None:
        self._answers = answers
        self.asked: list[tuple[list[str], int]] = []

    def state(self, instance):
        return RUNNING

    def probe(self, instances, *, origin=None, timeout_ms=200):
        self.asked.append(([each.id for each in instances], timeout_ms))
        return {each.id: self._answers[each.id].pop(0) for each in instances}


def test_reach_repeats_for_the_missing_only_and_stops_at_three():
    target = Answers({"i-1": [None, 3.0], "i-2": [None, None, None]})
    readings = look_at_reach([HERE, THERE], target)
    assert readings == {"i-1": Reading(RUNNING, 0, 3.0), "i-2": Reading(RUNNING, 3, None)}
    assert target.asked == [(["i-1", "i-2"], 200), (["i-1", "i-2"], 200), (["i-2"], 200)]


def test_reach_asks_once_when_all_answer():
    target = Answers({"i-1": [3.0]})
    look_at_reach([HERE], target)
    assert len(target.asked) == 1


def test_time_is_the_shortest_of_three_quick_answers():
    target = Answers({"i-1": [3.0, 1.0, 2.0]})
    assert look_at_time([HERE], target, timeout_ms=900) == {"i-1": Reading(RUNNING, 0, 1.0)}


def test_time_of_slow_answers_is_asked_once():
    target = Answers({"i-1": [401.0]})
    assert look_at_time([HERE], target, timeout_ms=900) == {"i-1": Reading(RUNNING, 0, 401.0)}
    assert target.asked == [(["i-1"], 900)]


def test_time_of_no_answer_is_unknown():
    target = Answers({"i-1": [None]})
    assert look_at_time([HERE], target, timeout_ms=900) == {"i-1": Reading(RUNNING, 1, None)}


@pytest.mark.parametrize(
    ("reading", "reachable", "unreachable"),
    [
        (Reading(RUNNING, 0, 1.0), True, False),
        (Reading(RUNNING, 0, None), False, False),
        (Reading(RUNNING, 2, None), False, False),
        (Reading(RUNNING, 3, None), False, True),
        (Reading(ProcessState.GONE, 3, None), False, False),
        (None, False, False),
    ],
)
def test_three_missed_probes_of_a_living_process_are_unreachable(reading, reachable, unreachable):
    assert is_reachable(reading) is reachable
    assert is_unreachable(reading) is unreachable


def test_unreachable_needs_reachable_before():
    cut, well = Reading(RUNNING, 3, None), Reading(RUNNING, 0, 1.0)
    assert became_unreachable({"a": well, "b": cut}, {"a": cut, "b": cut}) == {
        "a": True,
        "b": False,
    }
    assert became_unreachable({"a": well}, {}) == {"a": False}
