"""One simulated run, ready to be bent: the experiment, the setup and what clean means."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chaosctl.engine.result import RunResult
from chaosctl.engine.run import Setup, World, run_experiment
from chaosctl.engine.session import WaitForPerson
from chaosctl.experiment.model import (
    Check,
    Comparison,
    Condition,
    Experiment,
    Limit,
    Limits,
    Select,
    Step,
    TargetSpec,
)
from chaosctl.judge.verdict import UndoState
from monkeys.faults import FAULTS
from tests.simulated_target import SimulatedWorld

STARTS, ERRORS = "starts", "errors"
AT_LEAST_97 = Condition(Comparison.AT_LEAST, (Limit(0.97, False, "97%"),), over_ms=10_000)
BELOW_2 = Condition(Comparison.BELOW, (Limit(0.02, False, "2%"),), for_steps=3)


def make_experiment(**changes: Any) -> Experiment:
    fields: dict[str, Any] = {
        "name": "zone-outage",
        "title": "Losing one zone",
        "target": TargetSpec("demo"),
        "baseline_ms": 10_000,
        "hypothesis": (
            Check("starts succeed", STARTS, AT_LEAST_97),
            Check("errors stay rare", ERRORS, BELOW_2),
        ),
        "method": (
            Step("zone-outage", Select({"zone": ("us-east-1a",)}), {"mode": "unreachable"}, 20_000),
        ),
        "limits": Limits(instances=40, min_healthy=1),
        "recovery_ms": 20_000,
    }
    return Experiment(**(fields | changes))


def run(
    world: SimulatedWorld,
    experiment: Experiment | None = None,
    open_world: Callable[[Any], World] | None = None,
    wait_for_person: WaitForPerson | None = None,
) -> RunResult:
    setup = Setup(
        experiment=experiment or make_experiment(),
        document="title: Losing one zone\n",
        seed=1,
        faults=FAULTS,
        open_world=open_world or (lambda _say: World(world.target, world.store)),
        listen=world.listen,
        start_watchdog=world.start_watchdog,
        wait_for_person=wait_for_person,
        attend=world.attend,
    )
    return run_experiment(setup, world.context)


def assert_clean(world: SimulatedWorld, result: RunResult) -> None:
    assert world.target.in_force == {}
    assert result.undo is UndoState.CLEAN
    assert [w.last_word for w in world.watchdogs] in ([], ["done"])
    assert world.told("verdict")[-1]["verdict"] == result.verdict
