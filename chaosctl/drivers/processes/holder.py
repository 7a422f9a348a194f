"""The holder: a process that keeps a fault of processes in, and lets go.

Started as `python -m chaosctl.drivers.processes.holder <record> <orders as JSON>`, in a session of
its own. It says `ready` once the fault is in. It lets go at its own deadline, at SIGTERM, and when
none of its instances lives any more. If it is killed, the record's undo does the same.

A throttled process is stopped and continued in turns, so that it has so much of its processor and
no more. That takes nothing from its neighbours, which a program that burns the processor would.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress

from chaosctl.drivers.processes.actions import (
    InstanceGone,
    Orders,
    keep_hold,
    let_go,
    take_hold,
)
from chaosctl.drivers.processes.clocks import ClockTaken
from chaosctl.drivers.processes.stopping import Busy
from chaosctl.drivers.processes.vdso import NoVdso
from chaosctl.procfs import open_process

READY = b"ready\n"

_TURN_S = 0.1
_LOOK_S = 0.5


def main(arguments: Sequence[str]) -> int:
    """Hold a record's instances until told to let go."""
    record, orders = arguments[0], json.loads(arguments[1])
    deadline_s = time.monotonic() + orders["for_ms"] / 1000
    stop_fd = _stop_signal_fd()
    held = [
        fd
        for each in orders["instances"]
        if (fd := open_process(each["pid"], each["ticks"])) is not None
    ]
    try:
        take_hold(record, orders)
        os.write(1, READY)
        os.close(1)
        if orders["action"] == "throttle":
            _throttle(held, orders["stopped_ratio"], stop_fd, deadline_s)
        else:
            _wait(record, orders, held, stop_fd, deadline_s)
    except (Busy, ClockTaken, InstanceGone, NoVdso, OSError) as error:
        with suppress(OSError):
            os.write(1, f"{error}\n".encode())
        return 1
    finally:
        let_go(record, orders)
    return 0


def _stop_signal_fd() -> int:
    """A descriptor that becomes readable at SIGTERM; the other polite signals are ignored."""
    read_fd, write_fd = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(write_fd)
    signal.signal(signal.SIGTERM, lambda *_: None)
    for ignored in (signal.SIGINT, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    return read_fd


def _throttle(held: list[int], stopped_ratio: float, stop_fd: int, deadline_s: float) -> None:
    turns = ((signal.SIGSTOP, stopped_ratio), (signal.SIGCONT, 1 - stopped_ratio))
    while held:
        for number, share in turns:
            for fd in list(held):
                try:
                    signal.pidfd_send_signal(fd, number)
                except ProcessLookupError:
                    held.remove(fd)
            left_s = min(_TURN_S * share, deadline_s - time.monotonic())
            if left_s <= 0 or select.select([stop_fd], [], [], left_s)[0]:
                return


def _wait(record: str, orders: Orders, held: list[int], stop_fd: int, deadline_s: float) -> None:
    while held and (left_s := deadline_s - time.monotonic()) > 0:
        ready, _, _ = select.select([stop_fd, *held], [], [], min(_LOOK_S, left_s))
        if stop_fd in ready:
            return
        held = [fd for fd in held if fd not in ready]
        keep_hold(record, orders)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
