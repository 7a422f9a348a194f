"""A disk that fills up: no record, no injection; and what is injected is undone all the same."""

from __future__ import annotations

import errno
import functools
import os
from pathlib import Path

import pytest

import chaosctl.engine.run as run_module
from chaosctl.engine.journal import create_journal, parse_journal, read_journal
from chaosctl.engine.result import RunResult
from chaosctl.engine.run import Setup, World, run_experiment
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
from chaosctl.judge.verdict import UndoState, Verdict
from monkeys.faults import FAULTS
from tests.simulated_target import SimulatedWorld


class Disk:
    """Takes everything until it is full; then a part of one line, and nothing more."""

    def __init__(self) -> None:
        self.is_full = False
        self._part_left = 20

    def write(self, descriptor: int, data: bytes) -> int:
        if not self.is_full:
            return os.write(descriptor, data)
        if self._part_left:
            part, self._part_left = data[: self._part_left], 0
            return os.write(descriptor, part)
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    made = Disk()
    monkeypatch.setattr(
        run_module, "create_journal", functools.partial(create_journal, write=made.write)
    )
    return made


@pytest.fixture
def world(tmp_path: Path) -> SimulatedWorld:
    return SimulatedWorld(tmp_path)


def run(world: SimulatedWorld) -> RunResult:
    fine = Condition(Comparison.AT_LEAST, (Limit(0.9, False, "0.9"),))
    experiment = Experiment(
        name="hang",
        title="One hangs",
        target=TargetSpec("demo"),
        baseline_ms=5000,
        hypothesis=(Check("fine", "fine", fine),),
        method=(Step("instance-hang", Select(count=1, take_all=False), {}, 10_000),),
    )
    setup = Setup(
        experiment=experiment,
        document="",
        seed=1,
        faults=FAULTS,
        open_world=lambda _say: World(world.target, world.store),
        listen=world.listen,
        start_watchdog=world.start_watchdog,
    )
    return run_experiment(setup, world.context)


def test_run_injects_nothing_when_the_record_cannot_be_written(
    world: SimulatedWorld, disk: Disk
) -> None:
    world.at_event("baseline", lambda: setattr(disk, "is_full", True), after_s=1)
    result = run(world)
    assert (result.verdict, result.exit_code) == (Verdict.INCONCLUSIVE, 4)
    assert "journal cannot be written: No space left on device; nothing was injected" in (
        result.reason
    )
    assert "CHAOSCTL_STATE_DIR" in result.fix
    assert world.target.log == []
    assert world.watchdogs[0].last_word == "done"


@pytest.mark.parametrize("event", ["inject", "injected", "confirm", "remove"])
def test_run_undoes_all_the_same_when_the_disk_is_full(
    world: SimulatedWorld, disk: Disk, event: str
) -> None:
    world.at_event(event, lambda: setattr(disk, "is_full", True), after_s=0.005)
    result = run(world)
    assert result.verdict is Verdict.PASSED, result.reason
    assert (result.undo, world.target.in_force) == (UndoState.CLEAN, {})
    assert "going on from memory" in world.told("note")[0]["text"]


def test_journal_catches_up_when_there_is_room_again(world: SimulatedWorld, disk: Disk) -> None:
    world.at_event("confirm", lambda: setattr(disk, "is_full", True))
    world.at_event("confirm", lambda: setattr(disk, "is_full", False), after_s=4)
    result = run(world)
    assert result.folder is not None
    assert read_journal(result.folder) == parse_journal(
        (result.folder / "journal.jsonl").read_bytes()
    )
    seqs = [e["seq"] for e in read_journal(result.folder)]
    assert seqs == list(range(len(seqs)))


def test_run_is_not_started_when_no_folder_can_be_made(
    world: SimulatedWorld, tmp_path: Path
) -> None:
    (tmp_path / "state").write_text("in the way")
    result = run(world)
    assert (result.verdict, result.exit_code, result.folder) == (Verdict.NOT_STARTED, 3, None)
    assert "CHAOSCTL_STATE_DIR" in result.fix
    assert world.signals.inbox is None
