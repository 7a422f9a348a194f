"""Undo records made real by a holder: clock, disk, limit and throttle, for any local process.

A record is complete in itself: each instance's handle names its process, its world's first process,
its disk, and its soft limits as they were when the run chose it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from typing import Any

from chaosctl.background import STOP_TIMEOUT_S, begin, end_all
from chaosctl.drivers.processes.actions import Orders, disk_of, let_go
from chaosctl.drivers.processes.holder import READY
from chaosctl.drivers.processes.limits import LIMITS, NONE, soft_limits
from chaosctl.drivers.processes.stopping import Busy
from monkeys.errors import TargetFailed
from monkeys.target import Instance, UndoRecord

ACTIONS = ("clock", "disk", "limit", "throttle")

_MODULE = "chaosctl.drivers.processes.holder"


def handle_of(pid: int) -> dict[str, str | int]:
    """What a record must know of a process to put back all that a holder could change."""
    try:
        found = soft_limits(pid) if pid > 0 else dict.fromkeys(LIMITS, NONE)
    except (ProcessLookupError, PermissionError):
        found = dict.fromkeys(LIMITS, NONE)
    return {**found, "disk": disk_of(pid)}


def hold(record: UndoRecord, now_ms: int) -> None:
    """Start the record's holder; it is in once this returns. Raises TargetFailed."""
    left_ms = record.deadline_ms - now_ms
    if left_ms <= 0:
        raise _failed(record, "its deadline has passed before it was injected")
    # The run may have been started with paths of its own: the holder must find the same modules.
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    process, said = begin(_MODULE, record.id, json.dumps(_orders(record, left_ms)), env)
    if said != READY:
        release(record)
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_TIMEOUT_S)
        why = said.decode(errors="replace").strip()
        raise _failed(record, why or "its holder ended without a word")


def release(record: UndoRecord) -> None:
    """End the record's holder if it lives, and take back what it has not. Raises TargetFailed."""
    end_all(_MODULE, record.id)
    try:
        let_go(record.id, _orders(record, 0))
    except (Busy, OSError) as error:
        raise _failed(record, f"cannot let go: {error}") from error


def _orders(record: UndoRecord, for_ms: int) -> Orders:
    return {
        **record.detail,
        "action": record.mechanism,
        "instances": [_told(each) for each in record.instances],
        "for_ms": for_ms,
    }


def _told(instance: Instance) -> dict[str, Any]:
    handle = instance.handle
    return {
        "id": instance.id,
        "pid": handle["pid"],
        "ticks": handle["started_ticks"],
        "world_pid": handle["world_pid"],
        "world_ticks": handle["world_started_ticks"],
        **{name: handle[name] for name in (*LIMITS, "disk")},
    }


def _failed(record: UndoRecord, what: str) -> TargetFailed:
    return TargetFailed(what, where=record.fault, fix="run it again; `chaosctl status` shows all")
