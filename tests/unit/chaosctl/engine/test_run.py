"""Whole runs in virtual time: each verdict, and each trouble with store and target."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from chaosctl.engine.journal import read_journal
from chaosctl.errors import ChaosctlError, StoreSilent
from chaosctl.experiment.model import (
    Check,
    Comparison,
    Condition,
    Limit,
    NoData,
    StopCondition,
)
from chaosctl.judge.verdict import Verdict
from tests.simulated_run import AT_LEAST_97, ERRORS, STARTS, assert_clean, make_experiment, run
from tests.simulated_target import FOREVER, SimulatedWorld


@pytest.fixture
def world(tmp_path: Path) -> SimulatedWorld:
    made = SimulatedWorld(tmp_path)
    made.store.values = {STARTS: lambda _end, _hit: 0.995, ERRORS: lambda _end, _hit: 0.001}
    return made


def test_run_passes_when_nobody_notices(world: SimulatedWorld) -> None:
    result = run(world)
    assert (result.verdict, result.exit_code) == (Verdict.PASSED, 0), result.reason
    assert_clean(world, result)
    names = list(dict.fromkeys(e["event"] for e in world.events))
    assert names == [
        "start", "platform", "plan", "lock", "watchdog", "lines", "warmup", "sample", "check",
        "baseline", "look", "record", "inject", "injected", "confirm", "remove", "undo", "removed",
        "recovery", "verdict",
    ]  # fmt: skip
    assert world.told("confirm")[0]["after_ms"] <= 1500
    assert result.folder is not None
    assert [e["seq"] for e in read_journal(result.folder)] == list(range(len(world.events)))
    stored = json.loads((result.folder / "result.json").read_text())
    assert stored["verdict"] == "passed"
    assert json.loads((result.folder / "plan.json").read_text())["undo_steps"] == 1
    assert (result.folder / "document.yaml").read_text().startswith("title")


def test_run_fails_and_names_the_check_when_the_hypothesis_breaks(world: SimulatedWorld) -> None:
    world.store.values[ERRORS] = lambda _end, hit: 0.05 if hit else 0.001
    result = run(world)
    assert (result.verdict, result.exit_code) == (Verdict.FAILED, 1)
    assert result.reason.startswith("errors stay rare: 0.05 (limit below 2% for 3 steps)")
    assert "after the fault was confirmed" in result.reason
    assert_clean(world, result)
    told = next(e for e in world.told("check") if e["outcome"] == "fail")
    assert told["at_ms"] - told["known_ms"] <= 2000  # within 2 steps of the window's end


def test_run_fails_when_it_does_not_recover(world: SimulatedWorld) -> None:
    broken_from = [math.inf]
    world.at_event("removed", lambda: broken_from.__setitem__(0, world.time.now_ms()))
    world.store.values[ERRORS] = lambda end, _hit: 0.5 if end > broken_from[0] else 0.001
    result = run(world)
    assert result.verdict is Verdict.FAILED
    assert "not steady again within 20 s" in result.reason
    assert_clean(world, result)


def test_run_is_not_started_when_the_baseline_is_sick(world: SimulatedWorld) -> None:
    begun = [math.inf]
    world.at_event("baseline", lambda: begun.__setitem__(0, world.time.now_ms()))
    world.store.values[ERRORS] = lambda end, _hit: 0.3 if end > begun[0] else 0.001
    result = run(world)
    assert (result.verdict, result.exit_code) == (Verdict.NOT_STARTED, 3)
    assert "errors stay rare" in result.reason
    assert world.target.log == []
    assert_clean(world, result)


def test_run_is_not_started_when_it_never_warms_up(world: SimulatedWorld) -> None:
    world.store.values[STARTS] = lambda _end, _hit: 0.5
    result = run(world)
    assert (result.verdict, result.exit_code) == (Verdict.NOT_STARTED, 3)
    assert "not steady within 30 s: starts succeed" in result.reason
    assert world.target.log == []
    assert world.time.now_s < 33


@pytest.mark.parametrize(
    ("error", "takes_s"), [(StoreSilent("refused", fix="start it"), 0.0), (None, FOREVER)]
)
def test_run_is_not_started_when_the_store_is_dead(
    world: SimulatedWorld, error: Exception | None, takes_s: float
) -> None:
    world.store.error, world.store.takes_s = error, takes_s
    result = run(world)
    assert result.verdict is Verdict.NOT_STARTED
    assert "store does not answer" in result.reason
    assert world.time.now_s < 7
    assert world.target.log == []


def test_run_is_invalid_when_the_store_refuses_a_query(world: SimulatedWorld) -> None:
    world.store.error = ChaosctlError("unknown word ':som'", fix="did you mean ':sum'?")
    result = run(world)
    assert (result.verdict, result.exit_code) == (Verdict.INVALID, 2)
    assert "unknown word ':som'" in result.reason
    assert result.fix == "did you mean ':sum'?"


def _go_silent(world: SimulatedWorld) -> None:
    world.store.silent_from_ms = world.time.now_ms()


def _hang(world: SimulatedWorld) -> None:
    world.store.takes_s = FOREVER


def _die(world: SimulatedWorld) -> None:
    world.store.error = StoreSilent("connection refused", fix="start it")


@pytest.mark.parametrize("trouble", [_go_silent, _hang, _die])
def test_run_takes_the_fault_out_when_it_is_blind(
    world: SimulatedWorld, trouble: Callable[[SimulatedWorld], None]
) -> None:
    world.at_event("confirm", lambda: trouble(world), after_s=5)
    result = run(world)
    assert (result.verdict, result.exit_code) == (Verdict.INCONCLUSIVE, 4)
    assert "no data for" in result.reason
    confirmed, removed = world.told("confirm")[0], world.told("remove")[0]
    assert removed["t_ms"] - confirmed["t_ms"] < 5000 + 3000 + 4500
    assert_clean(world, result)


@pytest.mark.parametrize("gap_ms", [2_000, 8_000])
@pytest.mark.parametrize("policy", [NoData.INCONCLUSIVE, NoData.IGNORE])
@pytest.mark.parametrize("trouble", [_hang, _die])
def test_run_stays_blind_no_longer_than_the_document_allows(
    world: SimulatedWorld,
    trouble: Callable[[SimulatedWorld], None],
    policy: NoData,
    gap_ms: int,
) -> None:
    checks = make_experiment().hypothesis
    experiment = make_experiment(
        hypothesis=tuple(replace(check, no_data=policy, gap_ms=gap_ms) for check in checks)
    )
    world.at_event("confirm", lambda: trouble(world), after_s=5)
    result = run(world, experiment)
    assert (result.verdict, result.exit_code) == (Verdict.INCONCLUSIVE, 4)
    confirmed, removed = world.told("confirm")[0], world.told("remove")[0]
    blind_ms = removed["t_ms"] - confirmed["t_ms"] - 5000
    assert gap_ms <= blind_ms < gap_ms + 4_500
    assert world.told("stop")[0]["blind"]
    assert_clean(world, result)


@pytest.mark.parametrize("event", ["warmup", "baseline", "confirm", "removed"])
@pytest.mark.parametrize("by_ms", [3_600_000, -3_600_000])
def test_run_ends_inconclusive_and_clean_when_the_clock_is_set(
    world: SimulatedWorld, event: str, by_ms: int
) -> None:
    set_by = [0]
    world.context = replace(world.context, clock_set_by_ms=lambda: set_by[0])
    world.at_event(event, lambda: set_by.__setitem__(0, by_ms))
    result = run(world)
    assert (result.verdict, result.exit_code) == (Verdict.INCONCLUSIVE, 4)
    assert f"clock was set by {by_ms / 1000:+.0f} s" in result.reason
    assert result.fix
    assert_clean(world, result)
    first = world.told(event)[0]["t_ms"]
    assert world.told("verdict")[0]["t_ms"] - first < 3_000


def test_run_is_not_disturbed_by_a_clock_that_is_kept_right(world: SimulatedWorld) -> None:
    world.context = replace(world.context, clock_set_by_ms=lambda: -900)
    assert run(world).verdict is Verdict.PASSED


def test_run_fails_on_silence_when_the_check_says_so(world: SimulatedWorld) -> None:
    check = Check("starts succeed", STARTS, AT_LEAST_97, no_data=NoData.FAIL)
    world.at_event("confirm", lambda: _go_silent(world))
    result = run(world, make_experiment(hypothesis=(check,)))
    assert result.verdict is Verdict.FAILED
    assert_clean(world, result)


def test_run_survives_a_store_that_is_slow(world: SimulatedWorld) -> None:
    world.store.takes_s = 0.9
    result = run(world)
    assert result.verdict is Verdict.PASSED, result.reason


def test_run_is_aborted_when_a_stop_condition_fires(world: SimulatedWorld) -> None:
    world.store.values["sps"] = lambda _end, hit: 10.0 if hit else 100.0
    when = Condition(Comparison.BELOW, (Limit(0.5, True, "50% of baseline"),), for_steps=3)
    result = run(world, make_experiment(stop=(StopCondition("sps", when, "starts"),)))
    assert (result.verdict, result.exit_code) == (Verdict.ABORTED, 5)
    assert result.reason.startswith("stop condition: starts: 10")
    inside_ms = world.told("remove")[0]["t_ms"] - world.told("injected")[0]["t_ms"]
    assert inside_ms <= 1000 + 3000 + 2000
    assert_clean(world, result)


def test_run_is_not_started_when_a_stop_condition_is_true_already(world: SimulatedWorld) -> None:
    world.store.values["sps"] = lambda _end, _hit: 10.0
    when = Condition(Comparison.BELOW, (Limit(50, False, "50"),), for_steps=3)
    result = run(world, make_experiment(stop=(StopCondition("sps", when),)))
    assert result.verdict is Verdict.NOT_STARTED
    assert "true already" in result.reason


def test_run_is_inconclusive_when_inject_does_nothing(world: SimulatedWorld) -> None:
    world.target.is_deaf = True
    result = run(world)
    assert (result.verdict, result.exit_code) == (Verdict.INCONCLUSIVE, 4)
    assert "not seen at the target: 4 of 4 do not show it" in result.reason
    assert_clean(world, result)


def test_run_is_inconclusive_and_undone_when_inject_fails(world: SimulatedWorld) -> None:
    world.target.inject_error = "no such device"
    result = run(world)
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "injection failed: simulated: no such device" in result.reason
    assert [what for what, _ in world.target.log] == ["inject", "undo"]
    assert_clean(world, result)


def test_run_is_inconclusive_when_a_target_vanished_since_the_plan(world: SimulatedWorld) -> None:
    gone = world.target.population[0].id
    world.at_event("baseline", lambda: world.target.killed.add(gone))
    result = run(world)
    assert result.verdict is Verdict.INCONCLUSIVE
    assert gone in result.reason
    assert world.target.log == []


def test_run_survives_targets_that_die_meanwhile(world: SimulatedWorld) -> None:
    everyone = {i.id for i in world.target.population}
    world.at_event("confirm", lambda: world.target.killed.update(everyone), after_s=3)
    result = run(world)
    assert result.verdict is Verdict.PASSED, result.reason
    assert_clean(world, result)
