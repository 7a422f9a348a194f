"""Holding a process still for a moment, so that its code can be changed under it.

With ptrace(2), not SIGSTOP: whoever stops a process by that has to start it again, and a tracer
that dies lets go by itself. Needs what a debugger needs: the same user, who in a world of
namespaces is its owner.
"""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_SEIZE, _INTERRUPT, _DETACH = 0x4206, 0x4207, 17
_WALL = 0x40000000
_WITHIN_S = 2.0
_STANDS_WITHIN_S = 5.0
_PAUSE_S = 0.002

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long


class Busy(Exception):
    """A process that was never found outside the code that is to be changed."""


def may_stop(pid: int) -> bool:
    """Whether we may do to the process what a debugger does; False also if it is gone."""
    try:
        # The kernel asks the same of whoever reads this as of a debugger.
        Path(f"/proc/{pid}/syscall").read_text()
    except OSError:
        return False
    return True


@contextmanager
def stopped_outside(pid: int, begin: int, end: int) -> Iterator[None]:
    """The process stands still, with no thread between two addresses, and goes on afterwards.

    Raises Busy when that cannot be had in time, OSError when the process is gone or not ours.
    """
    until_s = time.monotonic() + _WITHIN_S
    while True:
        held: dict[int, int | None] = {}
        try:
            _stop_all(pid, held, until_s)
            if not any(begin <= _where(pid, thread) < end for thread in held):
                yield
                return
        finally:
            for thread, signal_number in held.items():
                _let_go(thread, signal_number)
        if time.monotonic() > until_s:
            raise Busy(f"process {pid} never left the code that is to be changed")
        time.sleep(_PAUSE_S)


def _stop_all(pid: int, held: dict[int, int | None], until_s: float) -> None:
    """Every thread, those too that are begun meanwhile.

    held: grows as they are seized; the signal that each was about to get, None until it stands.
    """
    while new := [tid for tid in _threads(pid) if tid not in held]:
        for thread in new:
            try:
                _ptrace(_SEIZE, thread)
                held[thread] = None
                _ptrace(_INTERRUPT, thread)
                held[thread] = _await_stop(thread, until_s)
            except ProcessLookupError:
                held.pop(thread, None)
                if thread == pid:
                    raise


def _await_stop(thread: int, until_s: float) -> int:
    """The signal that it was about to get when it stopped, 0 for none."""
    while True:
        found, status = os.waitpid(thread, _WALL | os.WNOHANG)
        if found:
            if not os.WIFSTOPPED(status):
                raise ProcessLookupError(f"thread {thread} has ended")
            is_event = bool(status >> 16)
            return 0 if is_event else os.WSTOPSIG(status)
        if time.monotonic() > until_s:
            raise Busy(f"thread {thread} does not stop")
        time.sleep(_PAUSE_S / 4)


def _let_go(thread: int, signal_number: int | None) -> None:
    """Only a thread that stands can be let go, so one that does not yet is awaited."""
    try:
        if signal_number is None:
            signal_number = _await_stop(thread, time.monotonic() + _STANDS_WITHIN_S)
        _ptrace(_DETACH, thread, signal_number)
    except (ProcessLookupError, ChildProcessError, Busy):
        # It was killed: its parent hears of that once we have. Else it is ours until we end.
        with suppress(ChildProcessError):
            os.waitpid(thread, _WALL | os.WNOHANG)


def _threads(pid: int) -> list[int]:
    return [int(entry.name) for entry in Path(f"/proc/{pid}/task").iterdir()]


def _where(pid: int, thread: int) -> int:
    """The address of the next instruction of a thread that stands still."""
    return int(Path(f"/proc/{pid}/task/{thread}/syscall").read_text().split()[-1], 16)


def _ptrace(request: int, thread: int, signal_number: int = 0) -> None:
    if _libc.ptrace(request, thread, None, signal_number) == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
