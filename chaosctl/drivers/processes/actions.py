"""What a holder does to its instances, and how anybody who knows the orders takes it back.

Orders are plain JSON values: `action` (clock, disk, limit or throttle), `instances` with what their
handles say, and the action's own. Letting go is idempotent, and needs nothing but the orders.
"""

from __future__ import annotations

import os
import signal
from typing import Any

from chaosctl.drivers.processes import clocks, disks, limits
from chaosctl.drivers.processes.stopping import Busy
from chaosctl.procfs import send_signal, state_of
from monkeys.target import ProcessState

Orders = dict[str, Any]
FILE_SIZE = "file-size"


class InstanceGone(Exception):
    """An instance that ended before anything could be done to it."""


def take_hold(record: str, orders: Orders) -> None:
    """Do it to every instance; again: what has been evaded since. Raises InstanceGone, OSError."""
    for instance in orders["instances"]:
        pid, ticks = instance["pid"], instance["ticks"]
        if state_of(pid, ticks) is ProcessState.GONE:
            raise InstanceGone(f"instance {instance['id']!r} is gone")
        match orders["action"]:
            case "clock":
                clocks.set_clock(pid, ticks, orders["offset_s"], record)
            case "limit":
                limits.lower(pid, ticks, orders["limit"], _wanted_limit(pid, orders))
            case "disk":
                _fill(record, instance, orders["fill_ratio"])
            case "throttle":
                pass  # the holder's own rhythm


def keep_hold(record: str, orders: Orders) -> None:
    """What has to be done again now and then: a disk's owner may have made room."""
    for instance in orders["instances"] if orders["action"] == "disk" else ():
        if state_of(instance["pid"], instance["ticks"]) is not ProcessState.GONE:
            _fill(record, instance, orders["fill_ratio"])


def let_go(record: str, orders: Orders) -> None:
    """Take it back from every instance that lives, and off every disk that is there.

    Raises Busy, OSError: the first that was in the way, after all the others were let go.
    """
    errors: list[Busy | OSError] = []
    for instance in orders["instances"]:
        try:
            _let_go(record, instance, orders)
        except (Busy, OSError) as error:
            errors.append(error)
    if errors:
        raise errors[0]


def _let_go(record: str, instance: Orders, orders: Orders) -> None:
    pid, ticks = instance["pid"], instance["ticks"]
    match orders["action"]:
        case "clock":
            clocks.put_back(pid, ticks, record)
        case "limit":
            limits.put_back(pid, ticks, orders["limit"], instance[orders["limit"]])
        case "disk":
            limits.put_back(pid, ticks, FILE_SIZE, instance[FILE_SIZE])
            folder = _folder_of(instance)
            if folder is not None:
                disks.empty(folder, record)
        case "throttle":
            send_signal(pid, ticks, signal.SIGCONT)


def _wanted_limit(pid: int, orders: Orders) -> int:
    if orders["limit"] == "files":
        return limits.lowest_files(pid, int(orders["left"]))
    return limits.address_space_bytes(pid) + int(orders["left"])


def _fill(record: str, instance: Orders, ratio: float) -> None:
    """Without a disk of its own it may write no more to any file: EFBIG in place of ENOSPC."""
    folder = _folder_of(instance)
    if folder is not None and disks.is_own(folder):
        disks.fill(folder, record, ratio)
    else:
        limits.lower(instance["pid"], instance["ticks"], FILE_SIZE, 0)


def _folder_of(instance: Orders) -> Any:
    return disks.place_of(instance["world_pid"], instance["world_ticks"], instance["disk"])


def disk_of(pid: int) -> str:
    """The path of the process's disk, as its world calls it; empty if it cannot be read."""
    try:
        return os.readlink(f"/proc/{pid}/cwd")  # noqa: PTH115 - what it says, not where it leads
    except OSError:
        return ""
