"""Soft limits of a running process, lowered from outside and put back as they were.

Only soft limits are touched: whoever owns the process may raise them again up to the hard ones. A
limit is put back only if it is lower than it was, so that undoing twice, or what somebody has
raised since, changes nothing.
"""

from __future__ import annotations

import resource
from collections.abc import Callable
from pathlib import Path

from chaosctl.procfs import is_alive

LIMITS: dict[str, int] = {
    "files": resource.RLIMIT_NOFILE,
    "file-size": resource.RLIMIT_FSIZE,
    "memory": resource.RLIMIT_AS,
}
NONE = resource.RLIM_INFINITY


def soft_limits(pid: int) -> dict[str, int]:
    """Soft limit of each kind as the kernel has it now; NONE (-1) where there is none.

    Raises ProcessLookupError.
    """
    return {name: resource.prlimit(pid, number)[0] for name, number in LIMITS.items()}


def lower(pid: int, ticks: int, name: str, soft: int) -> bool:
    """Set a soft limit of this very process, if it is lower than now; False if it is gone."""
    return _set(pid, ticks, name, soft, is_wanted=lambda now: _is_less(soft, now))


def put_back(pid: int, ticks: int, name: str, former: int) -> bool:
    """Raise a soft limit of this very process to what it was; False if it is gone."""
    return _set(pid, ticks, name, former, is_wanted=lambda now: _is_less(now, former))


def lowest_files(pid: int, left: int) -> int:
    """The limit that leaves room for so many more open files: a new one takes the lowest number."""
    taken = {int(entry.name) for entry in Path(f"/proc/{pid}/fd").iterdir()}
    number = 0
    while left >= 0:
        if number not in taken:
            left -= 1
        number += 1
    return number - 1


def address_space_bytes(pid: int) -> int:
    """How much address space the process has."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[0])
    return pages * resource.getpagesize()


def _set(pid: int, ticks: int, name: str, soft: int, *, is_wanted: Callable[[int], bool]) -> bool:
    if pid <= 0 or not is_alive(pid, ticks):
        return False
    try:
        now, hard = resource.prlimit(pid, LIMITS[name])
        if is_wanted(now):
            resource.prlimit(pid, LIMITS[name], (soft, hard))
    except ProcessLookupError:
        return False
    return True


def _is_less(first: int, second: int) -> bool:
    """By size; NONE is more than any."""
    return first != NONE and (second == NONE or first < second)
