"""What `chaosctl gate` says: tests/data/gate/<rule>/, see its README.md."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from chaosctl.cli import run_cli
from chaosctl.engine.baseline_file import read_baseline
from chaosctl.judge.gate import RULES
from chaosctl.report.schemas import baseline_schema

FOLDER = Path(__file__).resolve().parent.parent / "data" / "gate"
CASES = sorted(FOLDER.glob("*/*.yaml"))


def result_of(run: dict[str, Any], number: int) -> dict[str, Any]:
    """A result file's content; what a case leaves out is as in a run that went well."""
    run_id = run.get("run", f"20260314-0915-{number:03}")
    verdict, undo = run.get("verdict", "passed"), run.get("undo", "clean")
    name = run.get("experiment", "zone-outage")
    checks = [
        {"name": check, "worst": worst, "margin": margin, "limit": run.get("limit", "below 2%")}
        for check, (worst, margin) in run.get("checks", {"errors": [0.007, 0.013]}).items()
    ]
    return {
        "schema": "chaosctl/result/v1",
        "run_id": run_id,
        "folder": None,
        "verdict": verdict,
        "undo": undo,
        "exit_code": 0,
        "reason": run.get("reason", "as the case says"),
        "fix": "",
        "detail": {
            "experiment": name,
            "document": {"source": f"{name}.yaml", "sha256": run.get("document", "aaaa")},
            "ended_by": run.get("ended-by", ""),
            "trusted": run.get("trusted", []),
            "checks": checks,
            "score": run.get("score", 92),
            "recovery_ms": run.get("recovery", 9200),
        },
    }


def write_results(folder: Path, runs: list[dict[str, Any]]) -> None:
    folder.mkdir()
    results = [
        result_of(run, number)
        for number, run in enumerate(
            {**run, "times": 1} for run in runs for _ in range(run.get("times", 1))
        )
    ]
    for number, result in enumerate(results):
        (folder / f"{number}.json").write_text(json.dumps(result))


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_gate_says_as_the_file_has_it(path, tmp_path, monkeypatch, capsys, request):
    case = yaml.safe_load(path.read_text(encoding="utf-8"))
    write_results(tmp_path / "out", case["runs"])
    monkeypatch.chdir(tmp_path)
    baseline = path.parent / case.get("baseline", "baseline.json")
    options = shlex.split(case.get("options", ""))
    code = run_cli(["gate", "out", "--baseline", str(baseline), *options])
    now = f"{capsys.readouterr().out}exit {code}\n"
    golden = path.with_suffix(".txt")
    if request.config.getoption("--accept"):
        golden.write_text(now, encoding="utf-8")
    assert now == golden.read_text(encoding="utf-8")
    if path.stem.startswith("regression"):
        assert f"{path.parent.name}: " in now, "the regression is found by its own rule"
    if path.stem.startswith("improvement"):
        assert code == 0


def test_every_rule_has_a_regression_and_an_improvement():
    assert {path.parent.name for path in CASES} == set(RULES)
    for rule in RULES:
        stems = {path.stem for path in (FOLDER / rule).glob("*.yaml")}
        assert {"regression", "improvement"} <= stems


@pytest.mark.parametrize(
    "path",
    sorted([*FOLDER.glob("*/baseline.json"), *FOLDER.glob("*.json")]),
    ids=lambda p: p.parent.name,
)
def test_baselines_of_the_cases_can_be_read(path):
    assert read_baseline(path)
    schema = Draft202012Validator(baseline_schema())
    assert list(schema.iter_errors(json.loads(path.read_text(encoding="utf-8")))) == []
