"""The one error boundary: every way out ends as an exit code."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from chaosctl import cli
from chaosctl.context import Context
from chaosctl.engine.journal import create_journal
from chaosctl.errors import NotStarted, UndoIncomplete
from monkeys.errors import TargetFailed


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (NotStarted("busy", where="lock", fix="wait"), 3, "lock: busy\n  fix: wait\n"),
        (UndoIncomplete("left", fix="undo x"), 6, "left\n  fix: undo x\n"),
        (TargetFailed("gone", where="demo", fix="demo up"), 3, "demo: gone\n  fix: demo up\n"),
    ],
)
def test_error_is_what_where_and_fix_with_its_own_code(error, code, said, capsys):
    assert cli.tell_error(error, ["run"]) == code
    assert capsys.readouterr().err == said


def test_bug_is_one_line_and_its_details_are_in_a_file(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(cli.tempfile, "tempdir", None)
    monkeypatch.delenv("CHAOSCTL_DEBUG", raising=False)
    assert cli.tell_error(ZeroDivisionError("oops"), ["run", "x"]) == 70
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "a bug of ours: ZeroDivisionError: oops" in said
    assert "ZeroDivisionError" in next(tmp_path.iterdir()).read_text()


@pytest.mark.parametrize(
    ("is_left", "code", "said"),
    [
        (False, 130, "interrupted; nothing is left to undo\n"),
        (True, 6, "interrupted; left to undo: 20260101-0000-aaa\n  fix: chaosctl recover\n"),
    ],
)
def test_an_interrupted_command_says_what_it_leaves(
    tmp_path, capsys, monkeypatch, is_left, code, said
):
    monkeypatch.setenv("CHAOSCTL_STATE_DIR", str(tmp_path))
    folder = tmp_path / "runs" / "20260101-0000-aaa"
    folder.mkdir(parents=True)
    if is_left:
        journal = create_journal(folder, Context())
        journal.append("start", experiment="hang", title="One hangs", process={})
        journal.close()

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("chaosctl.engine.recover.recover", interrupted)
    assert cli.run_cli(["recover"]) == code
    assert capsys.readouterr().err == said


def test_reader_that_goes_away_is_no_failure():
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "chaosctl", "list", "faults"],
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        timeout=30,
        check=False,
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (0, "")
