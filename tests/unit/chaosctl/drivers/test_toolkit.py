"""Rollbacks are performed from their records alone, and no record holds a secret."""

from __future__ import annotations

import itertools
import json
import sys
from pathlib import Path

import pytest

from chaosctl.drivers.activities.activity import Activity, Surroundings
from chaosctl.drivers.activities.given import look_up
from chaosctl.drivers.toolkit import Shown, ToolkitMethod, ToolkitTarget, make_records
from monkeys.errors import TargetFailed
from monkeys.target import UndoRecord

SECRET = "hunter2-in-the-box"
FROM_ENVIRONMENT = {"shop": {"key": {"type": "env", "key": "SHOP_KEY"}}}


def writes(name: str, script: str) -> Activity:
    provider = {"type": "process", "path": "sh", "arguments": ["-c", script]}
    return Activity(name, True, provider, limit_s=10.0)


def records(tmp_path: Path, *rollbacks: Activity, secrets=FROM_ENVIRONMENT):
    document = tmp_path / "document.yaml"
    document.write_text(json.dumps({"secrets": secrets}))
    given = look_up({"zone": "a"}, secrets, {"SHOP_KEY": SECRET})
    numbers = itertools.count(1)
    made = make_records(
        rollbacks,
        Surroundings(str(tmp_path), (), sys.executable, f"test-{tmp_path.name}"),
        given=given,
        secrets=secrets,
        document=str(document),
        instances=tuple(ToolkitTarget().instances()),
        ids=lambda: f"{tmp_path.name}-{next(numbers)}",
    )
    text = json.dumps([record.as_json() for record in made])
    assert SECRET not in text
    return [UndoRecord.from_json(found) for found in json.loads(text)]


def undo(found: list[UndoRecord]) -> None:
    """As the engine does: the last first."""
    for record in reversed(found):
        ToolkitTarget().undo(record)


def test_rollbacks_run_in_order_with_secrets_looked_up_again(tmp_path, monkeypatch):
    monkeypatch.setenv("SHOP_KEY", SECRET)
    first, second = writes("1", "echo ${zone} > said"), writes("2", "echo ${key} >> said")
    found = records(tmp_path, first, second)
    assert [record.mechanism for record in found] == ["rollback", "rollback", "activities"]
    undo(found)
    assert (tmp_path / "said").read_text() == f"a\n{SECRET}\n"


def test_a_secret_in_the_document_is_read_there_again(tmp_path):
    secrets = {"shop": {"key": SECRET}}
    found = records(tmp_path, writes("1", "echo ${key} > said"), secrets=secrets)
    undo(found)
    assert (tmp_path / "said").read_text() == f"{SECRET}\n"
    (tmp_path / "document.yaml").unlink()
    with pytest.raises(TargetFailed, match="cannot be read any more"):
        undo(found)


def test_a_variable_that_is_gone_is_named(tmp_path, monkeypatch):
    monkeypatch.delenv("SHOP_KEY", raising=False)
    with pytest.raises(TargetFailed, match="environment variable SHOP_KEY is not set"):
        undo(records(tmp_path, writes("1", "true")))


def test_a_rollback_that_fails_says_so_without_its_secret(tmp_path, monkeypatch):
    monkeypatch.setenv("SHOP_KEY", SECRET)
    with pytest.raises(TargetFailed, match=r"status 3: not with \[secret\]"):
        undo(records(tmp_path, writes("1", "echo not with ${key}; exit 3")))


def test_a_record_asks_for_the_time_that_its_rollback_has(tmp_path):
    rollback = Activity("slow", True, {"type": "process"}, pause_before=2.0, limit_s=20.0)
    assert records(tmp_path, rollback)[0].detail["undo_within_s"] == 27.0


def test_targets_are_locked_by_the_name_that_documents_give():
    assert [ToolkitTarget().id, ToolkitTarget("shop").id] == ["toolkit", "toolkit-shop"]


def test_a_fault_is_gone_once_no_probe_shows_it():
    shown = ["it is broken"]
    method = ToolkitMethod(still_shown=lambda: tuple(shown))
    target = ToolkitTarget()
    now = method.look(target.instances(), target)
    assert now == {"system": Shown(by=("it is broken",))}
    assert (method.took_effect({}, now), method.was_removed({}, now)) == (
        {"system": True},
        {"system": False},
    )
    shown.clear()
    assert method.was_removed({}, method.look(target.instances(), target)) == {"system": True}
