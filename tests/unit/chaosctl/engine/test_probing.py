"""Probes within a run: when they are asked, what their answers are worth, and what hangs."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from chaosctl.engine.run import World
from chaosctl.experiment.checks import probe_key
from chaosctl.experiment.model import Check, Comparison, Condition, Limit, ProbeSpec, StopCondition
from chaosctl.judge.verdict import Verdict
from chaosctl.probes import PROBES, Answer, CannotAsk
from tests.simulated_run import ERRORS, STARTS, assert_clean, make_experiment, run
from tests.simulated_target import FOREVER, SimulatedWorld

YES = Condition(Comparison.AT_LEAST, (Limit(1.0, False, "1"),))
KEY = probe_key("front page answers")


@dataclass
class SimulatedProbe:
    """Answers what `says` says, in `takes_s`."""

    world: SimulatedWorld
    says: Callable[[bool], Answer] = lambda _hit: Answer(1.0, "status 200")
    takes_s: float = 0.05
    asked: int = 0

    def ask(self, _timeout_s: float) -> Answer:
        self.asked += 1
        self.world.time.spend(self.takes_s)
        return self.says(self.world.target.was_hit_at(self.world.time.now_ms()))


@pytest.fixture
def world(tmp_path: Path) -> SimulatedWorld:
    made = SimulatedWorld(tmp_path)
    made.store.values = {STARTS: lambda _end, _hit: 0.995, ERRORS: lambda _end, _hit: 0.001}
    return made


def run_with(world, probe, *, every_ms=1000, hold=YES, only=True):
    check = Check(
        "front page answers", KEY, hold, probe=ProbeSpec("http", {"url": "x"}, every_ms=every_ms)
    )
    checks = (check,) if only else (*make_experiment().hypothesis, check)
    return run(
        world,
        make_experiment(hypothesis=checks),
        lambda _say: World(world.target, world.store, make_probe=lambda _spec: probe),
    )


@pytest.mark.parametrize("only", [True, False])
def test_run_passes_when_the_probe_is_answered_well(world, only):
    probe = SimulatedProbe(world)
    result = run_with(world, probe, only=only)
    assert result.verdict is Verdict.PASSED, result.reason
    assert_clean(world, result)
    assert 30 <= probe.asked <= 60  # once a step, and not more
    said = world.told("sample")[-1]["checks"]["front page answers"]
    assert (said["step"], said["said"]) == (1.0, "status 200")


def test_run_fails_and_says_what_the_probe_said(world):
    probe = SimulatedProbe(
        world, lambda hit: Answer(0.0, "connection refused") if hit else Answer(1.0, "status 200")
    )
    result = run_with(world, probe)
    assert result.verdict is Verdict.FAILED
    assert "front page answers: 0 (limit at least 1), connection refused" in result.reason
    assert_clean(world, result)


def test_answer_stands_until_the_next_is_due(world):
    probe = SimulatedProbe(world)
    result = run_with(world, probe, every_ms=5000)
    assert result.verdict is Verdict.PASSED, result.reason
    assert probe.asked <= 15


def test_probe_that_hangs_holds_up_neither_run_nor_undo(world):
    probe = SimulatedProbe(world)
    world.at_event("confirm", lambda: setattr(probe, "takes_s", FOREVER), after_s=2)
    result = run_with(world, probe)
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "no data" in result.reason
    assert_clean(world, result)
    took_s = (world.told("undo")[-1]["at_ms"] - world.told("confirm")[-1]["at_ms"]) / 1000
    assert took_s < 12


def test_question_that_cannot_be_put_is_no_data(world):
    def says(hit: bool) -> Answer:
        if hit:
            raise CannotAsk("no program 'curl'", "install it")
        return Answer(1.0, "exit code 0")

    result = run_with(world, SimulatedProbe(world, says))
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "no program 'curl'" in result.reason
    assert_clean(world, result)


@pytest.mark.parametrize("comparison", [c for c in Comparison if c.value != "between"])
@pytest.mark.parametrize("limit", [-5.0, 0.0, 5.0])
def test_number_that_is_none_passes_nothing(world, comparison, limit):
    probe = SimulatedProbe(world, lambda hit: Answer(math.nan if hit else limit, "has no number"))
    hold = Condition(comparison, (Limit(limit, False, "x"),))
    if comparison in (Comparison.ABOVE, Comparison.BELOW):
        better = 1 if comparison is Comparison.ABOVE else -1
        probe.says = lambda hit: Answer(math.nan if hit else limit + better, "has no number")
    result = run_with(world, probe, hold=hold)
    assert result.verdict is Verdict.INCONCLUSIVE, result.reason


def run_with_stop(world, probe):
    below = Condition(Comparison.BELOW, (Limit(1.0, False, "1"),))
    stop = StopCondition(probe_key("stop shop"), below, "shop", ProbeSpec("http", {"url": "x"}))
    return run(
        world,
        make_experiment(stop=(stop,)),
        lambda _say: World(world.target, world.store, make_probe=lambda _spec: probe),
    )


def test_probe_that_says_no_ends_the_fault(world):
    probe = SimulatedProbe(world, lambda hit: Answer(0.0 if hit else 1.0, "refused"))
    result = run_with_stop(world, probe)
    assert result.verdict is Verdict.ABORTED
    assert "stop condition: shop: 0 (below 1" in result.reason
    (stopped,) = world.told("stop")
    (injected,) = world.told("inject")
    assert stopped["at_ms"] - injected["at_ms"] <= 3000
    assert_clean(world, result)


def test_probe_that_says_no_beforehand_lets_no_fault_in(world):
    result = run_with_stop(world, SimulatedProbe(world, lambda _hit: Answer(0.0, "refused")))
    assert result.verdict is Verdict.NOT_STARTED
    assert "stop condition 'shop' is true already" in result.reason
    assert world.target.log == []


def test_world_without_probes_makes_the_run_invalid(world):
    check = Check("a", probe_key("a"), YES, probe=ProbeSpec("http", {"url": "x"}))
    result = run(world, make_experiment(hypothesis=(check,)))
    assert result.verdict is Verdict.INVALID
    assert "cannot be asked here" in result.reason


def test_kinds_of_documents_are_those_that_can_be_asked():
    from chaosctl.experiment.probes import KINDS

    assert sorted(KINDS) == sorted(PROBES)
