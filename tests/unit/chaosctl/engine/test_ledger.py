"""The ledger, recover and undo: from what dead runs left in their folders."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

import pytest

from chaosctl.engine.halt import halt_all
from chaosctl.engine.journal import create_journal, read_journal, reopen_journal
from chaosctl.engine.ledger import RunState, find_run, list_open_runs
from chaosctl.engine.process import identify
from chaosctl.engine.recover import finish_undo, recover, undo_run
from chaosctl.engine.result import read_result
from chaosctl.errors import ChaosctlError, NotStarted
from chaosctl.report.runs import render_runs
from monkeys.errors import TargetFailed
from monkeys.target import UndoRecord
from tests.simulated_run import run
from tests.simulated_target import SimulatedWorld

NOBODY = {"pid": 1 << 22, "started_ticks": 1, "boot": ""}


class Target:
    def __init__(self, error: str = "") -> None:
        self.error, self.undone = error, list[str]()

    def undo(self, record: UndoRecord) -> None:
        if self.error:
            raise TargetFailed(self.error)
        self.undone.append(record.id)


@pytest.fixture
def world(tmp_path: Path) -> SimulatedWorld:
    return SimulatedWorld(tmp_path)


def leave_run(
    world: SimulatedWorld, name: str, *, process: dict[str, Any] | None = None, records: int = 0
) -> Path:
    folder = world.context.runs_dir / name
    folder.mkdir(parents=True)
    journal = create_journal(folder, world.context)
    about = {"source": "hang.yaml", "sha256": "0" * 64, "driver": "demo", "seed": 7}
    journal.append(
        "start", experiment="hang", title="One hangs", process=process or NOBODY, **about
    )
    for number in range(records):
        record = UndoRecord(f"{name}-{number}", "instance-hang", "demo", "signal")
        journal.append("record", record=record.as_json())
    if records:
        journal.append("inject")
    journal.close()
    return folder


def test_ledger_tells_dead_from_alive(world: SimulatedWorld) -> None:
    leave_run(world, "20260101-0000-aaa", records=2)
    leave_run(world, "20260101-0001-bbb", process=identify().as_json())
    (world.context.runs_dir / "20260101-0002-ccc").mkdir()
    dead, alive = list_open_runs(world.context)
    assert (dead.state, dead.records, dead.undone, dead.pid) == (RunState.UNFINISHED, 2, 0, 0)
    assert (dead.phase, dead.experiment, dead.verdict) == ("inject", "hang", "")
    assert (alive.state, alive.pid) == (RunState.ACTIVE, identify().pid)


def test_run_is_found_by_its_end(world: SimulatedWorld) -> None:
    leave_run(world, "20260101-0000-aaa")
    leave_run(world, "20260101-0000-baa")
    assert find_run(world.context, "baa").id == "20260101-0000-baa"
    assert find_run(world.context, "last").id == "20260101-0000-baa"
    with pytest.raises(ChaosctlError, match="2 runs end in 'aa'"):
        find_run(world.context, "aa")
    with pytest.raises(ChaosctlError, match="no run 'zzz'") as caught:
        find_run(world.context, "zzz")
    assert "20260101-0000-aaa" in caught.value.fix


def test_recover_undoes_dead_runs_backwards_and_once(world: SimulatedWorld) -> None:
    folder = leave_run(world, "20260101-0000-aaa", records=2)
    target = Target()
    (report,) = recover(world.context, lambda _driver: target)
    assert report.state == "clean"
    assert target.undone == ["20260101-0000-aaa-1", "20260101-0000-aaa-0"]
    assert recover(world.context, lambda _driver: target) == []
    events = [e["event"] for e in read_journal(folder)]
    assert events == ["start", "record", "record", "inject", "undo", "undo", "verdict"]
    result = json.loads((folder / "result.json").read_text())
    assert (result["verdict"], result["undo"]) == ("aborted", "clean")
    summary = find_run(world.context, "last")
    assert summary.reason == "ended by recover: the run died"


@pytest.mark.parametrize(("damaged", "known"), [(0, [1, 0]), (1, [1])])
def test_a_damaged_line_hides_no_other_and_leaves_doubt(
    world: SimulatedWorld, damaged: int, known: list[int]
) -> None:
    folder = leave_run(world, "20260101-0000-aaa", records=2)
    lines = (folder / "journal.jsonl").read_bytes().split(b"\n")
    lines[damaged] = b"\x00\x00" + lines[damaged][2:]
    (folder / "journal.jsonl").write_bytes(b"\n".join(lines))
    assert [run.state for run in list_open_runs(world.context)] == [RunState.UNFINISHED]
    target = Target()
    (report,) = recover(world.context, lambda _driver: target)
    assert target.undone == [f"20260101-0000-aaa-{number}" for number in known]
    assert report.state == "unknown"
    assert "an undo record may be lost" in report.results[-1].error
    result = json.loads((folder / "result.json").read_text())
    assert (result["undo"], result["exit_code"]) == ("unknown", 6)
    undo = result["detail"]["undo"]
    assert (undo["done"], undo["of"], len(undo["errors"])) == (len(known), len(known), 1)
    assert f"then remove {folder}" in result["fix"]
    assert [run.state for run in list_open_runs(world.context)] == [RunState.UNFINISHED]


def test_a_line_that_was_torn_leaves_no_doubt(world: SimulatedWorld) -> None:
    folder = leave_run(world, "20260101-0000-aaa", records=2)
    with (folder / "journal.jsonl").open("ab") as file:
        file.write(b'{"schema":"chaosctl/jour')
    (report,) = recover(world.context, lambda _driver: Target())
    assert (report.state, len(report.results)) == ("clean", 2)
    assert list_open_runs(world.context) == []


def test_a_run_of_a_newer_version_is_left_until_that_version_has_undone_it(
    world: SimulatedWorld,
) -> None:
    path = leave_run(world, "20260101-0000-aaa", records=1) / "journal.jsonl"
    path.write_text(path.read_text().replace("chaosctl/journal/v1", "chaosctl/journal/v9"))
    (run,) = list_open_runs(world.context)
    assert (run.state, run.is_left) == (RunState.UNFINISHED, True)
    assert "journal has schema 'chaosctl/journal/v9'" in run.reason
    (report,) = recover(world.context, lambda _driver: Target())
    assert report.state == "unknown"
    assert "chaosctl/journal/v9" in report.results[0].error
    assert not path.with_name("result.json").exists()


def test_result_of_a_killed_run_says_what_it_was(world: SimulatedWorld) -> None:
    folder = leave_run(world, "20260101-0000-aaa", records=2)
    recover(world.context, lambda _driver: Target())
    result = read_result(folder)
    assert result.detail == {
        "experiment": "hang",
        "title": "One hangs",
        "seed": 7,
        "document": {"source": "hang.yaml", "sha256": "0" * 64},
        "target": {"driver": "demo"},
        "undo": {"done": 2, "of": 2, "errors": []},
    }


def test_recover_says_incomplete_and_stays_responsible(world: SimulatedWorld) -> None:
    leave_run(world, "20260101-0000-aaa", records=1)
    (report,) = recover(world.context, lambda _driver: Target("stuck"))
    assert (report.state, report.results[0].error) == ("incomplete", "stuck")
    assert list_open_runs(world.context)[0].state is RunState.UNFINISHED
    (report,) = recover(world.context, lambda _driver: Target())
    assert report.state == "clean"


def test_recover_works_in_a_folder_that_cannot_be_written(
    world: SimulatedWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave_run(world, "20260101-0000-aaa", records=1)

    def fail(*_arguments: Any) -> Any:
        raise OSError(28, "No space left on device")

    # The module, which its function of the same name hides in the package.
    module = sys.modules["chaosctl.engine.recover"]
    monkeypatch.setattr(module, "reopen_journal", fail)
    monkeypatch.setattr(module, "write_whole", fail)
    target = Target()
    (report,) = recover(world.context, lambda _driver: target)
    assert (report.state, len(target.undone)) == ("clean", 1)


def test_undo_does_it_again_and_not_under_a_living_run(world: SimulatedWorld) -> None:
    leave_run(world, "20260101-0000-aaa", records=1)
    target = Target()
    recover(world.context, lambda _driver: target)
    report = undo_run(world.context, find_run(world.context, "aaa"), lambda _driver: target)
    assert (report.state, len(target.undone)) == ("clean", 2)
    leave_run(world, "20260101-0001-bbb", process=identify().as_json())
    with pytest.raises(NotStarted, match="still active"):
        undo_run(world.context, find_run(world.context, "bbb"), lambda _driver: target)


def leave_to_watchdog(world: SimulatedWorld, name: str) -> None:
    """A run that ended with something left, which a living watchdog tries to undo now and then."""
    journal = reopen_journal(leave_run(world, name, records=1), world.context)
    journal.append("watchdog", process=identify().as_json())
    journal.append("verdict", verdict="failed", undo="incomplete", reason="r", exit_code=6, fix="f")
    journal.close()


@pytest.mark.parametrize("how", ["undo", "recover", "halt"])
def test_a_watchdog_that_tries_again_keeps_nobody_from_undoing(
    world: SimulatedWorld, how: str
) -> None:
    leave_to_watchdog(world, "20260101-0000-aaa")
    (run,) = list_open_runs(world.context)
    assert (run.state, run.is_left) == (RunState.ACTIVE, True)
    assert "1 of 1 undo steps left; its watchdog (pid " in render_runs([run])
    target = Target()
    if how == "undo":
        undo_run(world.context, run, lambda _driver: target)
    elif how == "recover":
        recover(world.context, lambda _driver: target)
    else:
        (halted,) = halt_all(world.context, lambda _driver: target, reason="r")
        assert (halted.how, halted.undo) == ("recovered", "clean")
    assert target.undone == ["20260101-0000-aaa-0"]
    assert list_open_runs(world.context) == []


def test_a_result_does_not_go_on_saying_that_something_is_left(world: SimulatedWorld) -> None:
    world.store.values = {"starts": lambda _end, _hit: 1.0, "errors": lambda _end, _hit: 0.0}
    world.target.undo_failures = math.inf
    before = run(world)
    assert before.folder is not None
    assert (before.exit_code, "; undo incomplete: " in before.reason) == (6, True)
    world.target.undo_failures = 0
    finish_undo(world.context, before.folder, lambda _driver: world.target, by="undo")
    after = read_result(before.folder)
    assert (after.undo, after.exit_code, after.fix) == ("clean", 4, "")
    assert after.reason.endswith("gone after its removal; undone later, by undo")
    assert after.detail["undo"] == {"done": 1, "of": 1, "errors": []}


def test_halt_recovers_what_is_dead_already(world: SimulatedWorld) -> None:
    leave_run(world, "20260101-0000-aaa", records=1)
    (halted,) = halt_all(world.context, lambda _driver: Target(), reason="")
    assert (halted.how, halted.undo) == ("recovered", "clean")
    assert halt_all(world.context, lambda _driver: Target(), reason="") == []


def test_open_runs_are_found_without_reading_the_journals_of_the_others(
    world: SimulatedWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        leave_run(world, f"20260101-000{number}-aaa", records=1)
    recover(world.context, lambda _driver: Target())
    left = leave_run(world, "20260102-0000-bbb", records=1)
    kept = leave_run(world, "20260102-0001-ccc", records=1)
    recovered = Target("it will not let go")
    assert [r.state for r in recover(world.context, lambda _driver: recovered)] == [
        "incomplete"
    ] * 2
    read: list[Path] = []

    def note(folder: Path) -> list[dict[str, Any]]:
        read.append(folder)
        return read_journal(folder)

    monkeypatch.setattr("chaosctl.engine.ledger.read_journal", note)
    assert [run.folder for run in list_open_runs(world.context)] == [left, kept]
    assert read == [left, kept]
