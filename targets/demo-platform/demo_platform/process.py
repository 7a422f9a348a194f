"""Facts and habits of a process: its number on the host, its age, its name, whom it dies with."""

import ctypes
import os
import signal
import sys
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15
_PR_SET_CHILD_SUBREAPER = 36
_START_TIME_AFTER_COMM = 19
"""Where field 22 of /proc/<pid>/stat stands among the fields after the name in brackets."""

IS_LINUX = sys.platform == "linux"


def host_pid() -> int:
    """This process as the host counts it: the procfs mounted here is the host's."""
    return int(Path("/proc/self").readlink().name) if IS_LINUX else os.getpid()


def started_ticks(pid: int | None = None) -> int:
    """Field 22 of /proc/<pid>/stat, which tells a process from a later one of the same number.

    pid: as the host counts it; None is this process. 0 where there is no such process or no
    procfs.
    """
    if not IS_LINUX:
        return 0
    try:
        stat = Path(f"/proc/{'self' if pid is None else pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return int(stat.rpartition(")")[2].split()[_START_TIME_AFTER_COMM])


def is_alive(pid: int, ticks: int) -> bool:
    """Whether the process of that number and start time still exists and is no zombie."""
    if not IS_LINUX:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    fields = stat.rpartition(")")[2].split()
    return fields[0] not in {"Z", "X"} and int(fields[_START_TIME_AFTER_COMM]) == ticks


def die_with_parent(number: signal.Signals) -> None:
    """Be sent a signal by the kernel when the parent dies, however it dies. Linux only.

    The caller checks afterwards that the parent was not gone already.
    """
    _prctl(_PR_SET_PDEATHSIG, number)


def adopt_orphans() -> None:
    """Become the parent of grandchildren whose parent exits. Linux only."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def set_name(name: str) -> None:
    """Name this process as `ps` and `top` show it; cut at 15 bytes by the kernel."""
    if IS_LINUX:
        _check(_libc().prctl(_PR_SET_NAME, name.encode(), 0, 0, 0), "prctl")


def reset_signals() -> None:
    """Forget the handlers and the wake-up fd inherited by fork."""
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def _prctl(option: int, value: int) -> None:
    if IS_LINUX:
        _check(_libc().prctl(option, value, 0, 0, 0), "prctl")


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _check(result: int, call: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{call}: {os.strerror(number)}")
