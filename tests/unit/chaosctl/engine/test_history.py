"""History is what the folders say, also when its file is lost, broken or cannot be written."""

from __future__ import annotations

import json
import math
import shutil
import sqlite3
from pathlib import Path

import pytest

from chaosctl.context import Context
from chaosctl.engine.history import DATABASE, earlier_runs, past_runs, result_before
from chaosctl.engine.ledger import RunState
from chaosctl.engine.result import read_result
from chaosctl.errors import ChaosctlError

RECORDED = Path(__file__).resolve().parents[3] / "data" / "reports"


@pytest.fixture
def context(tmp_path: Path) -> Context:
    made = Context(env={"CHAOSCTL_STATE_DIR": str(tmp_path / "state")})
    for number, kind in enumerate(("passed", "failed", "inconclusive")):
        add_run(made, kind, f"20260314-091{number}-k7f", number * 60_000)
    return made


def add_run(context: Context, kind: str, name: str, later_ms: int) -> Path:
    """A copy of a recorded run, begun so much later."""
    folder = context.runs_dir / name
    shutil.copytree(RECORDED / kind, folder)
    path = folder / "journal.jsonl"
    events = [json.loads(line) for line in path.read_text().splitlines()]
    later = [e | {"at_ms": e["at_ms"] + later_ms} for e in events]
    path.write_text("".join(json.dumps(event) + "\n" for event in later))
    path = folder / "result.json"
    result = json.loads(path.read_text())
    result["detail"]["started_ms"] += later_ms
    path.write_text(json.dumps(result | {"run_id": name}))
    return folder


def verdicts(context: Context) -> list[str]:
    return [run.summary.verdict for run in past_runs(context)]


def test_history_says_what_the_folders_say(context: Context) -> None:
    for _ in range(2):  # first from the folders, then from the file
        first, second, third = past_runs(context)
        assert first.summary.verdict == "passed"
        assert first.summary.state is RunState.FINISHED
        assert first.summary.folder == context.runs_dir / "20260314-0910-k7f"
        assert first.score == 100
        assert second.worst["errors stay rare"] == pytest.approx(0.054, abs=0.001)
        assert second.margins["errors stay rare"] < 0
        assert math.isnan(third.score)
        assert third.sha256 == first.sha256


def test_the_second_look_reads_no_folder(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    past_runs(context)
    monkeypatch.setattr("chaosctl.engine.history.summarize", None)  # would be a TypeError
    assert verdicts(context) == ["passed", "failed", "inconclusive"]


@pytest.mark.parametrize(
    "break_it",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(b"no database at all" * 1000),
        lambda path: path.write_bytes(path.read_bytes()[:5000]),
        lambda path: sqlite3.connect(path).execute("PRAGMA user_version = 99").close(),
    ],
    ids=["lost", "garbage", "torn", "newer"],
)
def test_a_file_that_is_lost_or_broken_is_made_anew(context: Context, break_it) -> None:
    past_runs(context)
    break_it(context.state_dir / DATABASE)
    assert verdicts(context) == ["passed", "failed", "inconclusive"]
    assert verdicts(context) == ["passed", "failed", "inconclusive"]


def test_folders_that_come_change_or_go_are_seen(context: Context) -> None:
    past_runs(context)
    add_run(context, "aborted", "20260314-0920-abc", 600_000)
    shutil.rmtree(context.runs_dir / "20260314-0910-k7f")
    path = context.runs_dir / "20260314-0911-k7f" / "result.json"
    result = json.loads(path.read_text())
    result["detail"]["score"] = 12.0
    path.write_text(json.dumps(result))
    assert verdicts(context) == ["failed", "inconclusive", "aborted"]
    assert past_runs(context)[0].score == 12


def test_a_database_that_others_hold_does_not_hold_us(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    past_runs(context)
    monkeypatch.setattr("chaosctl.engine.history.BUSY_S_MAX", 0.05)
    other = sqlite3.connect(context.state_dir / DATABASE)
    other.execute("BEGIN IMMEDIATE")
    assert verdicts(context) == ["passed", "failed", "inconclusive"]
    other.rollback()
    other.close()


def test_a_folder_where_the_database_should_be_is_no_trouble(context: Context) -> None:
    (context.state_dir / DATABASE).mkdir()
    assert verdicts(context) == ["passed", "failed", "inconclusive"]


def test_history_works_where_nothing_can_be_written(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    past_runs(context)
    # Root may write in every folder; so the file is opened as a read-only disk would have it.
    monkeypatch.setattr("chaosctl.engine.history.DATABASE", "none/of/these.sqlite")
    assert verdicts(context) == ["passed", "failed", "inconclusive"]
    assert sorted(p.name for p in context.state_dir.iterdir()) == [DATABASE, "runs"]


def test_runs_of_one_experiment_and_before_one_run(context: Context) -> None:
    assert past_runs(context, experiment="other") == []
    assert [r.summary.verdict for r in past_runs(context, experiment="zone", limit=2)] == [
        "failed", "inconclusive"
    ]  # fmt: skip
    last = read_result(context.runs_dir / "20260314-0912-k7f")
    assert [r.summary.verdict for r in earlier_runs(context, last, 5)] == ["passed", "failed"]
    before = result_before(context, last)
    assert before is not None
    assert before.verdict == "failed"
    assert result_before(context, read_result(context.runs_dir / "20260314-0910-k7f")) is None


def test_a_run_without_a_folder_has_nothing_before_it(context: Context) -> None:
    with pytest.raises(ChaosctlError):
        read_result(context.runs_dir / "no")
    assert past_runs(Context(env={"CHAOSCTL_STATE_DIR": "/nowhere/at/all"})) == []
