"""Runs that are ended, hindered or refused, in virtual time: undo comes first."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from chaosctl.engine.journal import read_journal
from chaosctl.engine.result import RunResult
from chaosctl.engine.run import World
from chaosctl.errors import TargetUnreachable
from chaosctl.experiment.model import (
    Select,
    Step,
)
from chaosctl.judge.verdict import UndoState, Verdict
from monkeys.target import Capability
from tests.simulated_run import ERRORS, STARTS, assert_clean, make_experiment, run
from tests.simulated_target import FOREVER, SimulatedWorld


@pytest.fixture
def world(tmp_path: Path) -> SimulatedWorld:
    made = SimulatedWorld(tmp_path)
    made.store.values = {STARTS: lambda _end, _hit: 0.995, ERRORS: lambda _end, _hit: 0.001}
    return made


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


def test_run_interrupted_before_its_watchdog_starts_none(world: SimulatedWorld) -> None:
    world.at_event("lock", lambda: world.signals.send(signal.SIGTERM))
    result = run(world)
    assert (result.verdict, result.exit_code) == (Verdict.ABORTED, 143)
    assert world.watchdogs == []
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
