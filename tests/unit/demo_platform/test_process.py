"""A process is told from a later one of the same number by its start."""

from __future__ import annotations

import os

from demo_platform.process import host_pid, is_alive, started_ticks


def test_this_process_is_alive() -> None:
    assert is_alive(host_pid(), started_ticks())
    assert started_ticks() == started_ticks(host_pid())


def test_another_start_time_is_another_process() -> None:
    assert not is_alive(host_pid(), started_ticks() + 1)


def test_zombie_is_not_alive_and_neither_is_one_that_is_gone() -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    assert not is_alive(child, started_ticks(child))
    os.waitpid(child, 0)
    assert not is_alive(child, 1)
    assert started_ticks(child) == 0
