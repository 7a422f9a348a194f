"""File probes, with real files."""

from __future__ import annotations

import math
import os

import pytest

from chaosctl.probes import PROBES, Answer


def ask(path: object, **parameters: object) -> Answer:
    return PROBES["file"]({"path": str(path), **parameters}).ask(1)


@pytest.fixture
def note(tmp_path):
    path = tmp_path / "note"
    path.write_text("state: ready\nlag: 4.5\n")
    os.utime(path, (1_000_000_000, 1_000_000_000))
    return path


@pytest.mark.parametrize(
    ("parameters", "value", "text"),
    [
        ({}, 1, "exists"),
        ({"expect": {"exists": False}}, 0, "exists"),
        ({"expect": {"contains": "ready"}}, 1, "exists"),
        ({"expect": {"contains": "busy"}}, 0, "does not contain"),
        ({"expect": {"matches": "lag: [0-9.]+$"}}, 1, "exists"),
        ({"expect": {"newer-than": 60_000}}, 0, "not newer than 60 s"),
        ({"take": "number"}, 4.5, "4.5"),
        ({"take": "$.lag"}, math.nan, "no JSON"),
    ],
)
def test_file_is_held_against_what_is_expected(note, parameters, value, text):
    answer = ask(note, **parameters)
    assert answer.value == pytest.approx(value, nan_ok=True)
    assert text in answer.text


def test_age_is_taken_in_seconds(note):
    assert ask(note, take="age").value > 500_000_000
    note.write_text("now")
    assert ask(note, take="age").value < 60
    assert ask(note, expect={"newer-than": 60_000}).value == 1


def test_file_that_is_not_there(tmp_path):
    assert ask(tmp_path / "none") == Answer(0.0, "does not exist")
    assert ask(tmp_path / "none", expect={"exists": False}).value == 1
    assert math.isnan(ask(tmp_path / "none", take="number").value)


def test_pipe_without_a_writer_holds_nobody_up(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert ask(tmp_path / "pipe").value == 1
    assert ask(tmp_path / "pipe", expect={"contains": "x"}).value == 0


def test_only_the_beginning_of_a_large_file_is_read(tmp_path):
    with (tmp_path / "large").open("wb") as file:
        file.write(b"begin")
        file.truncate(1 << 30)
    assert ask(tmp_path / "large", expect={"contains": "begin"}).value == 1
