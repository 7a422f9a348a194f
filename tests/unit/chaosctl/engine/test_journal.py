"""The journal: whole lines only, in order, whoever writes on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from chaosctl.engine.journal import (
    SCHEMA,
    create_journal,
    parse_journal,
    read_journal,
    reopen_journal,
    to_json,
    verify_journal,
    write_whole,
)
from chaosctl.errors import ChaosctlError
from tests.simulated_target import SimulatedWorld


@pytest.fixture
def context(tmp_path: Path) -> object:
    return SimulatedWorld(tmp_path).context


def test_journal_is_synced_at_each_state_change_and_not_for_samples(
    tmp_path: Path, context: object
) -> None:
    synced: list[int] = []
    journal = create_journal(tmp_path, context, sync=synced.append)  # type: ignore[arg-type]
    journal.append("start")
    journal.append("sample", durable=False)
    assert len(synced) == 1
    journal.append("verdict")
    assert len(synced) == 2
    journal.close()
    assert [e["event"] for e in read_journal(tmp_path)] == ["start", "sample", "verdict"]


def test_journal_goes_on_after_a_torn_line(tmp_path: Path, context: object) -> None:
    journal = create_journal(tmp_path, context)  # type: ignore[arg-type]
    journal.append("start")
    journal.append("record", record={"id": "r"})
    journal.close()
    path = tmp_path / "journal.jsonl"
    path.write_bytes(path.read_bytes()[:-7])
    later = reopen_journal(tmp_path, context)  # type: ignore[arg-type]
    later.append("undo", record_id="r")
    later.close()
    events = read_journal(tmp_path)
    assert [(e["seq"], e["event"]) for e in events] == [(0, "start"), (1, "undo")]


def written(tmp_path: Path, context: object, *events: str) -> Path:
    journal = create_journal(tmp_path, context)  # type: ignore[arg-type]
    for event in events:
        journal.append(event, text=f"about {event}")
    journal.close()
    return tmp_path / "journal.jsonl"


def test_journal_as_it_was_written_is_whole_also_after_a_crash(
    tmp_path: Path, context: object
) -> None:
    path = written(tmp_path, context, "start", "plan", "inject")
    assert verify_journal(tmp_path) == 3
    path.write_bytes(path.read_bytes()[:-9])  # torn by the crash of who wrote it
    later = reopen_journal(tmp_path, context)  # type: ignore[arg-type]
    later.append("undo")
    later.append("verdict")
    later.close()
    assert verify_journal(tmp_path) == 4


@pytest.mark.parametrize(
    ("harm", "number"),
    [
        pytest.param(lambda lines: [lines[0], lines[2]], 2, id="a line taken out"),
        pytest.param(lambda lines: lines[1:], 1, id="the first line taken out"),
        pytest.param(lambda lines: [lines[1], lines[0], lines[2]], 1, id="lines swapped"),
        pytest.param(lambda lines: [lines[0], *lines], 2, id="a line twice"),
        pytest.param(
            lambda lines: [lines[0], lines[1].replace(b"plan", b"Plan"), lines[2]],
            3,
            id="a word changed",
        ),
    ],
)
def test_journal_that_was_changed_is_found_out(
    tmp_path: Path,
    context: object,
    harm: Callable[[list[bytes]], list[bytes]],
    number: int,
) -> None:
    path = written(tmp_path, context, "start", "plan", "inject")
    path.write_bytes(b"".join(harm(path.read_bytes().splitlines(keepends=True))))
    with pytest.raises(ChaosctlError, match="does not follow") as caught:
        verify_journal(tmp_path)
    assert caught.value.where == f"{path}:{number}"


def test_journal_of_a_newer_version_is_refused() -> None:
    line = json.dumps({"schema": "chaosctl/journal/v2", "event": "start"}).encode()
    with pytest.raises(ChaosctlError) as caught:
        parse_journal(line)
    assert SCHEMA in caught.value.what
    assert caught.value.fix


def test_journal_that_is_not_there_says_where_to_look(tmp_path: Path) -> None:
    with pytest.raises(ChaosctlError) as caught:
        read_journal(tmp_path)
    assert "chaosctl status" in caught.value.fix


def test_no_data_is_null_in_json() -> None:
    assert to_json({"value": float("nan"), "ids": ("a",)}) == '{"value":null,"ids":["a"]}'


def test_write_whole_replaces_a_file(tmp_path: Path) -> None:
    write_whole(tmp_path / "result.json", "1")
    write_whole(tmp_path / "result.json", "2")
    assert (tmp_path / "result.json").read_text() == "2"
    assert [p.name for p in tmp_path.iterdir()] == ["result.json"]
