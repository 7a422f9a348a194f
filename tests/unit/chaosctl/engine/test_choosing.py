"""Planned methods: who is hit on every branch, how long it may take, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chaosctl.engine.choosing import in_words
from chaosctl.engine.journal import to_json
from chaosctl.engine.plan import Plan, plan_experiment
from chaosctl.errors import ChaosctlError, NotStarted
from chaosctl.experiment.model import (
    Branch,
    Item,
    Limits,
    Load,
    Manual,
    Parallel,
    Ramp,
    Select,
    Serial,
    Step,
    Wait,
)
from chaosctl.report.plan_text import render_plan
from monkeys.faults import FAULTS
from monkeys.target import Capability, Lack
from tests.simulated_run import make_experiment
from tests.simulated_target import make_instances

API = Select({"service": ("api",)})
ONE = Select({"service": ("api",)}, count=1, take_all=False)


def hang(select: Select = API, for_ms: int = 15_000, **more: Any) -> Step:
    return Step("instance-hang", select, more.pop("parameters", {}), for_ms, **more)


def kill(select: Select = ONE, **more: Any) -> Step:
    return Step("instance-kill", select, {}, 15_000, **more)


def plan(*method: Item, zones: int = 2, **changes: Any) -> Plan:
    experiment = make_experiment(method=method, limits=changes.pop("limits", Limits()))
    fields: dict[str, Any] = {"lacks": lambda _capability: None, "seed": 1} | changes
    return plan_experiment(
        experiment, faults=FAULTS, instances=make_instances(zones), target_id="w", **fields
    )


def ids(plan: Plan) -> list[set[str]]:
    return [{instance.id for instance in step.targets} for step in plan.steps]


def test_what_runs_at_once_hits_different_instances() -> None:
    made = plan(Parallel((hang(ONE), Serial((Wait(1000), hang(ONE))), hang())))
    first, second, rest = ids(made)
    assert len(first | second) == 2
    assert len(rest) == 2
    assert not rest & (first | second)
    assert "at the same time" in made.steps[2].left_out[next(iter(first))]


def test_at_once_with_nobody_left_is_refused() -> None:
    with pytest.raises(ChaosctlError, match="instance-hang hits it at the same time"):
        plan(Parallel((hang(), hang())))


def test_one_after_the_other_may_hit_the_same() -> None:
    first, second = ids(plan(hang(), hang()))
    assert first == second


def test_who_was_killed_is_not_hit_again() -> None:
    made = plan(kill(), hang())
    (dead,) = ids(made)[0]
    assert dead not in ids(made)[1]
    assert made.steps[1].left_out[dead] == "instance-kill kills it before"


def test_what_kills_is_not_repeated() -> None:
    with pytest.raises(ChaosctlError, match="does not come back") as caught:
        plan(kill(times=2))
    assert "'select' for each time" in caught.value.fix


def test_each_branch_starts_from_what_was_hit_before_it_and_both_count_after() -> None:
    branch = Branch("errors stay rare", True, (kill(),), (kill(),))
    limits = Limits(instances=4)
    made = plan(kill(), branch, hang(), limits=limits)
    before, then, otherwise, after = ids(made)
    assert before.isdisjoint(then)
    assert before.isdisjoint(otherwise)
    assert after.isdisjoint(before | then | otherwise)
    assert len(before | then | otherwise | after) <= 4
    assert made.method[1].kind == "when"


def test_limits_of_a_step_hold_beside_those_of_the_run() -> None:
    made = plan(hang(limits=Limits(instances=3, per_zone=1)), hang(limits=Limits(min_healthy=3)))
    assert [len(hit) for hit in ids(made)] == [2, 2]  # of the second step, those hit before
    assert "limit of 1 in zone" in next(iter(made.steps[0].left_out.values()))
    assert [len(hit) for hit in ids(plan(hang(), limits=Limits(per_zone=1)))] == [2]


def test_longest_time_counts_every_way() -> None:
    confirm = 10_000
    branch = Branch("errors stay rare", True, (Wait(7_000),), (Manual("look", 60_000),))
    repeat = hang(for_ms=5_000, times=3, pause_ms=2_000, after_ms=1_000)
    ramp = Ramp("delay_ms", (10.0, 20.0, 30.0), 9_000)
    slow = Step("network-latency", Select({"service": ("edge",)}), {}, 9_000, ramp=ramp)
    made = plan(repeat, Parallel((Wait(1_000), slow)), branch)
    decide = 3_000 + 3_000 + 5_000  # window, gap, and what data takes to come
    method_ms = (1_000 + 3 * (5_000 + confirm) + 2 * 2_000) + (9_000 + 20_000 + confirm)
    method_ms += decide + 60_000
    assert made.at_most_ms == 30_000 + 10_000 + method_ms + made.recovery_ms + 11_000
    assert made.fault_ms == 1_000 + 15_000 + 4_000 + 9_000 + 7_000
    assert made.undo_steps == 3 + 3
    assert made.steps[1].deadline_ms >= 9_000 + 5_000 + 2 * 10_000


def test_load_needs_a_target_whose_traffic_can_be_set() -> None:
    lack = Lack("nobody to ask", "leave it out")
    with pytest.raises(NotStarted, match="'load'"):
        plan(Load(2.0, 15_000), lacks=lambda c: lack if c is Capability.LOAD else None)


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        (Select(), "all"),
        (Select(count=2, take_all=False), "2"),
        (Select(ratio=0.3, take_all=False), "30%, rounded down, at least one"),
        (Select(per_zone=1, take_all=False), "1 per zone"),
    ],
)
def test_how_many_are_asked_for_in_words(choice: Select, words: str) -> None:
    assert in_words(choice) == words


METHOD = (
    Load(2.0, 30_000, after_ms=2_000),
    Parallel(
        (
            hang(Select({"service": ("api",)}, ratio=0.7, take_all=False), times=2, pause_ms=3_000),
            Serial((Wait(4_000), hang(Select({"service": ("edge",)}, per_zone=1, take_all=False)))),
        )
    ),
    Branch(
        "errors stay rare",
        False,
        (Manual("page somebody", 60_000),),
        (Step("network-latency", API, {}, 15_000, ramp=Ramp("delay_ms", (50.0, 100.0), 8_000)),),
    ),
)


def test_plan_text_shows_every_branch() -> None:
    lines = render_plan(plan(*METHOD)).splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(" will"))
    assert lines[start : start + 10] == [
        " will    2 times the usual traffic, for 30 s, after 2 s",
        "         at the same time:",
        "           instance-hang on 2 of 8 instances (25%) (70%, rounded down, at least one) in "
        "us-east-1a, us-east-1b, for 15 s, 2 times, 3 s apart",
        "           one after the other:",
        "             wait 4 s",
        "             instance-hang on 2 of 8 instances (25%) (1 per zone) in us-east-1a, "
        "us-east-1b, for 15 s",
        "         if 'errors stay rare' is broken:",
        "           ask a person (at most 1m): page somebody",
        "         else:",
        "           network-latency (delay_ms=50…100 in 2 levels over 8 s) on 4 of 8 instances "
        "(50%) in us-east-1a, us-east-1b, for 15 s",
    ]


def test_plan_as_json_has_the_whole_method() -> None:
    data = json.loads(to_json(plan(*METHOD).as_json()))
    assert [item["kind"] for item in data["method"]] == ["step", "parallel", "when"]
    assert data["method"][2]["otherwise"][0]["step"] == 3
    assert data["steps"][3]["ramp"]["levels"] == [50.0, 100.0]
    assert all(step["targets"] for step in data["steps"][1:])
