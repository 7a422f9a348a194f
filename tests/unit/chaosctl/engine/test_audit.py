"""The audit log: a line for each change, chained, private, and never in anybody's way."""

from __future__ import annotations

import fcntl
import json
import os
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from chaosctl.context import Context
from chaosctl.engine.audit import TAIL_BYTES, append_audit, audit_file, read_audit
from chaosctl.errors import ChaosctlError
from chaosctl.report.audit_text import audit_line
from tests.simulated_target import SimulatedWorld

ARGV = ("/usr/bin/chaosctl", "run", "my document.yaml", "--yes")


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return replace(SimulatedWorld(tmp_path).context, argv=ARGV)


def write(context: Context, count: int = 3) -> Path:
    for number in range(count):
        assert append_audit(context, "run", runs=[f"run-{number}"], verdict="passed") == ""
    return audit_file(context)


def test_audit_says_who_did_what_when_and_how_it_ended(context: Context) -> None:
    path = write(context, 1)
    (line,) = read_audit(path, verify=True)
    assert (line["command"], line["runs"], line["verdict"]) == ("run", ["run-0"], "passed")
    assert line["argv"] == list(ARGV)
    assert line["uid"] == os.getuid()
    assert line["at_ms"] == context.now_ms()
    text = audit_line(line)
    assert text.startswith("2026-02-25 06:13:20 UTC  ")
    assert text.endswith("passed  run-0  chaosctl run 'my document.yaml' --yes")


def test_audit_names_who_used_sudo(context: Context) -> None:
    root = replace(context, env={**context.env, "SUDO_USER": "ada"})
    append_audit(root, "halt", runs=["a", "b"], undo="incomplete")
    (line,) = read_audit(audit_file(root))
    assert "(sudo by ada)  halt, undo incomplete  a b" in audit_line(line)


def test_audit_is_private_and_only_added_to(context: Context) -> None:
    path = write(context)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_bytes()
    write(context, 1)
    assert path.read_bytes().startswith(before)
    assert [line["seq"] for line in read_audit(path, verify=True)] == [0, 1, 2, 3]


def drop_second(lines: list[bytes]) -> list[bytes]:
    return [lines[0], *lines[2:]]


def change_first(lines: list[bytes]) -> list[bytes]:
    return [lines[0].replace(b"passed", b"failed"), *lines[1:]]


def swap(lines: list[bytes]) -> list[bytes]:
    return [lines[1], lines[0], *lines[2:]]


@pytest.mark.parametrize("tamper", [drop_second, change_first, swap])
def test_audit_that_was_changed_is_found_out(
    context: Context, tamper: Callable[[list[bytes]], list[bytes]]
) -> None:
    path = write(context)
    path.write_bytes(b"".join(tamper(path.read_bytes().splitlines(keepends=True))))
    with pytest.raises(ChaosctlError, match="does not follow the one before") as caught:
        list(read_audit(path, verify=True))
    assert caught.value.where.startswith(f"{path}:")


def test_audit_goes_on_after_a_torn_line(context: Context) -> None:
    path = write(context, 2)
    with path.open("ab") as file:
        file.write(b'{"schema":"chaosctl/audit/v1","seq":2,"pre')
    write(context, 2)
    assert [line["seq"] for line in read_audit(path, verify=True)] == [0, 1, 2, 3]


def test_audit_line_is_short_whatever_the_command_line(context: Context) -> None:
    long = replace(context, argv=("chaosctl", *["x" * 100_000] * 1000))
    append_audit(long, "run", runs=["r" * 30] * 5000)
    append_audit(long, "run")
    path = audit_file(context)
    assert max(len(line) for line in path.read_bytes().splitlines()) < TAIL_BYTES
    assert [line["seq"] for line in read_audit(path, verify=True)] == [0, 1]


def test_audit_that_another_process_holds_is_waited_for_a_second(context: Context) -> None:
    path = write(context, 1)
    with path.open("rb") as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        began = context.monotonic()
        assert "held by another process" in append_audit(context, "run")
        assert 1.0 <= context.monotonic() - began < 1.1
    assert append_audit(context, "run") == ""


def test_audit_that_cannot_be_written_says_so(context: Context, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    elsewhere = replace(context, env={"CHAOSCTL_STATE_DIR": str(blocked / "state")})
    assert "cannot be opened" in append_audit(elsewhere, "run")
    link = audit_file(context)
    link.parent.mkdir(parents=True)
    link.symlink_to(tmp_path / "stolen")
    assert "cannot be opened" in append_audit(context, "run")
    assert not (tmp_path / "stolen").exists()


def test_audit_of_a_newer_version_is_left_alone(context: Context) -> None:
    path = write(context, 1)
    path.write_text(json.dumps({"schema": "chaosctl/audit/v2", "seq": 0}) + "\n")
    before = path.read_text()
    assert "has schema 'chaosctl/audit/v2'" in append_audit(context, "run")
    assert path.read_text() == before
    with pytest.raises(ChaosctlError, match="this version knows"):
        list(read_audit(path))
