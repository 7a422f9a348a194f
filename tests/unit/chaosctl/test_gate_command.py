"""What `chaosctl gate` does besides comparing."""

from __future__ import annotations

import json

import pytest

from chaosctl.cli import run_cli
from chaosctl.engine.baseline_file import read_baseline
from tests.runners.test_gate import write_results


@pytest.fixture
def gate(tmp_path, monkeypatch, capsys):
    """Writes runs to `out` and asks the gate, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    for name in ("CI", "GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT", "GITHUB_SHA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CHAOSCTL_STATE_DIR", str(tmp_path / "state"))
    count = iter(range(100))

    def ask(runs, *options):
        folder = f"out{next(count)}"
        write_results(tmp_path / folder, runs)
        code = run_cli(["gate", folder, "--baseline", "b.json", *options])
        said = capsys.readouterr()
        return code, said.out, said.err

    return ask


def test_a_baseline_is_made_by_hand_and_not_in_ci(gate, tmp_path, monkeypatch):
    assert gate([{}])[0] == 2
    monkeypatch.setenv("CI", "true")
    code, _, error = gate([{}], "--update")
    assert (code, "not updated in CI" in error) == (2, True)
    assert not (tmp_path / "b.json").exists()
    assert gate([{}], "--update", "--force")[0] == 0
    assert gate([{}])[0] == 0


def test_an_update_keeps_what_did_not_run(gate, tmp_path):
    assert gate([{"experiment": "a"}, {"experiment": "b"}], "--update")[0] == 0
    assert gate([{"experiment": "b", "verdict": "failed"}], "--update")[0] == 0
    verdicts = {n: a.verdict for n, a in read_baseline(tmp_path / "b.json").items()}
    assert verdicts == {"a": "passed", "b": "failed"}


@pytest.mark.parametrize(
    ("runs", "why"),
    [
        ([{"undo": "incomplete"}], "undo incomplete"),
        ([{"undo": "unknown"}], "undo unknown"),
        ([{"verdict": "inconclusive"}], "inconclusive in run"),
        ([{}, {"verdict": "not-started"}], "not-started in run"),
        ([{"verdict": "aborted", "ended-by": "SIGINT"}], "aborted in run"),
        ([{}, {"verdict": "failed"}], "passed and failed"),
    ],
)
def test_only_clean_runs_that_agree_are_accepted(gate, tmp_path, runs, why):
    code, _, error = gate(runs, "--update")
    assert code == 2
    assert why in error
    assert not (tmp_path / "b.json").exists()
    is_forced = "passed and failed" in why
    assert gate(runs, "--update", "--force")[0] == (0 if is_forced else 2)


def test_the_same_run_does_not_count_twice(gate):
    code, _, error = gate([{"run": "20260314-0915-aaa"}, {"run": "20260314-0915-aaa"}])
    assert (code, "run 20260314-0915-aaa is there twice" in error) == (2, True)


def test_two_documents_of_one_name_are_refused(gate, tmp_path):
    gate([{}], "--update")
    write_results(tmp_path / "both", [{}, {"document": "bbbb"}])
    path = tmp_path / "both" / "1.json"
    result = json.loads(path.read_text())
    result["detail"]["document"]["source"] = "elsewhere/zone-outage.yaml"
    path.write_text(json.dumps(result))
    assert run_cli(["gate", "both", "--baseline", "b.json"]) == 2


@pytest.mark.parametrize(
    ("key", "value", "what"),
    [
        ("checks", [{"name": "a"}], "result is damaged: KeyError"),
        ("checks", 3, "result is damaged: TypeError"),
        ("score", "92", "result is damaged: TypeError: '92' is no number"),
        ("experiment", None, "result names no experiment"),
    ],
)
def test_a_damaged_result_is_named(gate, tmp_path, capsys, key, value, what):
    gate([{}], "--update")
    write_results(tmp_path / "bad", [{}])
    path = tmp_path / "bad" / "0.json"
    result = json.loads(path.read_text())
    result["detail"][key] = value
    path.write_text(json.dumps(result))
    assert run_cli(["gate", "bad", "--baseline", "b.json"]) == 2
    assert what in capsys.readouterr().err


def test_other_files_of_ours_are_passed_over_and_broken_ones_are_not(gate, tmp_path, capsys):
    gate([{}], "--update")
    write_results(tmp_path / "mixed", [{}])
    (tmp_path / "mixed" / "b.json").write_text((tmp_path / "b.json").read_text())
    (tmp_path / "mixed" / "notes.md").write_text("no result")
    assert run_cli(["gate", "mixed", "--baseline", "b.json"]) == 0
    (tmp_path / "mixed" / "broken.json").write_text("{")
    assert run_cli(["gate", "mixed", "--baseline", "b.json"]) == 2
    assert "broken.json: result cannot be read" in capsys.readouterr().err


def test_a_run_that_was_killed_before_its_result_is_not_passed_over(gate, tmp_path, capsys):
    gate([{}], "--update")
    write_results(tmp_path / "runs", [{}])
    killed = tmp_path / "runs" / "20260314-0916-aaa"
    killed.mkdir()
    (killed / "journal.jsonl").touch()
    for source in ("runs", str(killed)):
        assert run_cli(["gate", source, "--baseline", "b.json"]) == 2
        assert "20260314-0916-aaa/result.json: run has no result yet" in capsys.readouterr().err


def test_github_gets_annotations_a_summary_and_outputs(gate, tmp_path, monkeypatch):
    gate([{}], "--update")
    (tmp_path / "zone-outage.yaml").write_text("hypothesis:\n  - name: errors\n    query: a\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary"))
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "output"))
    bad = {"verdict": "failed", "reason": "a | b\n::error::c", "checks": {"errors": [0.019, 0.001]}}
    code, out, _ = gate([bad], "--format", "github", "--comment", "c.md")
    assert code == 1
    lines = out.splitlines()
    assert lines[0] == (
        "::error file=zone-outage.yaml,line=1,title=gate%3A verdict::"
        "zone-outage: failed, was passed: a | b%0A::error::c"
    )
    assert lines[1].startswith("::warning file=zone-outage.yaml,line=2,title=gate%3A margin::")
    assert (tmp_path / "output").read_text() == "verdict=failed\nscore=92\nreport=out1\n"
    summary = (tmp_path / "summary").read_text()
    assert summary == (tmp_path / "c.md").read_text()
    assert "| zone-outage | failed (was passed) | 92 | 9.2 s | 1 |" in summary
    assert "a \\| b ::error::c" in summary


def test_json_says_what_the_exit_code_says(gate):
    gate([{}], "--update")
    code, out, _ = gate([{"score": 50}], "--json")
    found = json.loads(out)
    assert (found["schema"], found["exit_code"], code) == ("chaosctl/gate/v1", 1, 1)
    assert [one["rule"] for one in found["findings"]] == ["score"]
    assert found["experiments"]["zone-outage"]["accepted"]["score"] == 92
    assert found["reason"] == "gate failed: zone-outage: score 50, was 92 (score)"
