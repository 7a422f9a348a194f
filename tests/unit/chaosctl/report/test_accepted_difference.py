"""A run beside the baseline file: every accepted level, and what the gate finds of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chaosctl.engine.baseline_file import render_baseline
from chaosctl.engine.result import RunResult, read_result
from chaosctl.judge.accepted import Accepted, AcceptedCheck, Level
from chaosctl.judge.verdict import Verdict
from chaosctl.report.accepted_difference import accepted_difference, find_baseline_file

REPORTS = Path(__file__).resolve().parents[3] / "data" / "reports"


@pytest.fixture
def run() -> RunResult:
    return read_result(REPORTS / "failed")


def written(path: Path, run: RunResult, name: str = "zone") -> Path:
    checks = {
        "errors stay rare": AcceptedCheck(
            Level(0.002, 0.0003, (0.0019, 0.002, 0.0022)), Level(0.018, 0.0003), "below 2%"
        ),
        "gone by now": AcceptedCheck(Level(1.0, 0.1, (1.0,)), Level(1.0, 0.1, (1.0,)), "below 2"),
    }
    digest = f"sha256:{run.detail['document']['sha256']}"
    took = Level(900.0, 50.0, (850.0, 900.0, 950.0))
    accepted = Accepted(
        Verdict.PASSED, digest, 3, Level(98.0, 1.0, (97.0, 98.0, 99.0)), took, checks
    )
    path.write_text(render_baseline({name: accepted}, updated="2026-03-10", commit="1f3c0de"))
    return path


def test_every_level_stands_beside_what_is_now(tmp_path: Path, run: RunResult) -> None:
    found = accepted_difference(run, written(tmp_path / "b.json", run))
    assert (found.runs, found.trouble) == (3, "")
    rows = {change.what: change for change in found.changes}
    assert list(rows) == ["verdict", "score", "recovery", "errors stay rare", "gone by now"]
    assert rows["score"].before == "98 ± 1"
    assert rows["recovery"].before == "900 ms ± 50 ms"
    assert (rows["gone by now"].before, rows["gone by now"].now) == ("1", "no check")
    marks = {what: change.is_worse for what, change in rows.items()}
    assert marks["verdict"] is True
    assert marks["score"] is True
    assert marks["errors stay rare"] is True
    assert marks["recovery"] is None
    assert {"verdict", "score", "margin"} <= {finding.rule for finding in found.findings}


def test_a_run_as_good_as_ever_is_marked_nowhere(tmp_path: Path, run: RunResult) -> None:
    passed = read_result(REPORTS / "passed")
    found = accepted_difference(passed, written(tmp_path / "b.json", passed))
    assert found.changes
    assert not any(change.is_worse for change in found.changes)


def test_a_file_that_has_it_not_or_cannot_be_read_says_so(tmp_path: Path, run: RunResult) -> None:
    other = accepted_difference(run, written(tmp_path / "b.json", run, name="another"))
    assert (other.runs, other.changes, other.trouble) == (0, (), "")
    (tmp_path / "c.json").write_text(json.dumps({"schema": "chaosctl/baseline/v9"}))
    assert "chaosctl/baseline/v9" in accepted_difference(run, tmp_path / "c.json").trouble
    nameless = RunResult(**{name: getattr(run, name) for name in run.__slots__} | {"detail": {}})
    assert accepted_difference(nameless, tmp_path / "b.json").trouble


def test_the_file_is_looked_for_here_and_beside_the_document(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_baseline_file("chaos/zone.yaml") is None
    (tmp_path / "chaos").mkdir()
    (tmp_path / "chaos" / "chaos-baseline.json").touch()
    assert find_baseline_file("chaos/zone.yaml") == Path("chaos/chaos-baseline.json")
    (tmp_path / "chaos-baseline.json").touch()
    assert find_baseline_file("chaos/zone.yaml") == Path("chaos-baseline.json")
