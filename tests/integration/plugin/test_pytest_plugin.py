"""Experiments as tests, seen by a pytest of its own; runs are of the simulated world."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
import tomllib
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from chaosctl.engine.result import read_result_file

pytestmark = pytest.mark.integration

IS_INSTALLED = any(p.value == "chaosctl.pytest_plugin" for p in entry_points(group="pytest11"))
COMMAND = """
import sys
import pytest

@pytest.fixture(scope="session")
def chaos_command():
    return (sys.executable, "-m", "tests.simulated_command")
"""
# What runs in the background is started with SIGINT ignored, and Python leaves it so.
MAIN = """
import signal, sys, pytest
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.exit(pytest.main())
"""
EVERY_OUTCOME = """
@pytest.mark.chaos("held")
def test_marked():
    pass

@pytest.mark.chaos("held", settings=["a=1"], seed=7)
def test_marked_sees_the_result(chaos):
    assert chaos.result.verdict == "passed"
    assert len(chaos.results) == 1

@pytest.mark.chaos("noticed")
def test_weak():
    raise AssertionError("the body is not reached")

@pytest.mark.chaos("noticed", expect="failed")
def test_known_weakness():
    pass

@pytest.mark.chaos("held", expect="failed")
def test_weakness_is_gone():
    pass

@pytest.mark.chaos("silent")
def test_no_data():
    pass

@pytest.mark.chaos("no-such-experiment")
def test_mistake():
    pass

@pytest.mark.chaos
def test_of_nothing():
    pass

def test_inside(chaos):
    first = chaos.run("held")
    assert first.undo == "clean"
    chaos.run("noticed")

def test_inside_no_data(chaos):
    chaos.run("silent")

@pytest.mark.chaos("left")
def test_left():
    pass

def test_without():
    pass
"""
OUTCOMES = {
    "marked": "PASSED",
    "marked_sees_the_result": "PASSED",
    "weak": "FAILED",
    "known_weakness": "PASSED",
    "weakness_is_gone": "FAILED",
    "no_data": "ERROR",
    "mistake": "ERROR",
    "of_nothing": "ERROR",
    "inside": "FAILED",
    "inside_no_data": "FAILED",
    "left": "FAILED",
    "without": "PASSED",
}


@pytest.fixture
def start(tmp_path, root, monkeypatch):
    """Starts a pytest on some tests, in a folder of its own."""
    paths = [root, root / "targets" / "demo-platform"]
    monkeypatch.setenv("PYTHONPATH", ":".join(str(path) for path in paths))
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    (tmp_path / "conftest.py").write_text(COMMAND)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")

    def begin(text: str, *options: str) -> subprocess.Popen[str]:
        (tmp_path / "test_it.py").write_text("import pytest\n" + text)
        loaded = () if IS_INSTALLED else ("-p", "chaosctl.pytest_plugin")
        return subprocess.Popen(
            [sys.executable, "-c", MAIN, "-p", "no:cacheprovider", "-rA", *loaded, *options],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    return begin


@pytest.fixture
def ask(start):
    """Runs a pytest to its end."""

    def answer(text: str, *options: str) -> tuple[int, str]:
        process = start(text, *options)
        out, _ = process.communicate(timeout=100)
        return process.returncode, out

    return answer


def test_outcomes_of_tests_are_the_verdicts_of_their_runs(ask, tmp_path):
    code, out = ask(
        EVERY_OUTCOME,
        "--strict-markers",
        "--chaos-report",
        "out",
    )
    assert code == 1
    found = dict(
        reversed(line.split(" - ")[0].split(" ", 1))  # type: ignore[misc]
        for line in out.splitlines()
        if line.startswith(("PASSED ", "FAILED ", "ERROR ", "SKIPPED "))
    )
    assert {
        name.removeprefix("test_it.py::test_"): said for name, said in found.items()
    } == OUTCOMES
    (kept,) = (tmp_path / "out").glob("*.json")  # virtual time: the runs have one id
    assert read_result_file(kept).run_id == kept.stem
    assert "undo incomplete" in out
    assert "noticed: failed: errors stay rare: 0.05 (limit below 2% for 3 steps)" in out
    assert "the body is not reached" not in out
    assert "expected: failed" in out
    assert "NotJudged: silent: not-started: " in out
    assert "invalid choice: 'no-such-experiment'" in out
    assert 'the marker names an experiment: chaos("zone-outage")' in out
    assert "settings ['a=1'] seed 7" in out


def test_a_run_that_takes_too_long_is_ended_and_undone(ask, tmp_path):
    code, out = ask('def test_it(chaos): chaos.run("hangs", timeout_s=5)\n')
    assert code == 1
    assert "not over after 5 s; ended, and undone" in out
    assert (tmp_path / "undone").exists()


def test_an_interrupt_lets_the_run_undo(start, tmp_path):
    process = start('def test_it(chaos): chaos.run("hangs")\n')
    for _ in range(600):
        if (tmp_path / "hanging").exists():
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == pytest.ExitCode.INTERRUPTED
    assert (tmp_path / "undone").exists()


def test_pytest_starts_without_our_libraries(root):
    """Nothing of ours but the plug-in, while pytest starts and runs a test without a marker."""
    code = "import sys, chaosctl.pytest_plugin; print(*(m for m in sys.modules if '.' in m))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    ours = [name for name in done.stdout.split() if name.startswith(("chaosctl.", "atlas."))]
    assert ours == ["chaosctl.pytest_plugin"]


def test_the_plugin_is_an_entry_point(root: Path):
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["pytest11"] == {"chaosctl": "chaosctl.pytest_plugin"}
