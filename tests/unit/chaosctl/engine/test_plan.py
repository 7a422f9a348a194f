"""Plans: who, how long, and every refusal before anything is touched."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from chaosctl.engine.journal import to_json
from chaosctl.engine.plan import Plan, in_words, plan_experiment
from chaosctl.errors import ChaosctlError, NotStarted
from chaosctl.experiment.model import Experiment, Limits, Select, Step
from chaosctl.judge.verdict import Verdict
from monkeys.faults import FAULTS
from monkeys.target import Capability, Lack
from tests.simulated_run import AT_LEAST_97, BELOW_2, make_experiment
from tests.simulated_target import make_instances


def plan(experiment: Experiment, **changes: Any) -> Plan:
    fields: dict[str, Any] = {
        "faults": FAULTS,
        "instances": make_instances(),
        "target_id": "w",
        "lacks": lambda _capability: None,
        "seed": 1,
    }
    return plan_experiment(experiment, **(fields | changes))


def test_plan_says_who_is_hit_for_how_long() -> None:
    made = plan(make_experiment())
    (step,) = made.steps
    assert [i.zone for i in step.targets] == ["us-east-1a"] * 4
    assert (made.hit, made.population) == ({"api": 2, "edge": 2}, {"api": 4, "edge": 4})
    assert (made.baseline_ms, made.fault_ms, made.undo_steps) == (10_000, 20_000, 1)
    assert made.at_most_ms == 30_000 + 10_000 + 20_000 + 10_000 + 20_000 + 10_000 + 1_000
    assert step.deadline_ms > step.for_ms
    assert made.checks[0] == "starts succeed at least 97% over 10 s"


def test_plan_is_the_same_for_the_same_seed_whatever_the_order() -> None:
    one = Step("instance-kill", Select(count=1, take_all=False), {}, 20_000)
    experiment = make_experiment(method=(one,))
    chosen = {
        plan(experiment, seed=7, instances=instances).steps[0].targets[0].id
        for instances in (make_instances(), make_instances()[::-1])
    }
    assert len(chosen) == 1
    others = {plan(experiment, seed=s).steps[0].targets[0].id for s in range(20)}
    assert len(others) > 1


def test_plan_names_those_it_leaves_out() -> None:
    instances = make_instances()
    instances[0] = replace(instances[0], labels={"chaos": "off"})
    made = plan(make_experiment(), instances=instances)
    assert "opted out" in made.steps[0].left_out[instances[0].id]
    assert len(made.steps[0].targets) == 3


def test_plan_is_plain_json() -> None:
    data = json.loads(to_json(plan(make_experiment()).as_json()))
    assert (data["schema"], data["undo_steps"]) == ("chaosctl/plan/v1", 1)


def test_plan_lengthens_a_baseline_in_which_no_window_fits() -> None:
    assert plan(make_experiment(baseline_ms=3000)).baseline_ms == 10_000


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"method": (Step("instance-kill", Select({"zone": ("x",)}), {}, 20_000),)}, "no instance"),
        ({"limits": Limits(min_healthy=9)}, "nobody is left to hit: 4 matched and all are spared"),
        (
            {"method": (Step("instance-kill", Select(), {}, 10_000),)},
            "needs 11 s of fault to say anything, the method lasts 10 s",
        ),
    ],
)
def test_plan_refuses_what_cannot_say_anything(changes: dict[str, Any], what: str) -> None:
    with pytest.raises(ChaosctlError) as caught:
        plan(make_experiment(**changes))
    assert what in caught.value.what
    assert caught.value.verdict is Verdict.INVALID
    assert caught.value.fix


def test_plan_refuses_what_the_target_cannot_do() -> None:
    lack = Lack("no network namespaces", "run it on Linux")
    with pytest.raises(NotStarted) as caught:
        plan(make_experiment(), lacks=lambda wanted: lack if wanted is Capability.CUT else None)
    assert caught.value.fix == "run it on Linux"


def test_conditions_read_as_words() -> None:
    assert in_words(AT_LEAST_97) == "at least 97% over 10 s"
    assert in_words(BELOW_2) == "below 2% for 3 steps"
