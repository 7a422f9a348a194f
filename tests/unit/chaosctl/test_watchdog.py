"""The watchdog's decisions; that it really outlives a run is tested with real processes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from chaosctl import watchdog
from chaosctl.engine.journal import create_journal, read_journal
from chaosctl.engine.lease import DONE, LEFT, RENEW
from chaosctl.engine.process import identify
from monkeys.errors import TargetFailed
from monkeys.target import UndoRecord
from tests.simulated_target import SimulatedWorld


@pytest.mark.parametrize(
    ("words", "closes", "why"),
    [
        (RENEW + DONE, False, ""),
        (RENEW + LEFT, False, "left"),
        (RENEW, True, "the run died"),
        (RENEW, False, "the run did not renew its lease for 0.05 s"),
    ],
)
def test_watchdog_knows_why_it_has_something_to_do(
    monkeypatch: pytest.MonkeyPatch, words: bytes, closes: bool, why: str
) -> None:
    monkeypatch.setattr(watchdog, "LEASE_S", 0.05)
    reader, writer = os.pipe()
    os.write(writer, words)
    if closes:
        os.close(writer)
    assert watchdog._wait_for_end(reader) == why
    os.close(reader)
    if not closes:
        os.close(writer)


def leave_run(world: SimulatedWorld, *events: str) -> Path:
    folder = world.context.runs_dir / "20260101-0000-aaa"
    folder.mkdir(parents=True)
    journal = create_journal(folder, world.context)
    journal.append("start", process=identify().as_json())
    record = UndoRecord("r", "instance-hang", "demo", "signal")
    journal.append("record", record=record.as_json())
    for event in events:
        journal.append(event)
    journal.close()
    return folder


class Target:
    def __init__(self, failures: int = 0) -> None:
        self.failures, self.asked = failures, 0

    def undo(self, _record: UndoRecord) -> None:
        self.asked += 1
        if self.asked <= self.failures:
            raise TargetFailed("stuck")


def test_watchdog_reads_from_the_journal_whom_to_fence(tmp_path: Path) -> None:
    folder = leave_run(SimulatedWorld(tmp_path))
    assert watchdog._run_process(folder) == identify()


def test_watchdog_tries_until_it_is_clean(tmp_path: Path) -> None:
    world, target = SimulatedWorld(tmp_path), Target(failures=10)
    folder = leave_run(world, "inject", "injected")
    watchdog._undo_until_clean(folder, world.context, lambda _driver: target, "the run died")
    assert target.asked == 11
    verdict = read_journal(folder)[-1]
    assert (verdict["verdict"], verdict["undo"], verdict["by"]) == ("aborted", "clean", "watchdog")


def test_watchdog_gives_up_in_the_end_and_says_so(tmp_path: Path) -> None:
    world, target = SimulatedWorld(tmp_path), Target(failures=1000)
    folder = leave_run(world, "inject", "injected")
    watchdog._undo_until_clean(folder, world.context, lambda _driver: target, "the run died")
    verdict = read_journal(folder)[-1]
    assert (verdict["undo"], verdict["exit_code"]) == ("incomplete", 6)
    assert verdict["fix"] == "chaosctl undo 20260101-0000-aaa"


def test_watchdog_undoes_again_when_the_run_died_injecting(tmp_path: Path) -> None:
    world, target = SimulatedWorld(tmp_path), Target()
    folder = leave_run(world, "inject")
    watchdog._undo_until_clean(folder, world.context, lambda _driver: target, "the run died")
    assert target.asked == 2
    assert world.time.now_s >= watchdog.STRAGGLER_S
