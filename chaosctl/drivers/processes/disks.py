"""Filling an instance's disk from outside, and taking the filling out again.

The filling is one file, named for its record. It is reached by the world's first process, so that
it is found also when the instance that it was made for has been replaced and its volume lives on.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

from chaosctl.procfs import is_alive

SIZE_BYTES_MAX = 256 * 2**20

_OWN_MOUNTS = Path("/proc/self/mountinfo")
_PIECE = bytes(64 * 1024)


def place_of(world_pid: int, world_ticks: int, disk: str) -> Path | None:
    """The disk's folder as seen from here; None if it is gone, with its instance or its world."""
    if not disk or world_pid <= 0 or not is_alive(world_pid, world_ticks):
        return None
    folder = Path(f"/proc/{world_pid}/root") / disk.lstrip("/")
    return folder if folder.is_dir() else None


def is_own(folder: Path, *, mounts: Path = _OWN_MOUNTS) -> bool:
    """Whether the disk is a small file system that nobody outside its world can even see.

    Filling any other would hit others too, or take all of the machine's memory.
    """
    seen = {line.split()[2] for line in mounts.read_text().splitlines()}
    device = folder.stat().st_dev
    status = os.statvfs(folder)
    size_bytes = status.f_blocks * status.f_frsize
    is_elsewhere = f"{os.major(device)}:{os.minor(device)}" not in seen
    return is_elsewhere and 0 < size_bytes <= SIZE_BYTES_MAX


def fill(folder: Path, record: str, ratio: float) -> None:
    """Write until so much of the disk is used; fills up again what has become free since."""
    status = os.statvfs(folder)
    used_bytes = (status.f_blocks - status.f_bfree) * status.f_frsize
    wanted_bytes = int(status.f_blocks * status.f_frsize * ratio) - used_bytes
    if wanted_bytes <= 0:
        return
    with (folder / _name(record)).open("ab", buffering=0) as file:
        try:
            while wanted_bytes > 0:
                wanted_bytes -= file.write(_PIECE[:wanted_bytes])
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise


def empty(folder: Path, record: str) -> None:
    """Take this record's filling out."""
    (folder / _name(record)).unlink(missing_ok=True)


def _name(record: str) -> str:
    return f".chaosctl-{record}"
