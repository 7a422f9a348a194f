"""action.yml: what it says of itself, and its steps run in a simulated world."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

SHIM = """#!/bin/sh
# `run` is simulated; everything else is the real program.
if [ "$1" = run ]; then exec {python} -m tests.simulated_command "$@"; fi
exec {python} -m chaosctl "$@"
"""
STEP = re.compile(r"\$\{\{ steps\.(\w+)\.outputs\.(\w+) \}\}")
INPUT = re.compile(r"\$\{\{ inputs\.(\w+) \}\}")


@pytest.fixture(scope="module")
def action(root):
    return yaml.safe_load((root / "action.yml").read_text(encoding="utf-8"))


@pytest.fixture
def run_step(action, root, tmp_path, monkeypatch):
    """Runs a step by its name, with inputs and GitHub's variables; exit code and what it said."""
    shim = tmp_path / "bin" / "chaosctl"
    shim.parent.mkdir()
    shim.write_text(SHIM.format(python=sys.executable))
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", f"{shim.parent}:/usr/bin:/bin")
    monkeypatch.setenv("PYTHONPATH", f"{root}:{root / 'targets' / 'demo-platform'}")
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("CHAOSCTL_STATE_DIR", str(tmp_path / "state"))
    for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_PATH"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("RUNNER_TEMP", str(tmp_path))

    def run(name: str, **inputs: str) -> tuple[int, str]:
        (step,) = [step for step in action["runs"]["steps"] if step["name"] == name]
        for key, value in step.get("env", {}).items():
            (wanted,) = INPUT.findall(value)
            default = str(action["inputs"][wanted].get("default"))
            monkeypatch.setenv(key, inputs.get(wanted, default))
        assert "${{" not in step["run"], "an input in a script would be run as a part of it"
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    return run


def outputs(tmp_path: Path) -> dict[str, str]:
    lines = (tmp_path / "GITHUB_OUTPUT").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


def test_action_has_its_inputs_and_outputs(action):
    assert set(action["inputs"]) == {"experiments", "baseline", "repeat", "extras"}
    assert set(action["outputs"]) == {"verdict", "score", "report"}
    steps = {step.get("id") for step in action["runs"]["steps"]}
    for name, output in action["outputs"].items():
        assert STEP.findall(output["value"]) == [("gate", name)]
    assert "gate" in steps
    for step in action["runs"]["steps"]:
        assert step["shell"] == "bash"
        subprocess.run(["bash", "-n", "-c", step["run"]], check=True)


@pytest.mark.integration
def test_runs_that_are_as_they_were_pass(run_step, tmp_path, monkeypatch):
    code, said = run_step("run", experiments="held\n  noticed\n", repeat="2")
    assert code == 0, said
    report = tmp_path / "chaosctl-report"
    assert len(list(report.glob("*.json"))) == 4
    make = ["chaosctl", "gate", str(report), "--baseline", "chaos-baseline.json"]
    subprocess.run([*make, "--update", "--force"], cwd=tmp_path, check=True, capture_output=True)
    code, said = run_step("gate")
    assert code == 0, said
    assert outputs(tmp_path) | {"score": ""} == {
        "verdict": "passed",
        "score": "",
        "report": str(report),
    }
    assert "gate passed: no regression in 2 experiments" in (
        tmp_path / "GITHUB_STEP_SUMMARY"
    ).read_text().replace("\\", "")

    code, said = run_step("run", experiments="left")
    assert code == 0, "what was left is the gate's to say"
    code, said = run_step("gate")
    assert code == 1
    assert "::error title=gate%3A undo::left: undo incomplete" in said
    assert outputs(tmp_path)["verdict"] == "failed"


@pytest.mark.integration
def test_a_run_that_was_none_ends_the_job(run_step, tmp_path):
    code, said = run_step("run", experiments="no-such-thing")
    assert code == 2, said
    code, said = run_step("gate")
    assert code == 2, "there is no report folder"
