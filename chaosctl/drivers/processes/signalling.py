"""Undo records made real by signals to an instance's own process, never to a later one."""

from __future__ import annotations

import signal

from chaosctl.procfs import is_alive, send_signal
from monkeys.errors import TargetFailed
from monkeys.target import Instance, UndoRecord


def strike(record: UndoRecord) -> None:
    """Send the record's signal to each. Raises TargetFailed for one that is gone."""
    for instance in record.instances:
        if not send(instance, record.detail["signal"]):
            raise TargetFailed(
                f"instance {instance.id!r} is gone",
                where=record.fault,
                fix="run it again: the platform replaces what dies",
            )


def unstrike(record: UndoRecord) -> None:
    """Send the opposite signal where there is one; a later process of that number is spared."""
    if record.detail["undo_signal"]:
        for instance in record.instances:
            send(instance, record.detail["undo_signal"])


def send(instance: Instance, name: str) -> bool:
    """Send a signal by its name; False if the process is gone. Raises TargetFailed."""
    pid, ticks = int(instance.handle["pid"]), int(instance.handle["started_ticks"])
    try:
        return send_signal(pid, ticks, signal.Signals[name])
    except PermissionError as error:
        if not is_alive(pid, ticks):
            return False
        raise TargetFailed(
            f"may not send {name} to {instance.id!r}: {error.strerror}",
            where="demo",
            fix="run as the user who started the platform, or as root",
        ) from error
