"""A process is its number and its start time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from chaosctl import procfs
from monkeys.target import ProcessState


@pytest.fixture
def child():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process.pid, procfs.started_ticks(process.pid)
        process.kill()


def wait_for(state, pid, ticks):
    until = time.monotonic() + 5
    while procfs.state_of(pid, ticks) is not state:
        assert time.monotonic() < until


def test_signals_reach_the_very_process_and_its_state_tells(child):
    pid, ticks = child
    assert procfs.is_alive(pid, ticks)
    assert procfs.send_signal(pid, ticks, signal.SIGSTOP)
    wait_for(ProcessState.STOPPED, pid, ticks)
    assert procfs.send_signal(pid, ticks, signal.SIGCONT)
    wait_for(ProcessState.RUNNING, pid, ticks)
    assert procfs.send_signal(pid, ticks, signal.SIGKILL)
    wait_for(ProcessState.GONE, pid, ticks)  # a zombie, which nobody has reaped
    assert not procfs.send_signal(pid, ticks, signal.SIGKILL)


def test_a_later_process_of_the_same_number_is_spared(child):
    pid, ticks = child
    assert not procfs.send_signal(pid, ticks - 1, signal.SIGKILL)
    assert procfs.state_of(pid, ticks - 1) is ProcessState.GONE
    assert procfs.is_alive(pid, ticks)


@pytest.mark.parametrize("pid", [0, -1, 2**22 + 1])
def test_no_process_is_gone(pid):
    assert procfs.open_process(pid, 1) is None
    assert procfs.state_of(pid, 1) is ProcessState.GONE
    assert procfs.started_ticks(pid) is None


def test_arguments_of_all_have_ours():
    assert os.getpid() in dict(procfs.arguments_of_all())
