"""A method that is a script: what is seen, what is trusted, and what ends it. In virtual time."""

from __future__ import annotations

import signal
from dataclasses import dataclass, field

import pytest

from chaosctl.drivers.toolkit import ToolkitMethod, ToolkitTarget
from chaosctl.engine.run import Setup, World, run_experiment
from chaosctl.engine.script import Performed, ScriptStep
from chaosctl.experiment.model import (
    Check,
    Comparison,
    Condition,
    Experiment,
    Limit,
    Select,
    Step,
    TargetSpec,
)
from monkeys.target import UndoRecord
from tests.simulated_target import SimulatedWorld

CHECK = Check("well", "probe:well", Condition(Comparison.AT_LEAST, (Limit(1.0, False, "1"),)))
LIMIT_MS = 5_000


@dataclass
class System:
    """What the script acts on: broken or not, and how its checks answer."""

    world: SimulatedWorld
    is_broken: bool = False
    since_ms: dict[int, bool] = field(default_factory=lambda: {0: True})
    undone: list[str] = field(default_factory=list)
    ended: int = 0

    def fetch(self, queries, start_ms, end_ms, _timeout_s):
        ends = range((start_ms // 1000 + 1) * 1000, end_ms + 1, 1000)
        return {query: {end: self.at(end) for end in ends} for query in queries}

    def at(self, at_ms: int) -> float:
        return float(self.since_ms[max(ms for ms in self.since_ms if ms <= at_ms)])

    def be(self, is_well: bool) -> None:
        self.since_ms[self.world.time.now_ms()] = is_well

    def break_it(self) -> Performed:
        self.world.time.spend(0.5)
        self.is_broken = True
        return Performed(True, "done")

    def see(self) -> Performed:
        self.world.time.spend(0.1)
        return Performed(self.is_broken, f"broken: {self.is_broken}")

    def undo(self, record: UndoRecord) -> None:
        self.undone.append(record.fault)
        self.is_broken = False


@dataclass
class SimulatedScript:
    """A script for the engine, its activities being functions."""

    system: System
    steps: tuple[ScriptStep, ...]
    trusts: bool = False
    unjudged: str = ""
    is_judged_throughout: bool = False
    rollbacks: tuple[str, ...] = ("mend it",)
    fault: ToolkitMethod = field(default_factory=ToolkitMethod)
    seen: list[str] = field(default_factory=list)

    def records(self, ids):
        names = (*self.rollbacks, "activities")
        return tuple(UndoRecord(ids(), name, "toolkit", "") for name in names)

    def has_looked_since(self, _at_ms):
        return True

    def saw(self, probe):
        self.seen.append(probe)

    def end(self):
        self.system.ended += 1


@pytest.fixture
def system(tmp_path) -> System:
    return System(SimulatedWorld(tmp_path))


def act(system: System, **more) -> ScriptStep:
    given = {"observers": (1,), **more}
    return ScriptStep("break it", True, system.break_it, LIMIT_MS, **given)


def see(system: System, **more) -> ScriptStep:
    return ScriptStep("it is broken", False, system.see, LIMIT_MS, observes=("break it",), **more)


def run(system: System, *steps: ScriptStep, checks=(CHECK,), **more):
    script = SimulatedScript(system, steps, **more)
    target = ToolkitTarget()
    target.undo = system.undo  # type: ignore[method-assign]
    method = Step("toolkit-method", Select(), {}, 60_000)
    experiment = Experiment(
        "doc", "t", TargetSpec("toolkit"), 2_000, checks, (method,), recovery_ms=5_000
    )
    setup = Setup(
        experiment=experiment,
        document="",
        seed=1,
        faults={"toolkit-method": ToolkitMethod},
        open_world=lambda _say: World(target=target, store=system, script=script),
        listen=system.world.listen,
        start_watchdog=system.world.start_watchdog,
    )
    result = run_experiment(setup, system.world.context)
    assert system.ended == 1 or not system.world.told("inject")
    return result


def test_an_action_that_is_seen_makes_a_whole_run(system):
    result = run(system, act(system), see(system))
    assert (result.exit_code, system.undone) == (0, ["activities", "mend it"])
    names = [event["event"] for event in system.world.events]
    assert names.index("record") < names.index("inject") < names.index("activity")


def test_an_action_that_nothing_sees_is_inconclusive(system):
    result = run(system, act(system, observers=()))
    assert (result.exit_code, system.is_broken) == (4, False)
    assert "--trust-actions" in result.fix


def test_an_action_that_is_trusted_is_named(system):
    result = run(system, act(system, observers=()), trusts=True)
    assert (result.exit_code, result.detail["trusted"]) == (0, ("break it",))
    assert result.reason.endswith("trusted, not seen: 'break it'")


def test_an_observer_that_held_before_shows_nothing(system):
    system.is_broken = True
    assert run(system, act(system), see(system)).exit_code == 4


def test_an_observer_is_asked_again_until_it_sees(system):
    late = ScriptStep("break it", True, lambda: Performed(True), LIMIT_MS, observers=(1,))
    system.world.at_event("injected", system.break_it, after_s=2.0)
    result = run(system, late, see(system))
    assert result.exit_code == 0
    assert len(system.world.told("activity")) == 3


def test_an_observer_that_never_sees_ends_the_method(system):
    nothing = ScriptStep("break it", True, lambda: Performed(True), LIMIT_MS, observers=(1,))
    result = run(system, nothing, see(system), act(system, observers=()))
    assert (result.exit_code, system.is_broken) == (4, False)
    assert "'it is broken' does not see it: broken: False" in result.reason


def test_an_action_that_fails_ends_the_method_and_all_is_undone(system):
    fails = ScriptStep("fail", True, lambda: Performed(False, "status 1"), LIMIT_MS)
    result = run(system, act(system), see(system), fails, act(system))
    assert (result.exit_code, system.undone) == (4, ["activities", "mend it"])
    assert result.reason == "injection failed: action 'fail': status 1"


def test_an_action_in_the_background_is_awaited(system):
    def slow() -> Performed:
        system.world.time.spend(3.0)
        return Performed(False, "too bad")

    behind = ScriptStep("slow", True, slow, LIMIT_MS, is_background=True)
    result = run(system, act(system), see(system), behind)
    assert result.reason == "injection failed: action 'slow': too bad"


def flicker(system: System) -> None:
    system.be(False)
    system.world.time.at(system.world.time.now_s + 3.0, lambda: system.be(True))


@pytest.mark.parametrize(("throughout", "code"), [(True, 1), (False, 0)])
def test_a_breach_that_heals_counts_by_strategy(system, throughout, code):
    system.world.at_event("injected", lambda: flicker(system), after_s=1.5)
    steps = (act(system), see(system, pause_after_ms=12_000))
    assert run(system, *steps, is_judged_throughout=throughout).exit_code == code


def test_a_breach_at_the_end_counts_with_every_strategy(system):
    system.world.at_event("injected", lambda: system.be(False), after_s=1.5)
    assert run(system, act(system), see(system, pause_after_ms=5_000)).exit_code == 1


def test_what_is_not_judged_is_never_passed(system):
    result = run(system, act(system), see(system), unjudged="strategy 'skip'", checks=())
    assert (result.exit_code, result.detail["undo"]["done"]) == (4, 2)
    assert "strategy 'skip'" in result.reason


def test_a_method_without_actions_is_inconclusive(system):
    looks = ScriptStep("look", False, lambda: Performed(True), LIMIT_MS)
    result = run(system, looks)
    assert (result.exit_code, result.verdict) == (4, "inconclusive")
    assert "nothing was broken" in result.reason


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_activity_and_undoes(system, number):
    long = ScriptStep("wait", True, lambda: system.world.time.spend(60) or Performed(True), 90_000)
    system.world.at_event("confirm", lambda: system.world.signals.send(number), after_s=2.0)
    result = run(system, act(system), see(system), long)
    assert (result.exit_code, system.undone) == (128 + number, ["activities", "mend it"])
    assert system.world.time.now_s < 30


def test_a_sick_system_is_not_touched(system):
    system.since_ms = {0: False}
    result = run(system, act(system), see(system))
    assert (result.exit_code, system.world.told("activity"), system.undone) == (3, [], [])
