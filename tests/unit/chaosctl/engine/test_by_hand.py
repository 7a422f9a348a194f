"""Faults that a person stops, in virtual time: out at once, judged as usual, and never passed."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from chaosctl.experiment.model import Parallel, Ramp, Select, Step, Wait
from chaosctl.judge.verdict import Verdict
from tests.simulated_run import ERRORS, STARTS, assert_clean, make_experiment, run
from tests.simulated_target import SimulatedWorld


@pytest.fixture
def world(tmp_path: Path) -> SimulatedWorld:
    made = SimulatedWorld(tmp_path)
    made.store.values = {STARTS: lambda _end, _hit: 0.995, ERRORS: lambda _end, _hit: 0.001}
    return made


def hang(zone: str = "a", for_ms: int = 15_000, **more: Any) -> Step:
    select = Select({"zone": (f"us-east-1{zone}",), "service": ("api",)})
    return Step("instance-hang", select, {}, for_ms, **more)


@pytest.mark.parametrize("after_s", [0.0, 0.5, 6.0, 15.0, 19.0])
def test_stopped_fault_is_out_at_once_and_is_inconclusive_however_well_it_held(
    world: SimulatedWorld, after_s: float
) -> None:
    world.at_event("confirm", world.stop_fault, after_s=after_s)
    result = run(world)
    (order,), (removed,) = world.told("order"), world.told("removed")
    assert removed["t_ms"] - order["t_ms"] <= 500
    assert (result.verdict, result.exit_code) == (Verdict.INCONCLUSIVE, 4)
    assert f"stopped by hand after {order['after_ms'] / 1000:.1f} s of 20 s: " in result.reason
    assert result.detail["stopped_by_hand"] == {"after_ms": order["after_ms"], "of_ms": 20_000}
    assert order["after_ms"] == pytest.approx(after_s * 1000, abs=1000)
    assert result.detail["recovery_ms"] is not None
    assert result.detail["score"] is None
    assert_clean(world, result)


def test_stopped_fault_says_nothing_where_a_window_was_not_full(world: SimulatedWorld) -> None:
    world.at_event("confirm", world.stop_fault, after_s=6.0)
    result = run(world)
    assert "starts succeed: too little data for one window" in result.reason
    assert [check["outcome"] for check in result.detail["checks"]] == ["unknown", "pass"]


def test_stopped_fault_that_was_noticed_has_failed(world: SimulatedWorld) -> None:
    world.store.values[ERRORS] = lambda _end, hit: 0.05 if hit else 0.001
    world.at_event("confirm", world.stop_fault, after_s=8.0)
    result = run(world)
    assert (result.verdict, result.exit_code) == (Verdict.FAILED, 1)
    assert "errors stay rare: 0.05" in result.reason
    assert "; the fault was stopped by hand after 8." in result.reason
    assert result.detail["recovery_ms"] is not None
    assert_clean(world, result)


def test_stopped_fault_that_is_not_recovered_from_has_failed(world: SimulatedWorld) -> None:
    was_hit: list[int] = []

    def errors(end: int, hit: bool) -> float:
        was_hit.extend([end] if hit else [])
        return 0.05 if was_hit and end > was_hit[0] + 6000 else 0.001

    world.store.values[ERRORS] = errors
    world.at_event("confirm", world.stop_fault, after_s=5.0)
    result = run(world)
    assert result.verdict is Verdict.FAILED, result.reason
    assert "not steady again within 20 s" in result.reason
    assert "stopped by hand" in result.reason
    assert_clean(world, result)


@pytest.mark.parametrize("when", ["warmup", "baseline", "removed", "recovery"])
def test_nothing_is_stopped_where_no_fault_is_in(world: SimulatedWorld, when: str) -> None:
    world.at_event(when, world.stop_fault, after_s=0.1 if when != "recovery" else 0)
    result = run(world)
    assert result.verdict is Verdict.PASSED, result.reason
    assert world.told("order") == []
    if when != "recovery":  # after which nobody listens any more
        assert "there is no fault in that could be stopped" in world.told("note")[-1]["text"]
    assert result.detail["stopped_by_hand"] is None


def test_fault_that_is_stopped_before_it_was_seen_was_not_seen(world: SimulatedWorld) -> None:
    world.target.is_deaf = True
    world.at_event("injected", world.stop_fault, after_s=1.0)
    result = run(world)
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "was not seen at the target: stopped by hand after 1." in result.reason
    assert world.told("removed")[0]["t_ms"] - world.told("injected")[0]["t_ms"] < 2_000
    assert_clean(world, result)


def test_stop_that_comes_while_the_fault_goes_out_by_itself_cuts_nothing_short(
    world: SimulatedWorld,
) -> None:
    world.target.undo_takes_s = 3.0
    world.at_event("remove", world.stop_fault, after_s=1.0)
    result = run(world)
    assert result.verdict is Verdict.PASSED, result.reason
    assert len(world.told("order")) == 1
    assert result.detail["stopped_by_hand"] is None
    assert_clean(world, result)


def test_stop_that_comes_while_one_of_several_goes_out_lets_no_more_in(
    world: SimulatedWorld,
) -> None:
    world.target.undo_takes_s = 3.0
    world.at_event("remove", world.stop_fault, after_s=1.0)
    repeated = hang(for_ms=5_000, times=3, pause_ms=4_000)
    result = run(world, make_experiment(method=(repeated,)))
    assert result.verdict is Verdict.INCONCLUSIVE
    assert [what for what, _ in world.target.log] == ["inject", "undo"]
    assert "stopped by hand" in result.reason
    assert_clean(world, result)


def test_stop_in_the_pause_between_two_faults_ends_the_method(world: SimulatedWorld) -> None:
    world.at_event("removed", world.stop_fault, after_s=1.0)
    result = run(world, make_experiment(method=(hang(for_ms=5_000, times=3, pause_ms=30_000),)))
    assert result.verdict is Verdict.INCONCLUSIVE
    assert world.told("recovery")[0]["t_ms"] - world.told("removed")[0]["t_ms"] < 15_000
    assert_clean(world, result)


def test_stop_while_a_ramp_changes_its_level_lets_no_more_in(world: SimulatedWorld) -> None:
    world.target.undo_takes_s = 1.0
    world.at_event("remove", world.stop_fault, after_s=0.5)
    select = Select({"zone": ("us-east-1b",), "service": ("edge",)})
    ramp = Ramp("delay_ms", (100.0, 200.0, 300.0), 9_000)
    step = Step("network-latency", select, {}, 15_000, ramp=ramp)
    result = run(world, make_experiment(method=(step,)))
    assert result.verdict is Verdict.INCONCLUSIVE
    assert [what for what, _ in world.target.log] == ["inject", "undo"]
    assert_clean(world, result)


def test_stop_takes_out_all_that_is_in_at_the_same_time(world: SimulatedWorld) -> None:
    both = Parallel((hang(for_ms=20_000), hang("b", for_ms=12_000, after_ms=2_000)))
    world.at_event("confirm", world.stop_fault, after_s=5.0)
    result = run(world, make_experiment(method=(both,)))
    assert result.verdict is Verdict.INCONCLUSIVE
    assert [what for what, _ in world.target.log] == ["inject", "inject", "undo", "undo"]
    assert all(event["seen"] == event["of"] for event in world.told("removed"))
    assert_clean(world, result)


def test_stop_before_anything_went_in_is_not_started(world: SimulatedWorld) -> None:
    world.at_event("baseline", world.stop_fault, after_s=18.0)
    result = run(world, make_experiment(method=(Wait(30_000), hang())))
    assert (result.verdict, result.exit_code) == (Verdict.NOT_STARTED, 3)
    assert "before anything was injected: stopped by hand" in result.reason
    assert world.target.log == []
    assert_clean(world, result)


def test_signal_after_the_stop_aborts_the_run(world: SimulatedWorld) -> None:
    world.at_event("confirm", world.stop_fault, after_s=5.0)
    world.at_event("removed", lambda: world.signals.send(signal.SIGINT), after_s=0.2)
    result = run(world)
    assert (result.verdict, result.exit_code) == (Verdict.ABORTED, 130)
    assert result.detail["stopped_by_hand"]["of_ms"] == 20_000
    assert_clean(world, result)


def test_undo_that_never_works_wins_over_the_stop(world: SimulatedWorld) -> None:
    world.target.undo_failures = float("inf")
    world.at_event("confirm", world.stop_fault, after_s=5.0)
    result = run(world)
    assert result.exit_code == 6
    assert "stopped by hand" in result.reason
    assert world.watchdogs[0].last_word == "left"
