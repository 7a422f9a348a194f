"""A bad deploy is seen by what its instances do, and removed when none of them is left."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from monkeys.errors import NotSupported
from monkeys.faults.bad_deploy import BadDeploy
from monkeys.target import Instance, Reading, Serving

USUAL = Serving(3, 3, 3, answer_ms=50.0, wrong_ratio=0.01, memory_mib=40.0)
BEFORE = {"i-1": Reading(usual=USUAL, flawed=Serving())}


def serving(count: int = 3, listed: int = 3, asked: int = 3, **seen: float) -> Serving:
    like_usual = {"answer_ms": 50.0, "wrong_ratio": 0.01, "memory_mib": 40.0}
    return Serving(count, listed, asked, **{**like_usual, **seen})


@pytest.mark.parametrize(
    ("fault", "flawed", "is_out"),
    [
        (BadDeploy(), serving(answer_ms=150.0), True),
        (BadDeploy(), serving(answer_ms=149.0), False),
        (BadDeploy(), serving(asked=2, answer_ms=300.0), False),
        (BadDeploy(instances=2), serving(2, 2, 2, answer_ms=300.0), True),
        (BadDeploy(), serving(2, 2, 2, answer_ms=300.0), False),
        (BadDeploy(), Serving(), False),
        (BadDeploy(flaw="wrong"), serving(wrong_ratio=0.26), True),
        (BadDeploy(flaw="wrong"), serving(wrong_ratio=0.25, answer_ms=999.0), False),
        (BadDeploy(flaw="leaky"), serving(memory_mib=48.0), True),
        (BadDeploy(flaw="leaky"), serving(memory_mib=47.0), False),
    ],
)
def test_it_is_seen_once_all_are_asked_and_show_the_flaw(
    fault: BadDeploy, flawed: Serving, is_out: bool
) -> None:
    now = {"i-1": Reading(usual=USUAL, flawed=flawed)}
    assert fault.took_effect(BEFORE, now) == {"i-1": is_out}


@pytest.mark.parametrize(("listed", "is_out"), [(0, True), (1, False), (3, False)])
def test_who_is_to_be_disabled_is_no_longer_listed(listed: int, is_out: bool) -> None:
    fault = BadDeploy(old="disable")
    now = {"i-1": Reading(usual=Serving(3, listed, 0), flawed=serving(answer_ms=300.0))}
    assert fault.took_effect(BEFORE, now) == {"i-1": is_out}


def test_others_who_have_the_flaw_already_do_not_count() -> None:
    theirs = serving(answer_ms=300.0)
    before = {"i-1": Reading(usual=USUAL, flawed=theirs)}
    more = Reading(usual=USUAL, flawed=serving(6, 6, 6, answer_ms=300.0))
    assert BadDeploy().took_effect(before, before) == {"i-1": False}
    assert BadDeploy().took_effect(before, {"i-1": more}) == {"i-1": True}
    assert BadDeploy().was_removed(before, {"i-1": more}) == {"i-1": False}
    assert BadDeploy().was_removed(before, before) == {"i-1": True}


@pytest.mark.parametrize(
    ("usual", "flawed", "is_back"),
    [
        (USUAL, Serving(), True),
        (USUAL, Serving(living=1), False),
        (Serving(3, 2, 2), Serving(), False),
        (Serving(2, 2, 2), Serving(), True),
    ],
)
def test_it_is_removed_when_none_is_left_and_who_lives_serves(
    usual: Serving, flawed: Serving, is_back: bool
) -> None:
    now = {"i-1": Reading(usual=usual, flawed=flawed)}
    assert BadDeploy().was_removed(BEFORE, now) == {"i-1": is_back}


def test_what_was_not_looked_at_is_neither() -> None:
    for now in ({}, {"i-1": Reading()}):
        assert BadDeploy().took_effect(BEFORE, now) == {"i-1": False}
        assert BadDeploy().was_removed(BEFORE, now) == {"i-1": False}


def test_each_group_has_a_record_with_all_that_its_undo_needs() -> None:
    chosen = [Instance(f"i-{n}", "recs", f"recs-{'ab'[n % 2]}", "r", "z") for n in range(3)]
    ids = iter(("r0", "r1"))
    one, two = BadDeploy(old="disable").prepare(chosen, "demo", lambda: next(ids), 7)
    assert [i.id for i in one.instances] == ["i-0", "i-2"]
    assert (one.id, one.mechanism, one.deadline_ms) == ("r0", "deployment", 7)
    assert one.detail == {
        "group": "recs-a",
        "build": "slow",
        "instances": 2,
        "disables": True,
        "undo_within_s": 15.0,
    }
    assert (two.detail["group"], two.detail["instances"]) == ("recs-b", 1)


def test_looking_asks_how_both_builds_serve() -> None:
    class Target:
        name = "demo"

        def state(self, _instance: Instance) -> None:
            return None

        def serving(self, instances: Any, build: str) -> Any:
            assert build == "wrong"
            return {each.id: (USUAL, serving(wrong_ratio=0.5)) for each in instances}

    recs = [Instance("i-1", "recs", "g", "r", "z")]
    readings = BadDeploy(flaw="wrong").look(recs, Target())  # type: ignore[arg-type]
    assert readings == {"i-1": Reading(usual=USUAL, flawed=serving(wrong_ratio=0.5))}


def test_a_target_that_cannot_deploy_is_told_so() -> None:
    with pytest.raises(NotSupported, match="nothing can be deployed"):
        BadDeploy().look([], SimpleNamespace(name="other"))  # type: ignore[arg-type]
