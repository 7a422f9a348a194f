"""Soft limits of a process of ours: lowered, put back, and nobody else's touched."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Iterator

import pytest

from chaosctl.drivers.processes import limits
from chaosctl.drivers.processes.actions import let_go
from chaosctl.procfs import started_ticks


@pytest.fixture
def sleeper() -> Iterator[tuple[int, int]]:
    """Process id and start of a process that waits for its input to end."""
    program = [sys.executable, "-S", "-c", "input()"]
    with subprocess.Popen(program, stdin=subprocess.PIPE) as process:
        _, hard = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (200, hard))
        yield process.pid, started_ticks(process.pid) or 0
        process.kill()


def soft(pid: int) -> int:
    return limits.soft_limits(pid)["files"]


def test_a_limit_is_lowered_and_put_back_and_twice_is_once(sleeper):
    for _ in range(2):
        assert limits.lower(*sleeper, "files", 50)
        assert soft(sleeper[0]) == 50
    for _ in range(2):
        assert limits.put_back(*sleeper, "files", 200)
        assert soft(sleeper[0]) == 200


def test_a_limit_is_never_raised_by_lowering_nor_lowered_by_putting_back(sleeper):
    assert limits.lower(*sleeper, "files", 300)
    assert limits.put_back(*sleeper, "files", 100)
    assert soft(sleeper[0]) == 200


def test_no_limit_is_more_than_any(sleeper):
    usual = limits.soft_limits(sleeper[0])["file-size"]
    assert limits.lower(*sleeper, "file-size", 0)
    assert limits.put_back(*sleeper, "file-size", usual)
    assert limits.soft_limits(sleeper[0])["file-size"] == usual


def test_a_later_process_of_the_same_number_is_spared(sleeper):
    pid, ticks = sleeper
    assert not limits.lower(pid, ticks + 1, "files", 50)
    assert soft(pid) == 200


def test_room_for_files_is_counted_from_the_lowest_free_number(sleeper):
    pid, _ = sleeper
    assert limits.lowest_files(pid, 0) == 3
    assert limits.lowest_files(pid, 4) == 7


def test_letting_go_of_who_is_gone_is_nothing():
    gone = {"pid": 2**22 + 1, "ticks": 1, "world_pid": 2**22 + 1, "world_ticks": 1}
    gone |= {"id": "i", "files": 1, "memory": 1, "file-size": 1, "disk": "/nowhere"}
    for action in ({"action": "throttle"}, {"action": "disk"}, {"action": "limit"}):
        let_go("r1", {**action, "limit": "files", "instances": [gone]})
