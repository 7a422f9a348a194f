"""Methods in virtual time: what overlaps, what follows, what a check or a person decides."""

from __future__ import annotations

import math
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chaosctl.experiment.model import (
    Branch,
    Comparison,
    Condition,
    Experiment,
    Item,
    Limit,
    Load,
    Manual,
    NoData,
    Parallel,
    Ramp,
    Select,
    Serial,
    Step,
    StopCondition,
    Wait,
)
from chaosctl.judge.verdict import UndoState, Verdict
from tests.simulated_run import ERRORS, STARTS, assert_clean, make_experiment, run
from tests.simulated_target import FOREVER, SimulatedWorld


@pytest.fixture
def world(tmp_path: Path) -> SimulatedWorld:
    made = SimulatedWorld(tmp_path)
    made.store.values = {STARTS: lambda _end, _hit: 0.995, ERRORS: lambda _end, _hit: 0.001}
    return made


def hang(zone: str = "a", service: str = "api", for_ms: int = 15_000, **more: Any) -> Step:
    select = Select({"zone": (f"us-east-1{zone}",), "service": (service,)})
    return Step("instance-hang", select, {}, for_ms, **more)


def slow(for_ms: int = 15_000, **more: Any) -> Step:
    select = Select({"zone": ("us-east-1b",), "service": ("edge",)})
    return Step(
        "network-latency", select, more.pop("parameters", {"delay_ms": 400.0}), for_ms, **more
    )


def method(*items: Item, **changes: Any) -> Experiment:
    return make_experiment(method=items, **changes)


def moments(world: SimulatedWorld) -> list[tuple[str, str, int]]:
    """Each undo record's way in and out, with the seconds since the first of all."""
    seen = []
    fault_of = {e["record"]["id"]: e["record"]["fault"] for e in world.told("record")}
    start_ms = world.told("inject")[0]["t_ms"]
    for event in world.events:
        if event["event"] == "inject":
            seen.append(("in", event["fault"], round((event["t_ms"] - start_ms) / 1000)))
        if event["event"] == "undo" and event["ok"]:
            name = fault_of[event["record_id"]]
            seen.append(("out", name, round((event["t_ms"] - start_ms) / 1000)))
    return seen


def test_parallel_items_overlap_and_each_goes_out_at_its_own_end(world: SimulatedWorld) -> None:
    both = Parallel((hang(for_ms=20_000), slow(for_ms=5_000, after_ms=3_000)))
    result = run(world, method(both))
    assert result.verdict is Verdict.PASSED, result.reason
    assert moments(world) == [
        ("in", "instance-hang", 0), ("in", "network-latency", 3), ("out", "network-latency", 8),
        ("out", "instance-hang", 20),
    ]  # fmt: skip
    assert_clean(world, result)
    span_ms = result.detail["removing_ms"] - result.detail["injected_ms"]
    assert span_ms == pytest.approx(20_000, abs=1_000)  # from the first in to the last out


def test_what_is_first_in_may_be_first_out(world: SimulatedWorld) -> None:
    both = Parallel((hang(for_ms=6_000), slow(for_ms=15_000)))
    result = run(world, method(both))
    assert [what[:2] for what in moments(world)[2:]] == [
        ("out", "instance-hang"), ("out", "network-latency"),
    ]  # fmt: skip
    assert_clean(world, result)


def test_serial_lanes_run_inside_of_a_parallel(world: SimulatedWorld) -> None:
    lane = Serial((Wait(2_000), hang(for_ms=4_000), Wait(3_000), hang("b", for_ms=4_000)))
    result = run(world, method(Parallel((slow(for_ms=18_000), lane))))
    assert [what for what in moments(world) if what[1] == "instance-hang"] == [
        ("in", "instance-hang", 2), ("out", "instance-hang", 6),
        ("in", "instance-hang", 9), ("out", "instance-hang", 13),
    ]  # fmt: skip
    assert_clean(world, result)


def test_repeat_goes_in_and_out_with_a_pause_between(world: SimulatedWorld) -> None:
    result = run(world, method(hang(for_ms=5_000, times=3, pause_ms=4_000)))
    assert [(what, at) for what, _, at in moments(world)] == [
        ("in", 0), ("out", 5), ("in", 9), ("out", 14), ("in", 18), ("out", 23),
    ]  # fmt: skip
    assert result.verdict is Verdict.PASSED, result.reason
    assert result.detail["undo"] == {"done": 3, "of": 3, "errors": []}
    assert_clean(world, result)


RAMP = Ramp("delay_ms", (100.0, 200.0, 300.0), 9_000)


def test_ramp_never_has_two_levels_in_and_writes_each_before_the_last_goes(
    world: SimulatedWorld,
) -> None:
    result = run(world, method(slow(for_ms=15_000, ramp=RAMP, parameters={})))
    assert result.verdict is Verdict.PASSED, result.reason
    assert [at for what, _, at in moments(world) if what == "in"] == [0, 3, 6]
    assert [e["record"]["detail"]["delay_ms"] for e in world.told("record")] == [100, 200, 300]
    in_force: set[str] = set()
    for what, id_ in world.target.log:
        in_force ^= {id_}
        assert len(in_force) <= 1, what
    order = [e["event"] for e in world.events if e["event"] in ("record", "remove", "inject")]
    assert order == ["record", "inject", *2 * ["record", "remove", "inject"], "remove"]
    assert_clean(world, result)


def test_ramp_is_inconclusive_when_a_level_is_not_seen(world: SimulatedWorld) -> None:
    world.at_event("confirm", lambda: setattr(world.target, "is_deaf", True))
    result = run(world, method(slow(for_ms=15_000, ramp=RAMP, parameters={})))
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "not seen at the target" in result.reason
    assert_clean(world, result)


def test_nothing_more_goes_in_when_something_would_not_go_out(world: SimulatedWorld) -> None:
    world.at_event("confirm", lambda: setattr(world.target, "undo_failures", 4))
    result = run(world, method(hang(for_ms=4_000), slow(for_ms=10_000)))
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "no more goes in while instance-hang stays" in result.reason
    assert [e["fault"] for e in world.told("inject")] == ["instance-hang"]
    assert_clean(world, result)  # three tries by the method, and then one more was enough


def test_a_ramp_stays_at_its_level_when_that_would_not_go_out(world: SimulatedWorld) -> None:
    world.at_event("confirm", lambda: setattr(world.target, "undo_failures", math.inf))
    result = run(world, method(slow(for_ms=15_000, ramp=RAMP, parameters={})))
    assert (result.undo, result.exit_code) == (UndoState.INCOMPLETE, 6)
    assert [what for what, _ in world.target.log].count("inject") == 1


def test_undo_that_fails_twice_then_works_lets_the_method_go_on(world: SimulatedWorld) -> None:
    world.at_event("confirm", lambda: setattr(world.target, "undo_failures", 2))
    result = run(world, method(hang(for_ms=5_000), slow(for_ms=10_000)))
    assert result.verdict is Verdict.PASSED, result.reason
    assert_clean(world, result)


def test_targets_that_vanish_before_their_turn_end_the_method(world: SimulatedWorld) -> None:
    gone = "i-11api"
    world.at_event("confirm", lambda: world.target.killed.add(gone), after_s=2)
    result = run(world, method(Parallel((hang(for_ms=12_000), hang("b", after_ms=5_000)))))
    assert result.verdict is Verdict.INCONCLUSIVE
    assert gone in result.reason
    assert_clean(world, result)


def _silence(world: SimulatedWorld) -> None:
    world.store.silent_from_ms = world.time.now_ms()


def _collapse(world: SimulatedWorld) -> None:
    now_ms = world.time.now_ms()
    world.store.values["sps"] = lambda end, _hit: 1.0 if end > now_ms else 100.0


SPS = StopCondition(
    "sps", Condition(Comparison.BELOW, (Limit(0.5, True, "50% of baseline"),)), "starts"
)


@pytest.mark.parametrize(
    ("trouble", "verdict", "reason"),
    [
        (_silence, Verdict.INCONCLUSIVE, "no data for"),
        (_collapse, Verdict.ABORTED, "stop condition: starts"),
        (lambda w: w.signals.send(signal.SIGTERM), Verdict.ABORTED, "ended by SIGTERM"),
        (lambda w: w.watchdogs[0].die(), Verdict.ABORTED, "watchdog"),
    ],
)
@pytest.mark.parametrize("after_s", [1, 7, 13])
def test_everything_that_is_in_goes_out_in_reverse_when_the_method_is_cut_short(
    world: SimulatedWorld,
    trouble: Callable[[SimulatedWorld], None],
    verdict: Verdict,
    reason: str,
    after_s: int,
) -> None:
    """At 1 s both are in, at 7 s it pauses between two times, at 13 s a ramp goes on."""
    world.store.values["sps"] = lambda _end, _hit: 100.0
    lanes = Parallel((hang(for_ms=5_000, times=2, pause_ms=9_000), slow(for_ms=4_000)))
    ramp = slow(for_ms=15_000, after_ms=3_000, ramp=RAMP, parameters={})
    world.at_event("confirm", lambda: trouble(world), after_s=after_s)
    result = run(world, method(lanes, ramp, stop=(SPS,)))
    assert result.verdict is verdict, result.reason
    assert reason in result.reason
    last = max(i for i, event in enumerate(world.events) if event["event"] == "remove")
    undone = [e["record_id"] for e in world.events[last:] if e["event"] == "undo"]
    injected = [id_ for what, id_ in world.target.log if what == "inject"]
    assert undone == sorted(undone, key=injected.index, reverse=True)
    assert_clean(world, result)


def test_stop_condition_before_anything_went_in_is_not_started(world: SimulatedWorld) -> None:
    world.store.values["sps"] = lambda _end, _hit: 100.0
    world.at_event("baseline", lambda: None)
    world.at(25, lambda: _collapse(world))
    result = run(world, method(Wait(60_000), hang(), stop=(SPS,)))
    assert result.verdict is Verdict.NOT_STARTED
    assert result.reason.startswith("before anything was injected: stop condition starts")
    assert world.target.log == []


BROKEN = Branch("errors stay rare", False, (slow(for_ms=5_000),), (hang("b", for_ms=3_000),))


def test_branch_goes_the_way_that_the_check_stands(world: SimulatedWorld) -> None:
    result = run(world, method(hang(), BROKEN))
    assert [e["way"] for e in world.told("branch")] == ["else"]
    assert [e["fault"] for e in world.told("inject")] == ["instance-hang"] * 2
    assert_clean(world, result)


def test_branch_counts_what_happened_up_to_it(world: SimulatedWorld) -> None:
    world.store.values[ERRORS] = lambda _end, hit: 0.05 if hit else 0.001
    result = run(world, method(hang(), BROKEN))
    assert [e["way"] for e in world.told("branch")] == ["then"]
    assert [e["fault"] for e in world.told("inject")] == ["instance-hang", "network-latency"]
    assert result.verdict is Verdict.FAILED
    assert_clean(world, result)


def test_branch_without_data_goes_neither_way(world: SimulatedWorld) -> None:
    """Also if the check itself would not mind: nobody knows which way is the right one."""
    checks = make_experiment().hypothesis
    checks = (checks[0], replace(checks[1], no_data=NoData.IGNORE))
    world.at_event("confirm", lambda: world.store.values.update({ERRORS: lambda *_: math.nan}))
    result = run(world, method(hang(for_ms=10_500), BROKEN, hypothesis=checks))
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "errors stay rare: no data to branch on" in result.reason
    assert [e["way"] for e in world.told("branch")] == ["none"]
    assert len(world.told("inject")) == 1
    assert_clean(world, result)


def test_a_method_whose_branch_injects_nothing_is_inconclusive(world: SimulatedWorld) -> None:
    result = run(world, method(Branch("errors stay rare", False, (hang(),))))
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "no branch that was taken injects anything" in result.reason
    assert_clean(world, result)


def person(world: SimulatedWorld, after_s: float, says: bool = True) -> Callable[..., bool]:
    def wait_for_person(_text: str, _is_over: Callable[[], bool]) -> bool:
        world.time.spend(after_s)
        return says

    return wait_for_person


ASK = Manual("pull the plug", 30_000)


def test_manual_step_goes_on_when_a_person_says_so(world: SimulatedWorld) -> None:
    lanes = Parallel((slow(for_ms=20_000), Serial((ASK, hang(for_ms=5_000)))))
    result = run(world, method(lanes), wait_for_person=person(world, 6))
    assert result.verdict is Verdict.PASSED, result.reason
    assert moments(world)[:2] == [("in", "network-latency", 0), ("in", "instance-hang", 6)]
    assert [e["state"] for e in world.told("manual")] == ["asked", "done"]
    assert_clean(world, result)


@pytest.mark.parametrize(
    ("after_s", "says", "why"),
    [(FOREVER, True, "not done in 30 s"), (3, False, "terminal is gone")],
)
def test_manual_step_that_nobody_does(
    world: SimulatedWorld, after_s: float, says: bool, why: str
) -> None:
    result = run(world, method(hang(), ASK, slow()), wait_for_person=person(world, after_s, says))
    assert (result.verdict, result.exit_code) == (Verdict.ABORTED, 5)
    assert why in result.reason
    assert_clean(world, result)


def test_manual_step_that_nobody_does_at_the_start_is_not_started(world: SimulatedWorld) -> None:
    result = run(world, method(ASK, hang()), wait_for_person=person(world, FOREVER))
    assert result.verdict is Verdict.NOT_STARTED
    assert world.target.log == []


def test_manual_step_without_anybody_to_ask_is_not_started(world: SimulatedWorld) -> None:
    result = run(world, method(hang(), Branch("errors stay rare", True, (ASK,))))
    assert (result.verdict, result.exit_code) == (Verdict.NOT_STARTED, 3)
    assert "nobody is there" in result.reason
    assert world.target.log == []
    assert world.told("warmup") == []


def test_load_goes_up_beside_a_fault_and_back(world: SimulatedWorld) -> None:
    rates: list[float] = []
    world.at_event("confirm", lambda: rates.append(world.target.per_second))
    result = run(world, method(Parallel((Load(2.0, 15_000), hang(for_ms=5_000, after_ms=5_000)))))
    assert result.verdict is Verdict.PASSED, result.reason
    assert rates == [60.0]
    assert world.target.per_second == 30.0
    assert_clean(world, result)


def test_load_that_the_target_does_not_take_is_inconclusive(world: SimulatedWorld) -> None:
    world.target.is_deaf = True
    result = run(world, method(Load(2.0, 15_000)))
    assert result.verdict is Verdict.INCONCLUSIVE
    assert_clean(world, result)


def test_recovery_is_measured_also_long_after_the_last_removal(world: SimulatedWorld) -> None:
    result = run(world, method(hang(), Wait(90_000)))
    assert result.verdict is Verdict.PASSED, result.reason
    assert result.detail["recovery_ms"] < 5_000
