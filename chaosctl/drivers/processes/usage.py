"""How much of a resource a process has, and may have, as the kernel says of it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from math import inf
from pathlib import Path

from chaosctl.drivers.processes import disks, limits
from chaosctl.procfs import is_alive, state_of
from monkeys.target import Instance, ProcessState, Resource, Usage

_CPU_LOOKS = 40
_CPU_SPACING_S = 0.011
"""No divisor of a throttle's turn, so that looks fall everywhere in it."""


def usage_of(
    instances: Sequence[Instance],
    resource: Resource,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> dict[str, Usage]:
    """Of each that lives."""
    if resource is Resource.CPU:
        return _stopped_share(instances, sleep)
    ask = {Resource.DISK: _disk, Resource.FILES: _files, Resource.MEMORY: _memory}[resource]
    found: dict[str, Usage] = {}
    for each in instances:
        pid, ticks = int(each.handle["pid"]), int(each.handle["started_ticks"])
        try:
            seen = ask(each, pid)
        except (FileNotFoundError, ProcessLookupError):
            continue
        if is_alive(pid, ticks):
            found[each.id] = seen
    return found


def _stopped_share(
    instances: Sequence[Instance], sleep: Callable[[float], None]
) -> dict[str, Usage]:
    """How often each was found stopped; an instance that is well never is."""
    stopped = dict.fromkeys((each.id for each in instances), 0)
    for _ in range(_CPU_LOOKS):
        for each in instances:
            handle = each.handle
            state = state_of(int(handle["pid"]), int(handle["started_ticks"]))
            stopped[each.id] += state is ProcessState.STOPPED
        sleep(_CPU_SPACING_S)
    return {id_: Usage(count / _CPU_LOOKS, 1.0) for id_, count in stopped.items()}


def _disk(instance: Instance, pid: int) -> Usage:
    """Bytes on its disk; without one of its own, none of those that a file of it may have."""
    handle = instance.handle
    folder = disks.place_of(
        int(handle["world_pid"]), int(handle["world_started_ticks"]), str(handle["disk"])
    )
    if folder is None or not disks.is_own(folder):
        return Usage(0.0, _amount(limits.soft_limits(pid)["file-size"]))
    status = os.statvfs(folder)
    used = (status.f_blocks - status.f_bfree) * status.f_frsize
    return Usage(float(used), float(status.f_blocks * status.f_frsize))


def _files(_: Instance, pid: int) -> Usage:
    opened = sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
    return Usage(float(opened), _amount(limits.soft_limits(pid)["files"]))


def _memory(_: Instance, pid: int) -> Usage:
    used = limits.address_space_bytes(pid)
    return Usage(float(used), _amount(limits.soft_limits(pid)["memory"]))


def _amount(limit: int) -> float:
    return inf if limit == limits.NONE else float(limit)
