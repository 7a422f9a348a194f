"""Processes as the kernel shows them: a number and a start time are one process for ever.

A process id alone may be somebody else's a moment later; with the start time (field 22 of
/proc/<pid>/stat, in clock ticks since boot) it cannot. Linux only, and standard library only.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

from monkeys.target import ProcessState

_PROC = Path("/proc")
_STOPPED = "Tt"
_DEAD = "ZXx"


def started_ticks(pid: int) -> int | None:
    """When the process started, in ticks since boot; None if there is none."""
    fields = _stat(pid)
    return None if fields is None else int(fields[19])


def is_alive(pid: int, ticks: int) -> bool:
    """Whether this very process is there and not a zombie."""
    return state_of(pid, ticks) is not ProcessState.GONE


def state_of(pid: int, ticks: int) -> ProcessState:
    """State of this very process; a zombie, or another one with its number, is gone."""
    fields = _stat(pid)
    if fields is None or int(fields[19]) != ticks or fields[0] in _DEAD:
        return ProcessState.GONE
    return ProcessState.STOPPED if fields[0] in _STOPPED else ProcessState.RUNNING


def open_process(pid: int, ticks: int) -> int | None:
    """A pidfd of this very process, which the caller closes; None if it is gone.

    The start time is read after the descriptor is held, so that they are of one process.
    """
    if pid <= 0:
        return None
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return None
    if is_alive(pid, ticks):
        return fd
    os.close(fd)
    return None


def send_signal(pid: int, ticks: int, signal_number: signal.Signals) -> bool:
    """Signal this very process; False if it is gone. Raises PermissionError."""
    fd = open_process(pid, ticks)
    if fd is None:
        return False
    try:
        signal.pidfd_send_signal(fd, signal_number)
    except ProcessLookupError:
        return False
    finally:
        os.close(fd)
    return True


def arguments_of_all() -> Iterator[tuple[int, list[str]]]:
    """Process id and arguments of every process that can be read."""
    for entry in _PROC.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            raw = (entry / "cmdline").read_bytes()
        except OSError:  # it ended meanwhile, or is not ours to read
            continue
        yield int(entry.name), raw.decode(errors="replace").split("\0")


def _stat(pid: int) -> list[str] | None:
    """Fields of /proc/<pid>/stat from the third (state) on; the name before may hold anything."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    return text.rpartition(")")[2].split()
