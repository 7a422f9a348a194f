"""The baseline file: read, written, and refused."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from chaosctl.context import Context
from chaosctl.engine.baseline_file import read_baseline, render_baseline, update_baseline
from chaosctl.errors import ChaosctlError
from chaosctl.judge.accepted import Accepted, AcceptedCheck, Level, level
from chaosctl.judge.verdict import Verdict

ONE = Accepted(
    Verdict.PASSED,
    "sha256:aaaa",
    3,
    score=level([92, 93, 91]),
    recovery_ms=Level(9200.0, 900.0),
    checks={
        "errors: «rare»": AcceptedCheck(
            Level(0.007, 0.002, (0.005, 0.007, 0.009)), Level(0.013, 0.002), "below 2%"
        )
    },
)
NONE = Accepted(Verdict.FAILED, "", 1)


def write(path: Path, accepted: dict[str, Accepted]) -> None:
    update_baseline(path, lambda before: before | accepted, Context(), updated="", commit="")


def test_what_is_written_is_read_again(tmp_path):
    path = tmp_path / "baseline.json"
    write(path, {"b": ONE, "a": NONE})
    assert read_baseline(path) == {"a": NONE, "b": ONE}
    assert [entry.name for entry in tmp_path.iterdir()] == ["baseline.json"]


def test_the_file_is_sorted_and_has_a_line_a_value(tmp_path):
    text = render_baseline({"b": ONE, "a": NONE}, updated="2026-03-10", commit="1f3c")
    assert text == render_baseline({"a": NONE, "b": ONE}, updated="2026-03-10", commit="1f3c")
    lines = [line.strip() for line in text.splitlines()]
    assert '"values": [0.005, 0.007, 0.009]' in lines
    assert lines.index('"a": {') < lines.index('"b": {')
    assert text.endswith("}\n")


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"schema": "chaosctl/baseline/v2"}, "has schema 'chaosctl/baseline/v2', this version"),
        ({"schema": None}, "has schema None"),
        ({"extra": 1}, "extra is not known; there is: schema"),
        ({"experiments": []}, "experiments must be an object"),
        ({"experiments": {"a": 1}}, r"experiments\.a must be an object"),
        ({"experiments": {"a": {}}}, r"experiments\.a\.verdict is None, must be one of"),
        ({"verdict": "inconclusive"}, r"experiments\.a\.verdict is 'inconclusive'"),
        ({"verdict": ["passed"]}, r"experiments\.a\.verdict is \['passed'\]"),
        ({"document": 3}, r"experiments\.a\.document must be a text"),
        ({"runs": 0}, r"experiments\.a\.runs must be a whole number"),
        ({"runs": True}, r"experiments\.a\.runs must be a whole number"),
        ({"score": 92}, r"experiments\.a\.score must be an object"),
        ({"score": {"median": "92", "spread": 1}}, r"a\.score\.median is '92', must be a number"),
        ({"score": {"median": 1e999, "spread": 1}}, r"a\.score\.median is 'inf'"),
        ({"score": {"median": 10**400, "spread": 1}}, r"a\.score\.median is '10000"),
        ({"score": {"median": 92, "spread": -1}}, r"a\.score\.spread must not be negative"),
        ({"score": {"median": 92, "spread": 1, "values": 92}}, r"values must be a list"),
        ({"score": {"median": 92, "spread": 1, "mean": 92}}, r"a\.score\.mean is not known"),
        ({"checks": {"c": {"limit": 2}}}, r"a\.checks\.c\.limit must be a text"),
        ({"checks": {"c": {"limit": "2"}}}, r"a\.checks\.c\.worst must be an object"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(tmp_path, change, what):
    path = tmp_path / "baseline.json"
    document = json.loads(render_baseline({"a": NONE}, updated="", commit=""))
    top = set(change) & {"schema", "extra", "experiments"}
    (document if top else document["experiments"]["a"]).update(change)
    path.write_text(json.dumps(document))
    with pytest.raises(ChaosctlError, match=what) as caught:
        read_baseline(path)
    assert (caught.value.where, bool(caught.value.fix)) == (str(path), True)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "cannot be read: Expecting value"),
        ("{", "cannot be read"),
        ("[" * 100_000, "cannot be read"),
        ('{"schema": 1, "schema": 2}', "'schema' stands twice"),
        ("<<<<<<< ours", "cannot be read"),
        ("\0" * ((16 << 20) + 1), "larger than 16 MiB"),
    ],
    ids=["empty", "broken", "deep", "twice", "conflict", "huge"],
)
def test_what_is_no_json_is_refused(tmp_path, text, what):
    path = tmp_path / "baseline.json"
    path.write_text(text)
    with pytest.raises(ChaosctlError, match=what):
        read_baseline(path)


def test_a_file_that_is_not_there_says_how_to_make_it(tmp_path):
    with pytest.raises(ChaosctlError, match="there is no baseline file") as caught:
        read_baseline(tmp_path / "baseline.json")
    assert "--update" in caught.value.fix
    with pytest.raises(ChaosctlError, match="cannot be written: No such file"):
        write(tmp_path / "no" / "baseline.json", {"a": NONE})
    with pytest.raises(ChaosctlError, match="cannot be read: Is a directory"):
        read_baseline(tmp_path)


def test_a_file_that_cannot_be_read_is_not_replaced(tmp_path):
    path = tmp_path / "baseline.json"
    path.write_text("{")
    with pytest.raises(ChaosctlError, match="cannot be read"):
        write(path, {"a": NONE})
    assert path.read_text() == "{"


def test_many_updates_at_once_all_have_their_say(tmp_path):
    path = tmp_path / "baseline.json"
    names = [f"experiment-{n}" for n in range(12)]
    seen: list[int] = []

    def read() -> None:
        while len(seen) < len(names):
            if path.exists():
                read_baseline(path)  # never half of a file
            if not any(writer.is_alive() for writer in writers):
                return

    writers = [threading.Thread(target=write, args=(path, {name: ONE})) for name in names]
    reader = threading.Thread(target=read)
    for thread in (*writers, reader):
        thread.start()
    for thread in (*writers, reader):
        thread.join(timeout=30)
    assert sorted(read_baseline(path)) == sorted(names)


def test_a_folder_that_another_has_locked_is_waited_for_and_then_named(tmp_path):
    import fcntl
    import os

    now_s = [0.0]

    def pause(seconds: float) -> None:
        now_s[0] += seconds

    held = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    context = Context(monotonic=lambda: now_s[0], sleep=pause)
    with pytest.raises(ChaosctlError, match="another process has had the folder for 10 s"):
        update_baseline(
            tmp_path / "baseline.json", lambda before: before, context, updated="", commit=""
        )
    os.close(held)
