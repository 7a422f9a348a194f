"""Bad days of the command line: nothing is touched, or all is taken back."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from chaosctl.cli import run_cli
from chaosctl.engine.audit import audit_file, read_audit
from chaosctl.engine.journal import create_journal, read_journal
from chaosctl.engine.ledger import RunState, find_run, list_open_runs
from monkeys.target import UndoRecord
from tests.simulated_cli import DOCUMENT, simulated_command_line
from tests.simulated_target import FOREVER, SimulatedWorld

GIGABYTE = 1 << 30
MEMORY_MAX = 900 << 20


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimulatedWorld:
    return simulated_command_line(tmp_path, monkeypatch)


@pytest.fixture
def path(tmp_path: Path) -> str:
    path = tmp_path / "losing.yaml"
    path.write_text(DOCUMENT)
    return str(path)


def die(world: SimulatedWorld) -> Path:
    """Leave what a run leaves whose machine lost its power while the fault was in."""
    folder = world.context.runs_dir / "20260224-2359-abc"
    folder.mkdir(parents=True)
    journal = create_journal(folder, world.context)
    nobody = {"pid": 1 << 22, "started_ticks": 1, "boot": "another"}
    journal.append("start", experiment="hang", title="One hangs", process=nobody)
    instance = world.target.population[0]
    record = UndoRecord("left", "zone-outage", "demo", "nft", (instance,))
    journal.append("record", record=record.as_json())
    journal.append("inject", fault="zone-outage", records=1)
    journal.close()
    world.target.in_force["left"] = record
    return folder


def test_document_of_a_gigabyte_is_refused_unread(tmp_path: Path) -> None:
    """In a process that could not hold it; the file has holes and takes no room on the disk."""
    path = tmp_path / "large.yaml"
    with path.open("wb") as file:
        file.write(b"title: t\n")
        file.truncate(GIGABYTE)
    done = subprocess.run(
        [sys.executable, "-m", "chaosctl", "validate", str(path)],
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OPENBLAS_NUM_THREADS": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MAX, MEMORY_MAX)),
    )
    assert done.returncode == 2, done.stderr
    assert "larger than 1 MB" in done.stdout + done.stderr


def test_folder_that_cannot_be_written_refuses_before_the_target_is_opened(
    world: SimulatedWorld, path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody may make a folder in /sys, not even root."""
    world.context = replace(
        world.context, env={**world.context.env, "CHAOSCTL_STATE_DIR": "/sys/chaosctl"}
    )
    assert run_cli(["run", "--plain", path]) == 3
    said = "".join(capsys.readouterr())
    assert "run folder cannot be made" in said
    assert "name another folder in CHAOSCTL_STATE_DIR" in said
    assert (world.target.log, world.events) == ([], [])


def test_start_warns_of_what_an_earlier_run_left_and_takes_it_back(
    world: SimulatedWorld, path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = die(world)
    assert run_cli(["run", "--plain", path]) == 0
    assert "an earlier run left something behind" in capsys.readouterr().err
    assert world.target.log[0] == ("undo", "left")
    assert world.target.in_force == {}
    assert any(event["event"] == "verdict" for event in read_journal(folder))
    assert [line["command"] for line in read_audit(audit_file(world.context))] == ["recover", "run"]


def test_nothing_new_is_broken_while_something_old_cannot_be_taken_back(
    world: SimulatedWorld, path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = die(world)
    world.target.undo_failures = FOREVER
    assert run_cli(["run", "--plain", path]) == 6
    assert f"chaosctl undo {folder.name}" in capsys.readouterr().err
    assert all(name == "undo" for name, _ in world.target.log)


@pytest.mark.parametrize("command", [["recover"], ["undo", "last"], ["halt"]])
def test_what_a_power_cut_left_is_taken_back_by_command(
    world: SimulatedWorld, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    die(world)
    world.target.undo_failures = 2  # it works the third time
    assert run_cli(command) == 0, capsys.readouterr()
    assert world.target.in_force == {}
    assert list_open_runs(world.context) == []
    assert find_run(world.context, "last").state is RunState.FINISHED
    (line,) = read_audit(audit_file(world.context), verify=True)
    assert (line["command"], line["undo"]) == (command[0], "clean")


def test_undo_that_never_works_exits_6_until_it_does(
    world: SimulatedWorld,
    path: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world.target.undo_failures = FOREVER
    assert run_cli(["run", "--plain", path]) == 6
    retry = next(
        word for word in capsys.readouterr().out.splitlines() if "chaosctl undo" in word
    ).partition("chaosctl ")[2]
    monkeypatch.setattr("chaosctl.engine.ledger.is_alive", lambda _process: False)  # we are it
    assert run_cli(retry.split()[:2]) == 6
    world.target.undo_failures = 0
    assert run_cli(retry.split()[:2]) == 0
    assert world.target.in_force == {}


def test_fault_that_was_stopped_by_hand_is_in_the_audit_log(
    world: SimulatedWorld, path: str
) -> None:
    world.at_event("confirm", world.stop_fault, after_s=4.0)
    assert run_cli(["run", path]) == 4
    (line,) = read_audit(audit_file(world.context))
    assert line["verdict"] == "inconclusive"
    assert line["stopped_by_hand"]["of_ms"] == 20_000
    assert 4_000 <= line["stopped_by_hand"]["after_ms"] <= 6_000
    assert "stopped by hand after" in line["reason"]
