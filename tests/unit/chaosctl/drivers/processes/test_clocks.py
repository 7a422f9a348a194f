"""The clock of a process of ours: moved from outside, put back, and nobody else's touched."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from chaosctl.drivers.network import dates
from chaosctl.drivers.processes import actions, clocks, holding, stopping, vdso
from chaosctl.procfs import ProcessState, started_ticks, state_of
from monkeys.errors import TargetFailed
from monkeys.target import Instance, UndoRecord

TELLER = """
import ctypes, sys, threading, time
libc = ctypes.CDLL(None)
libc.time.restype = ctypes.c_long
def gettimeofday():
    pair = (ctypes.c_long * 2)()
    libc.gettimeofday(pair, None)
    return pair[0] + pair[1] / 1e6
busy = len(sys.argv) > 1
for _ in range(2 if busy else 0):
    threading.Thread(target=lambda: [time.time() for _ in iter(int, 1)], daemon=True).start()
tell = {"python": time.time, "c": lambda: libc.time(None), "old": gettimeofday,
        "monotonic": time.monotonic, "coarse": lambda: time.clock_gettime(5),
        "null": lambda: libc.clock_gettime(0, None) + 1000}
for line in sys.stdin:
    print(tell[line.strip()](), flush=True)
"""


class Teller:
    """A process that says what time it is."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-S", "-c", TELLER, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.pid = self.process.pid
        self.says("python")  # it is up
        self.ticks = started_ticks(self.pid) or 0

    def says(self, clock: str) -> float:
        self.process.stdin.write(f"{clock}\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def ahead_s(self, clock: str = "python") -> float:
        return self.says(clock) - time.time()

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def teller(request):
    made = Teller(*getattr(request, "param", ()))
    yield made
    made.close()


another = teller


@pytest.mark.parametrize("offset_s", [600, -600, 86_400])
def test_every_clock_of_the_day_moves_and_the_one_since_boot_does_not(teller, another, offset_s):
    clocks.set_clock(teller.pid, teller.ticks, offset_s, "r1")
    for clock in ("python", "c", "old", "coarse"):
        assert teller.ahead_s(clock) == pytest.approx(offset_s, abs=2)
    assert teller.says("monotonic") == pytest.approx(time.monotonic(), abs=2)
    assert teller.says("null") in (999, 1000)  # a pointer to nothing is refused, or ignored
    assert abs(another.ahead_s()) < 2
    assert clocks.put_back(teller.pid, teller.ticks, "r1")
    for clock in ("python", "c", "old", "coarse"):
        assert abs(teller.ahead_s(clock)) < 2


def test_putting_back_leaves_the_code_as_it_was_in_everybody(teller):
    begin, end = vdso.place_in(teller.pid)

    def code() -> bytes:
        with Path(f"/proc/{teller.pid}/mem").open("rb", buffering=0) as memory:
            memory.seek(begin)
            return memory.read(end - begin)

    clocks.set_clock(teller.pid, teller.ticks, 600, "r1")
    assert code() != vdso.image().code
    clocks.put_back(teller.pid, teller.ticks, "r1")
    assert code() == vdso.image().code


def test_twice_is_once_and_a_record_takes_back_only_its_own(teller):
    for _ in range(2):
        clocks.set_clock(teller.pid, teller.ticks, 600, "r1")
    with pytest.raises(clocks.ClockTaken, match="set already"):
        clocks.set_clock(teller.pid, teller.ticks, -600, "r2")
    assert not clocks.put_back(teller.pid, teller.ticks, "r2")
    assert teller.ahead_s() == pytest.approx(600, abs=2)
    assert clocks.put_back(teller.pid, teller.ticks, "r1")
    assert not clocks.put_back(teller.pid, teller.ticks, "r1")


@pytest.mark.parametrize("teller", [("busy",)], indirect=True)
def test_a_process_that_does_nothing_but_ask_for_the_time_survives_it(teller):
    for number in range(20):
        clocks.set_clock(teller.pid, teller.ticks, 600, f"r{number}")
        assert clocks.put_back(teller.pid, teller.ticks, f"r{number}")
    assert abs(teller.ahead_s()) < 2


def test_a_later_process_of_the_same_number_is_spared(teller):
    with pytest.raises(ProcessLookupError):
        clocks.set_clock(teller.pid, teller.ticks + 1, 600, "r1")
    assert not clocks.put_back(teller.pid, teller.ticks + 1, "r1")
    assert abs(teller.ahead_s()) < 2


def test_a_stopped_process_stays_stopped(teller):
    os.kill(teller.pid, 19)
    clocks.set_clock(teller.pid, teller.ticks, 600, "r1")
    until_s = time.monotonic() + 5
    while state_of(teller.pid, teller.ticks) is not ProcessState.STOPPED:
        assert time.monotonic() < until_s
    os.kill(teller.pid, 18)
    assert teller.ahead_s() == pytest.approx(600, abs=2)


def test_a_signal_that_comes_meanwhile_is_not_lost(teller):
    for number in range(10):
        os.kill(teller.pid, 19)
        clocks.set_clock(teller.pid, teller.ticks, 600, f"r{number}")
        os.kill(teller.pid, 18)
        clocks.put_back(teller.pid, teller.ticks, f"r{number}")
        assert abs(teller.ahead_s()) < 2
    os.kill(teller.pid, 15)
    assert teller.process.wait(5) == -15


def test_who_never_leaves_the_code_is_left_alone(teller, monkeypatch):
    monkeypatch.setattr(stopping, "_WITHIN_S", 0.05)
    with pytest.raises(stopping.Busy), stopping.stopped_outside(teller.pid, 0, 2**64):
        raise AssertionError("it is in there")
    assert abs(teller.ahead_s()) < 2


def test_what_cannot_be_is_said_with_the_fix(teller, monkeypatch):
    assert clocks.lack(teller.pid) is None
    assert "debugger" in clocks.lack(2**22 + 1).what
    monkeypatch.setattr(clocks.platform, "machine", lambda: "s390x")
    lack = clocks.lack(teller.pid)
    assert "s390x" in lack.what
    assert lack.fix


def test_letting_go_of_who_is_gone_is_nothing_and_of_who_cannot_be_reached_is_said(
    teller, monkeypatch
):
    gone = {"id": "i", "pid": 2**22 + 1, "ticks": 1}
    actions.let_go("r1", {"action": "clock", "offset_s": 1, "instances": [gone]})

    def busy(*_: object) -> bool:
        raise stopping.Busy("it is always in there")

    monkeypatch.setattr(clocks, "put_back", busy)
    handle = {"pid": 1, "started_ticks": 1, "world_pid": 1, "world_started_ticks": 1}
    handle |= {"files": 1, "memory": 1, "file-size": 1, "disk": ""}
    one = Instance("i", "s", "g", "r", "z", handle=handle)
    with pytest.raises(TargetFailed, match="always in there"):
        holding.release(UndoRecord("r1", "clock-skew", "demo", "clock", (one,)))


class _Dated(BaseHTTPRequestHandler):
    ahead_s = 0.0

    def do_HEAD(self) -> None:
        self.send_response(404)
        self.end_headers()

    def date_time_string(self, timestamp: float | None = None) -> str:
        return super().date_time_string(time.time() + self.ahead_s)

    def log_message(self, *_: object) -> None:
        """Be quiet."""


@pytest.mark.parametrize("ahead_s", [0, 600, -600])
def test_what_time_a_server_says_it_is(ahead_s, monkeypatch):
    monkeypatch.setattr(_Dated, "ahead_s", ahead_s)
    with HTTPServer(("127.0.0.1", 0), _Dated) as server:
        serving = threading.Thread(target=server.handle_request)
        serving.start()
        (told,) = dates.ahead_s([server.server_address], 5.0)
        serving.join()
        assert told == pytest.approx(ahead_s, abs=2)
        closed = server.server_address
    assert dates.ahead_s([closed], 1.0) == [None]
