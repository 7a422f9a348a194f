"""What `chaosctl report` takes from options and from the folders around it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from chaosctl.cli import run_cli

ROOT = Path(__file__).resolve().parents[2]
RUN = "20260225-0613-6xh"


@pytest.fixture
def report(tmp_path, monkeypatch, capsys):
    """Asks for reports of a recorded run, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CHAOSCTL_STATE_DIR", str(tmp_path / "state"))
    folder = tmp_path / "state" / "runs" / RUN
    shutil.copytree(ROOT / "data" / "reports" / "failed", folder)

    def ask(*options: str) -> tuple[int, str, str]:
        code = run_cli(["report", RUN, *options])
        said = capsys.readouterr()
        return code, said.out, said.err

    return ask


def accepted(path: Path) -> None:
    text = (ROOT / "data" / "gate" / "score" / "baseline.json").read_text()
    path.write_text(text.replace("zone-outage", "zone"))


def test_a_baseline_file_is_taken_from_here_or_by_its_name(report, tmp_path):
    assert "baseline file" not in report("--markdown", "-")[1]
    accepted(tmp_path / "mine.json")
    code, text, _ = report("--markdown", "-", "--baseline", "mine.json")
    assert code == 0
    assert "Against the baseline file `mine.json`" in text
    assert "| verdict | passed | failed | worse |" in text
    accepted(tmp_path / "chaos-baseline.json")
    assert "Against the baseline file `chaos-baseline.json`" in report("--markdown", "-")[1]
    report("--html", "r.html")
    assert "Difference to the baseline file" in (tmp_path / "r.html").read_text()


def test_a_baseline_file_that_is_named_must_be_one(report, tmp_path):
    code, _, error = report("--html", "r.html", "--baseline", "none.json")
    assert (code, "no baseline file" in error) == (2, True)
    assert not (tmp_path / "r.html").exists()


def test_one_that_only_happens_to_be_there_is_told_of(report, tmp_path):
    (tmp_path / "chaos-baseline.json").write_text(json.dumps({"schema": "else"}))
    code, text, _ = report("--markdown", "-")
    assert code == 0
    assert "cannot be compared with" in text
