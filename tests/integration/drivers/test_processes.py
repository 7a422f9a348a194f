"""Throttles, limits and full disks, as the process itself feels them."""

from __future__ import annotations

import errno
import itertools
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from chaosctl.drivers.processes import holding
from chaosctl.drivers.processes.usage import usage_of
from chaosctl.procfs import started_ticks, state_of
from monkeys.errors import TargetFailed
from monkeys.faults import check_fault, make_fault
from monkeys.target import Instance, UndoRecord

pytestmark = pytest.mark.integration

DISK_BYTES = 1 << 20
VICTIM = """
import ctypes, os, resource, sys, time
_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
libc = ctypes.CDLL(None, use_errno=True)
uid, gid = os.getuid(), os.getgid()
if sys.argv[1] != "plain":
    assert libc.unshare(0x10020000) == 0, os.strerror(ctypes.get_errno())
    open("/proc/self/setgroups", "w").write("deny")
    open("/proc/self/uid_map", "w").write(f"0 {uid} 1")
    open("/proc/self/gid_map", "w").write(f"0 {gid} 1")
    assert libc.mount(b"none", b"/", None, 0x44000, None) == 0
    disk = sys.argv[2].encode()
    assert libc.mount(b"tmpfs", disk, b"tmpfs", 0, b"size=1m") == 0
os.chdir(sys.argv[2])
kept = []
def spin():
    begun, n = time.monotonic(), 0
    for _ in range(3_000_000):
        n += 1
    return round((time.monotonic() - begun) * 1000)
def grow():
    kept.append(bytearray(64 << 20))
    kept.clear()
    return 0
def write():
    try:
        with open("own", "wb") as file:
            file.write(bytes(100_000))
    finally:
        os.unlink("own")
    return 0
def opened():
    kept.extend(os.open("/dev/null", 0) for _ in range(3))
    for fd in kept:
        os.close(fd)
    kept.clear()
    return 0
acts = {"spin": spin, "grow": grow, "write": write, "open": opened}
acts["day"] = lambda: round(time.time())
print("up", flush=True)
for line in sys.stdin:
    try:
        print(acts[line.strip()](), flush=True)
    except MemoryError:
        print("MemoryError", flush=True)
    except OSError as error:
        print(f"errno {error.errno}", flush=True)
        for fd in kept:
            os.close(fd)
        kept.clear()
"""


class Victim:
    """A process that does what it is told and says how it went."""

    def __init__(self, disk: Path, kind: str) -> None:
        disk.mkdir()
        self.process = subprocess.Popen(
            [sys.executable, "-c", VICTIM, kind, str(disk)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout.readline() == "up\n"
        self.limits = self.all_limits()

    def says(self, what: str) -> str:
        self.process.stdin.write(f"{what}\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def all_limits(self) -> str:
        """Every limit, soft and hard, as the kernel prints them."""
        return Path(f"/proc/{self.process.pid}/limits").read_text()

    @property
    def instance(self) -> Instance:
        pid, ticks = self.process.pid, started_ticks(self.process.pid)
        handle = {"pid": pid, "started_ticks": ticks, "link": ""}
        handle |= {"world_pid": pid, "world_started_ticks": ticks, **holding.handle_of(pid)}
        return Instance("i-0", "s", "g", "r", "z", handle=handle)


@pytest.fixture(params=["namespaced"])
def victim(tmp_path, request):
    made = Victim(tmp_path / "disk", request.param)
    yield made
    made.process.kill()
    made.process.communicate()


class Target:
    """As much of a target as these faults look at."""

    def state(self, instance):
        return state_of(instance.handle["pid"], instance.handle["started_ticks"])

    def usage(self, instances, what):
        return usage_of(instances, what)


class Held:
    """A fault that is in; looks and undoes as a run and its watchdog would."""

    def __init__(self, victim: Victim, name: str, given: dict, for_ms: int = 20_000) -> None:
        self.fault = make_fault(name, check_fault(name, given)[0])
        self.chosen = [victim.instance]
        self.before = self.look()
        numbers = itertools.count(time.monotonic_ns())
        deadline_ms = time.time_ns() // 1_000_000 + for_ms
        (record,) = self.fault.prepare(
            self.chosen, "demo", lambda: f"h{next(numbers)}", deadline_ms
        )
        self.record = UndoRecord.from_json(record.as_json())
        holding.hold(self.record, time.time_ns() // 1_000_000)

    def look(self):
        return self.fault.look(self.chosen, Target())

    def took_effect(self) -> bool:
        return self.fault.took_effect(self.before, self.look())["i-0"]

    def was_removed(self) -> bool:
        return self.fault.was_removed(self.before, self.look())["i-0"]

    def holders(self) -> list[int]:
        return holders_of(self.record)


def holders_of(record: UndoRecord) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"chaosctl.drivers.processes.holder" in words and record.id.encode() in words:
                found.append(int(entry.name))
    return found


FAULTS = {
    "fd-exhaust": ({}, "open", f"errno {errno.EMFILE}"),
    "memory-fill": ({}, "grow", "MemoryError"),
    "disk-fill": ({}, "write", f"errno {errno.ENOSPC}"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_the_process_feels_it_the_kernel_confirms_it_and_all_is_as_before(victim, name):
    given, what, feels = FAULTS[name]
    assert victim.says(what) == "0"
    held = Held(victim, name, given)
    assert victim.says(what) == feels
    assert held.took_effect()
    assert not held.was_removed()
    for _ in range(2):
        holding.release(held.record)
        assert victim.says(what) == "0"
        assert held.was_removed()
        assert not held.took_effect()
        assert victim.all_limits() == victim.limits
    assert held.holders() == []


def test_a_throttled_process_takes_as_much_longer_as_was_said(victim):
    usual_ms = min(int(victim.says("spin")) for _ in range(3))
    held = Held(victim, "cpu-burn", {"load": "80%"})
    assert held.took_effect()
    slow_ms = int(victim.says("spin"))
    print(f"the same work: {usual_ms} -> {slow_ms} ms at 80%")
    assert slow_ms > 2.5 * usual_ms
    holding.release(held.record)
    assert held.was_removed()
    assert int(victim.says("spin")) < slow_ms / 1.5


@pytest.mark.parametrize("victim", ["plain"], indirect=True)
def test_without_a_disk_of_its_own_a_file_may_not_grow_and_nobody_elses_disk_is_filled(victim):
    free = os.statvfs("/tmp").f_bavail
    held = Held(victim, "disk-fill", {})
    assert victim.says("write") == f"errno {errno.EFBIG}"
    assert held.took_effect()
    assert abs(os.statvfs("/tmp").f_bavail - free) < 100_000
    holding.release(held.record)
    assert victim.says("write") == "0"
    assert held.was_removed()
    assert victim.all_limits() == victim.limits


def test_some_room_may_be_left(victim):
    held = Held(victim, "fd-exhaust", {"left": 3})
    assert victim.says("open") == "0"
    holding.release(held.record)
    held = Held(victim, "memory-fill", {"left": "100MiB"})
    assert victim.says("grow") == "0"
    holding.release(held.record)
    held = Held(victim, "disk-fill", {"fill": "50%"})
    assert victim.says("write") == "0"
    holding.release(held.record)


@pytest.mark.parametrize("name", [*FAULTS, "cpu-burn"])
def test_a_killed_holder_is_made_up_for_by_whoever_has_the_record(victim, name):
    held = Held(victim, name, {})
    (pid,) = held.holders()
    os.kill(pid, signal.SIGKILL)
    holding.release(held.record)
    assert held.was_removed()
    assert victim.all_limits() == victim.limits
    assert int(victim.says("spin")) >= 0


@pytest.mark.parametrize("name", [*FAULTS, "cpu-burn"])
def test_it_lets_go_at_its_deadline_with_nobody_asking(victim, name):
    held = Held(victim, name, {}, for_ms=2500)
    assert held.took_effect()
    until = time.monotonic() + 8
    while held.holders():
        assert time.monotonic() < until
        time.sleep(0.05)
    assert held.was_removed()
    assert victim.all_limits() == victim.limits


@pytest.mark.parametrize("end", ["release", "killed", "deadline"])
@pytest.mark.parametrize("victim", ["plain", "namespaced"], indirect=True)
def test_a_clock_is_wrong_for_as_long_as_it_is_held(victim, end):
    for_ms = 2500 if end == "deadline" else 20_000
    now_ms = time.time_ns() // 1_000_000
    detail = {"offset_s": -600}
    record = UndoRecord(
        f"c{now_ms}", "clock-skew", "demo", "clock", (victim.instance,), now_ms + for_ms, detail
    )
    holding.hold(record, now_ms)
    assert int(victim.says("day")) == pytest.approx(time.time() - 600, abs=2)
    if end == "killed":
        os.kill(holders_of(record)[0], signal.SIGKILL)
    until = time.monotonic() + 8
    while end == "deadline" and holders_of(record):
        assert time.monotonic() < until
        time.sleep(0.05)
    for _ in range(0 if end == "deadline" else 2):
        holding.release(record)
    assert int(victim.says("day")) == pytest.approx(time.time(), abs=2)
    assert holders_of(record) == []


def test_a_holder_ends_with_its_instance(victim):
    held = Held(victim, "fd-exhaust", {})
    victim.process.kill()
    until = time.monotonic() + 4
    while held.holders():
        assert time.monotonic() < until, "the holder outlived its instance"
        time.sleep(0.05)
    holding.release(held.record)
    assert held.was_removed()


def test_what_somebody_has_raised_since_stays(victim):
    held = Held(victim, "fd-exhaust", {})
    _, hard = resource.prlimit(victim.process.pid, resource.RLIMIT_NOFILE)
    raised = int(held.chosen[0].handle["files"]) + 1
    resource.prlimit(victim.process.pid, resource.RLIMIT_NOFILE, (raised, hard))
    holding.release(held.record)
    assert resource.prlimit(victim.process.pid, resource.RLIMIT_NOFILE)[0] == raised


def test_the_dead_cannot_be_held(victim):
    instance = victim.instance
    victim.process.kill()
    victim.process.wait()
    record = UndoRecord(
        "h-dead",
        "fd-exhaust",
        "demo",
        "limit",
        (instance,),
        time.time_ns() // 1_000_000 + 9000,
        {"limit": "files", "left": 0},
    )
    with pytest.raises(TargetFailed, match="is gone"):
        holding.hold(record, time.time_ns() // 1_000_000)
