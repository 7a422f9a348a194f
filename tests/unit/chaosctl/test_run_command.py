"""What `chaosctl run` does besides running."""

from __future__ import annotations

import math

import pytest

from chaosctl.cli import run_cli
from chaosctl.commands.run import keep, write_junit, write_report
from chaosctl.context import Context
from chaosctl.engine.result import RunResult, read_result_file
from chaosctl.errors import ChaosctlError
from chaosctl.judge.verdict import UndoState, Verdict
from tests.simulated_cli import DOCUMENT, simulated_command_line

RESULT = RunResult("20260314-0915-k7f", None, Verdict.PASSED, UndoState.CLEAN, 0, "it held", "", {})


def test_results_that_cannot_be_written_are_told_and_hide_no_verdict(tmp_path, capsys):
    path = tmp_path / "no" / "out.xml"
    assert keep(lambda: write_junit(path, [])) == 2
    assert "results cannot be written" in capsys.readouterr().err
    with pytest.raises(ChaosctlError, match="cannot be written"):
        write_junit(path, [])


@pytest.mark.parametrize(("undo_failures", "code"), [(0, 130), (math.inf, 6)])
def test_ctrl_c_after_a_run_does_not_unsay_what_is_left(
    tmp_path, capsys, monkeypatch, undo_failures, code
):
    world = simulated_command_line(tmp_path, monkeypatch)
    world.target.undo_failures = undo_failures
    (tmp_path / "x.yaml").write_text(DOCUMENT)

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("chaosctl.commands.run.tell", interrupted)
    assert run_cli(["run", str(tmp_path / "x.yaml")]) == code
    assert "interrupted before everything was written" in capsys.readouterr().err


def test_results_are_written_whole(tmp_path):
    path = tmp_path / "out.xml"
    assert keep(lambda: write_junit(path, [])) == 0
    assert path.read_text().startswith("<?xml")
    assert [each.name for each in tmp_path.iterdir()] == ["out.xml"]
    assert keep(lambda: write_junit(None, [])) == 0


def test_a_report_folder_has_each_result_as_it_can_be_read_again(tmp_path):
    write_report(tmp_path, RESULT, Context())
    write_report(None, RESULT, Context())
    (path,) = tmp_path.iterdir()
    assert path.name == "20260314-0915-k7f.json"
    assert read_result_file(path) == RESULT


def test_a_report_folder_that_cannot_be_made_is_said_before_anything_runs(
    tmp_path, capsys, monkeypatch
):
    monkeypatch.setenv("CHAOSCTL_STATE_DIR", str(tmp_path / "state"))
    (tmp_path / "file").touch()
    assert run_cli(["run", "kill-one", "--report", str(tmp_path / "file" / "out")]) == 2
    assert "reports cannot be written: Not a directory" in capsys.readouterr().err
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("{", "cannot be read"),
        ("[" * 100_000, "cannot be read"),
        ("[]", "has schema None"),
        ('{"schema": "chaosctl/result/v2"}', "has schema 'chaosctl/result/v2'"),
        ('{"schema": "chaosctl/result/v1"}', "is damaged: KeyError: 'run_id'"),
    ],
)
def test_a_damaged_result_is_named_with_its_file(tmp_path, text, what):
    path = tmp_path / "run.json"
    path.write_text(text)
    with pytest.raises(ChaosctlError, match=what) as caught:
        read_result_file(path)
    assert (caught.value.where, bool(caught.value.fix)) == (str(path), True)
