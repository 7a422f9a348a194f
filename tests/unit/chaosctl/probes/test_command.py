"""Command probes, with real programs."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from chaosctl.probes import PROBES, Answer, CannotAsk


def ask(*argv: str, timeout_s: float = 10.0, **parameters: object) -> Answer:
    return PROBES["command"]({"argv": argv, **parameters}).ask(timeout_s)


def shell(script: str, timeout_s: float = 10.0, **parameters: object) -> Answer:
    return ask("sh", "-c", script, timeout_s=timeout_s, **parameters)


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with Path(f"/proc/{pid}/stat").open() as file:
        return file.read().rpartition(")")[2].split()[0] != "Z"


def gone_within_5_s(pid: int) -> bool:
    until = time.monotonic() + 5
    while is_there(pid) and time.monotonic() < until:
        time.sleep(0.02)
    return not is_there(pid)


@pytest.mark.parametrize(
    ("script", "parameters", "value", "text"),
    [
        ("echo well", {}, 1, "exit code 0"),
        ("echo oh; echo no >&2; exit 3", {}, 0, "exit code 3: no"),
        ("exit 3", {"expect": {"exit": (0, 3)}}, 1, "exit code 3"),
        ("kill -TERM $$", {}, 0, "ended by signal 15"),
        ("echo ready", {"expect": {"contains": "ready"}}, 1, "exit code 0"),
        ("echo ready", {"expect": {"matches": "^rea.y$"}}, 1, "exit code 0"),
        ("echo busy", {"expect": {"matches": "ready"}}, 0, "matches 'ready'"),
        ("echo 'lag is 1.5e3 ms'", {"take": "number"}, 1500, "1500"),
        ("echo -- -7", {"take": "number"}, -7, "-7"),
        ("echo none", {"take": "number"}, math.nan, "no number"),
        ("echo nan inf", {"take": "number"}, math.nan, "no number"),
        ("echo 1e999", {"take": "number"}, math.nan, "no number"),
        ("""echo '{"lag": 12}'""", {"take": "$.lag"}, 12, "12"),
        ("head -c 5000 /dev/urandom; echo; echo ok", {"expect": {"matches": "^ok$"}}, 1, "code 0"),
        ("head -c 300000 /dev/zero", {}, 1, "exit code 0"),
        ("read line", {}, 0, "exit code 1"),
    ],
)
def test_end_and_output_are_held_against_what_is_expected(script, parameters, value, text):
    answer = shell(script, **parameters)
    assert answer.value == pytest.approx(value, nan_ok=True)
    assert text in answer.text


def test_program_without_end_is_killed_with_all_that_it_started(tmp_path):
    note = tmp_path / "pids"
    script = f"sleep 60 & echo $! > {note}; echo $$ >> {note}; sleep 60"
    assert shell(script, timeout_s=0.5) == Answer(0.0, "did not end within 0.5 s")
    assert all(gone_within_5_s(int(pid)) for pid in note.read_text().split())


def test_what_a_program_leaves_behind_is_killed(tmp_path):
    note = tmp_path / "pid"
    began = time.monotonic()
    assert shell(f"sleep 60 & echo $! > {note}").value == 1
    assert time.monotonic() - began < 5
    assert gone_within_5_s(int(note.read_text()))


def test_program_that_is_deaf_to_signals_is_killed():
    assert shell("trap '' TERM INT HUP; while :; do :; done", timeout_s=0.3).value == 0


def test_program_that_prints_without_end_is_stopped():
    began = time.monotonic()
    answer = ask("cat", "/dev/zero", timeout_s=30)
    assert answer == Answer(0.0, "stopped: printed more than 16 MiB")
    assert time.monotonic() - began < 10


def test_program_dies_with_the_one_who_asked(tmp_path):
    note = tmp_path / "pid"
    script = (
        "from chaosctl.probes import PROBES\n"
        f"PROBES['command']({{'argv': ['sh', '-c', 'echo $$ > {note}; exec sleep 60']}}).ask(60)\n"
    )
    asker = subprocess.Popen([sys.executable, "-c", script])
    until = time.monotonic() + 20
    while not (note.exists() and note.read_text()) and time.monotonic() < until:
        time.sleep(0.02)
    asker.kill()
    asker.wait(10)
    assert gone_within_5_s(int(note.read_text()))


def test_program_that_is_not_there_is_our_own_trouble():
    with pytest.raises(CannotAsk, match="no program"):
        ask("no-such-program-anywhere")


def test_arguments_are_not_a_shell_s():
    assert ask("echo", "$HOME; `id`", expect={"contains": "$HOME; `id`"}).value == 1
