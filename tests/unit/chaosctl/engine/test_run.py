"""Whole runs in virtual time: each verdict, and each thing that can go wrong on the way."""

from __future__ import annotations

import json
import math
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chaosctl.engine import Setup, World, read_journal, run_experiment
from chaosctl.engine.run import RunResult
from chaosctl.errors import ChaosctlError, StoreSilent, TargetUnreachable
from chaosctl.experiment.model import (
    Check,
    Comparison,
    Condition,
    Experiment,
    Limit,
    Limits,
    NoData,
    Select,
    Step,
    StopCondition,
    TargetSpec,
)
from chaosctl.judge.verdict import UndoState, Verdict
from monkeys.faults import FAULTS
from monkeys.target import Capability
from tests.simulated_target import FOREVER, SimulatedWorld

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


@pytest.fixture
def world(tmp_path: Path) -> SimulatedWorld:
    made = SimulatedWorld(tmp_path)
    made.store.values = {STARTS: lambda _end, _hit: 0.995, ERRORS: lambda _end, _hit: 0.001}
    return made


def run(
    world: SimulatedWorld,
    experiment: Experiment | None = None,
    open_world: Callable[[Any], World] | None = None,
) -> RunResult:
    setup = Setup(
        experiment=experiment or make_experiment(),
        document="title: Losing one zone\n",
        seed=1,
        faults=FAULTS,
        open_world=open_world or (lambda _say: World(world.target, world.store)),
        listen=world.listen,
        start_watchdog=world.start_watchdog,
    )
    return run_experiment(setup, world.context)


def assert_clean(world: SimulatedWorld, result: RunResult) -> None:
    assert world.target.in_force == {}
    assert result.undo is UndoState.CLEAN
    assert [w.last_word for w in world.watchdogs] in ([], ["done"])
    assert world.told("verdict")[-1]["verdict"] == result.verdict


def test_run_passes_when_nobody_notices(world: SimulatedWorld) -> None:
    result = run(world)
    assert (result.verdict, result.exit_code) == (Verdict.PASSED, 0), result.reason
    assert_clean(world, result)
    names = list(dict.fromkeys(e["event"] for e in world.events))
    assert names == [
        "start", "platform", "plan", "lock", "watchdog", "warmup", "sample", "check", "baseline",
        "look", "record", "inject", "injected", "confirm", "remove", "undo", "removed", "recovery",
        "verdict",
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


def test_run_undoes_again_when_undo_fails_twice(world: SimulatedWorld) -> None:
    world.target.undo_failures = 2
    result = run(world)
    assert result.verdict is Verdict.PASSED
    assert [e["ok"] for e in world.told("undo")] == [False, False, True]
    assert_clean(world, result)


@pytest.mark.parametrize(("failures", "takes_s"), [(FOREVER, 0.01), (0, FOREVER)])
def test_run_leaves_undo_to_the_watchdog_when_it_never_works(
    world: SimulatedWorld, failures: float, takes_s: float
) -> None:
    world.target.undo_failures, world.target.undo_takes_s = failures, takes_s
    result = run(world)
    assert result.exit_code == 6
    assert result.undo is UndoState.INCOMPLETE
    assert result.fix == f"chaosctl undo {result.run_id}"
    assert "it will not let go" in result.reason or "did not answer within" in result.reason
    assert world.watchdogs[0].last_word == "left"


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
@pytest.mark.parametrize("when", ["lock", "warmup", "baseline", "look", "injected", "confirm",
                                  "remove", "removed"])  # fmt: skip
def test_run_is_aborted_and_undone_by_a_signal(
    world: SimulatedWorld, when: str, number: int, code: int
) -> None:
    sent_s: list[float] = []

    def send() -> None:
        sent_s.append(world.time.now_s)
        world.signals.send(number)

    world.at_event(when, send, after_s=0.05 if when != "remove" else 0.001)
    result = run(world)
    assert (result.verdict, result.exit_code) == (Verdict.ABORTED, code)
    assert signal.Signals(number).name in result.reason
    assert world.time.now_s - sent_s[0] <= 2.0
    assert_clean(world, result)


def test_run_says_so_and_leaves_when_interrupted_three_times(world: SimulatedWorld) -> None:
    world.target.undo_takes_s = 5.0
    for after_s in (2.0, 3.0, 4.0):
        world.at_event("confirm", lambda: world.signals.send(signal.SIGINT), after_s=after_s)
    result = run(world)
    notes = [e["text"] for e in world.told("note")]
    assert "undo is still running (0 of 1); a third Ctrl-C leaves it to the watchdog" in notes
    assert result.exit_code == 6
    assert "left to the watchdog" in result.reason
    assert world.watchdogs[0].last_word == "left"


def test_run_tells_why_it_was_halted(world: SimulatedWorld) -> None:
    def halt() -> None:
        (folder,) = world.context.runs_dir.iterdir()
        (folder / "halt").write_text("pager went off\n")
        world.signals.send(signal.SIGUSR1)

    world.at_event("confirm", halt, after_s=1)
    result = run(world)
    assert (result.verdict, result.exit_code) == (Verdict.ABORTED, 5)
    assert result.reason == "ended by halt: pager went off"
    assert_clean(world, result)


def test_run_takes_the_fault_out_when_its_watchdog_dies(world: SimulatedWorld) -> None:
    world.at_event("confirm", lambda: [w.die() for w in world.watchdogs], after_s=1)
    result = run(world)
    assert (result.verdict, result.exit_code) == (Verdict.ABORTED, 5)
    assert "watchdog" in result.reason
    assert_clean(world, result)


def test_run_goes_on_when_the_terminal_is_gone(world: SimulatedWorld) -> None:
    listen = world.listen

    def lose_terminal(event: Any) -> None:
        listen(event)
        if event["event"] == "confirm":
            raise BrokenPipeError

    world.listen = lose_terminal  # type: ignore[method-assign]
    result = run(world)
    assert result.verdict is Verdict.PASSED
    assert world.events[-1]["event"] == "confirm"


def test_run_undoes_before_a_bug_of_ours_comes_out(world: SimulatedWorld) -> None:
    listen = world.listen

    def break_down(event: Any) -> None:
        listen(event)
        if event["event"] == "confirm":
            raise ZeroDivisionError

    world.listen = break_down  # type: ignore[method-assign]
    with pytest.raises(ZeroDivisionError):
        run(world)
    assert world.target.in_force == {}
    assert world.watchdogs[0].last_word == "done"


def test_run_is_refused_while_another_has_the_target(world: SimulatedWorld) -> None:
    results: list[RunResult] = []
    world.at_event("confirm", lambda: results.append(run(SimulatedWorld(world_folder(world)))))
    first = run(world)
    assert first.verdict is Verdict.PASSED
    assert (results[0].verdict, results[0].exit_code) == (Verdict.NOT_STARTED, 3)
    assert f"taken by run {first.run_id}" in results[0].reason


def world_folder(world: SimulatedWorld) -> Path:
    return world.context.state_dir.parent


def test_run_is_not_started_when_the_world_cannot_be_opened(world: SimulatedWorld) -> None:
    def fail(_say: Any) -> World:
        raise TargetUnreachable("platform does not come up", fix="`chaosctl doctor`")

    result = run(world, open_world=fail)
    assert (result.verdict, result.exit_code) == (Verdict.NOT_STARTED, 3)
    assert result.fix == "`chaosctl doctor`"


def test_run_is_invalid_when_nobody_is_selected(world: SimulatedWorld) -> None:
    nowhere = Step("instance-kill", Select({"zone": ("us-east-9z",)}), {}, 20_000)
    result = run(world, make_experiment(method=(nowhere,)))
    assert (result.verdict, result.exit_code) == (Verdict.INVALID, 2)
    assert "no instance matches" in result.reason


def test_run_is_not_started_when_the_target_lacks_a_capability(world: SimulatedWorld) -> None:
    world.target.lacking = frozenset({Capability.CUT})
    result = run(world)
    assert (result.verdict, result.exit_code) == (Verdict.NOT_STARTED, 3)
    assert result.fix == "do it for real"


def test_run_does_several_steps_one_after_the_other(world: SimulatedWorld) -> None:
    hang = Step("instance-hang", Select({"id": ("i-00api",)}), {}, 12_000)
    slow = Step("network-latency", Select({"id": ("i-10api",)}), {"delay_ms": 400.0}, 12_000)
    result = run(world, make_experiment(method=(hang, slow)))
    assert result.verdict is Verdict.PASSED, result.reason
    assert [what for what, _ in world.target.log] == ["inject", "undo", "inject", "undo"]
    assert_clean(world, result)


def test_run_writes_the_record_before_it_injects(
    world: SimulatedWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    sync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: (synced.append("sync"), sync(fd))[1])
    inject = type(world.target).inject

    def check_then_inject(target: Any, record: Any) -> None:
        (folder,) = world.context.runs_dir.iterdir()
        assert record.id in {e["record"]["id"] for e in read_journal(folder) if "record" in e}
        inject(target, record)

    monkeypatch.setattr(type(world.target), "inject", check_then_inject)
    assert run(world).verdict is Verdict.PASSED
