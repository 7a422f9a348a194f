"""Bundled experiments in simulation: with an inject that does nothing none of them says passed."""

from __future__ import annotations

from pathlib import Path

import pytest

from chaosctl.engine.result import RunResult
from chaosctl.engine.run import Setup, World, run_experiment
from chaosctl.experiment.load import bundled_names, load_bundled
from chaosctl.experiment.model import Comparison, Condition
from chaosctl.judge.verdict import UndoState, Verdict
from demo_platform.topology import SIZES, Addresses, slots_of, specs_of
from monkeys.faults import FAULTS
from monkeys.target import Instance
from tests.simulated_target import SimulatedWorld


def planned_instances() -> list[Instance]:
    specs = specs_of(slots_of(SIZES["normal"]), Addresses(), seed=1)
    return [
        Instance(s.id, s.service, s.group, s.region, s.zone, s.address, dict(s.labels))
        for s in specs
    ]


def healthy_value(hold: Condition) -> float:
    """A value that the condition is content with."""
    limit = hold.limits[0].value
    return limit * 1.02 if hold.comparison in (Comparison.AT_LEAST, Comparison.ABOVE) else 0.0


def run(tmp_path: Path, name: str, *, is_deaf: bool) -> tuple[SimulatedWorld, RunResult]:
    experiment = load_bundled(name)
    world = SimulatedWorld(tmp_path, instances=planned_instances())
    world.target.is_deaf = is_deaf
    for stop in experiment.stop:
        world.store.values[stop.query] = lambda _end, _hit: 30.0
    for check in experiment.hypothesis:
        value = healthy_value(check.hold)
        world.store.values[check.query] = lambda _end, _hit, value=value: value  # type: ignore[misc]
    setup = Setup(
        experiment=experiment,
        document="",
        seed=1,
        faults=FAULTS,
        open_world=lambda _say: World(world.target, world.store),
        listen=world.listen,
        start_watchdog=world.start_watchdog,
    )
    return world, run_experiment(setup, world.context)


@pytest.mark.parametrize("name", bundled_names())
def test_bundled_experiment_is_inconclusive_when_inject_does_nothing(
    tmp_path: Path, name: str
) -> None:
    world, result = run(tmp_path, name, is_deaf=True)
    assert result.verdict is Verdict.INCONCLUSIVE, result.reason
    assert "not seen at the target" in result.reason
    assert (result.undo, world.target.in_force) == (UndoState.CLEAN, {})


@pytest.mark.parametrize("name", bundled_names())
def test_bundled_experiment_passes_when_nobody_notices(tmp_path: Path, name: str) -> None:
    world, result = run(tmp_path, name, is_deaf=False)
    assert result.verdict is Verdict.PASSED, result.reason
    assert (result.undo, world.target.in_force) == (UndoState.CLEAN, {})
