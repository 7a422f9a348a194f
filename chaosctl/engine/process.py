"""Which process is meant: a number alone may by now belong to a stranger."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class ProcessId:
    """A process for good: its number, when it started (clock ticks since boot), and which boot."""

    pid: int
    started_ticks: int
    boot: str = ""

    def as_json(self) -> dict[str, Any]:
        """This as plain JSON values."""
        return asdict(self)


def from_json(data: Mapping[str, Any]) -> ProcessId:
    """What `as_json` wrote; a process that never was if the data says nothing usable."""
    try:
        return ProcessId(int(data["pid"]), int(data["started_ticks"]), str(data.get("boot", "")))
    except (KeyError, TypeError, ValueError):
        return ProcessId(0, 0)


def identify(pid: int = 0) -> ProcessId:
    """The process with this number now (0: ourselves); started_ticks is 0 if there is none."""
    number = pid or os.getpid()
    return ProcessId(number, _started_ticks(number) or 0, _boot())


def is_alive(process: ProcessId) -> bool:
    """Whether that very process still runs; a zombie does not."""
    if process.pid <= 0 or (process.boot and process.boot != _boot()):
        return False
    ticks = _started_ticks(process.pid)
    return ticks is not None and ticks == process.started_ticks


def send(process: ProcessId, number: int) -> bool:
    """Signal that very process; False if it is gone or not ours to signal."""
    if not hasattr(os, "pidfd_open"):
        return is_alive(process) and _kill(process.pid, number)
    try:
        # The descriptor pins the process; so the check below and the signal mean the same one.
        pinned = os.pidfd_open(process.pid)
    except OSError:
        return False
    try:
        if not is_alive(process):
            return False
        signal.pidfd_send_signal(pinned, number)
        return True
    except OSError:
        return False
    finally:
        os.close(pinned)


def owner(pid: int) -> int | None:
    """The user id a process runs as, None if it is gone."""
    try:
        return Path(f"/proc/{pid}").stat().st_uid
    except OSError:
        return None


def _kill(pid: int, number: int) -> bool:
    try:
        os.kill(pid, number)
    except OSError:
        return False
    return True


@cache
def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _started_ticks(pid: int) -> int | None:
    """Field 22 of /proc/<pid>/stat; None for no such process and for a zombie."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None if Path("/proc/self/stat").exists() else _ticks_without_proc(pid)
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])


def _ticks_without_proc(pid: int) -> int | None:
    """The same on systems without /proc, from psutil."""
    import psutil  # noqa: PLC0415 - only where there is no /proc; the watchdog must start quickly

    try:
        found = psutil.Process(pid)
        if found.status() == psutil.STATUS_ZOMBIE:
            return None
        return int(found.create_time() * 100)
    except psutil.Error:
        return None
