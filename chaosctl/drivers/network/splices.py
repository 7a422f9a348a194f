"""Starting and stopping splice processes, by the network namespace we are in."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from typing import IO, Any

from chaosctl.drivers.network import links
from chaosctl.drivers.network.splice import READY
from chaosctl.procfs import arguments_of_all, open_process, started_ticks

_MODULE = "chaosctl.drivers.network.splice"
_READY_TIMEOUT_S = 8.0
_STOP_TIMEOUT_S = 1.5


class SpliceFailed(Exception):
    """A splice did not start."""


def start(record: str, orders: dict[str, Any]) -> int:
    """Start the splice of a record, here; return its process id once the links go through it."""
    process = subprocess.Popen(
        [sys.executable, "-m", _MODULE, record, json.dumps(orders)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,
    )
    said = _first_words(process.stdout, time.monotonic() + _READY_TIMEOUT_S)
    if said == READY:
        return process.pid
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(_STOP_TIMEOUT_S)
    raise SpliceFailed(said.decode(errors="replace").strip() or "it ended without a word")


def stop(record: str) -> list[str]:
    """End the splice of a record if it lives, and put back every link it has not put back."""
    for pid, arguments in arguments_of_all():
        if _MODULE in arguments and record in arguments:
            _end(pid)
    with links.opened() as netlink:
        return links.put_back(netlink, record)


def _first_words(output: IO[bytes] | None, until_s: float) -> bytes:
    """The line it says before it gets to work; nothing if it does not in time."""
    said = b""
    if output is None:
        return said
    with output as pipe:
        while not said.endswith(b"\n") and (left := until_s - time.monotonic()) > 0:
            if select.select([pipe], [], [], left)[0]:
                piece = os.read(pipe.fileno(), 4096)
                if not piece:
                    break
                said += piece
    return said


def _end(pid: int) -> None:
    """SIGTERM, so that it puts its links back itself; SIGKILL if it does not in time."""
    ticks = started_ticks(pid)
    fd = None if ticks is None else open_process(pid, ticks)
    if fd is None:
        return
    try:
        for ending in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(fd, ending)
            if select.select([fd], [], [], _STOP_TIMEOUT_S)[0]:
                return
    finally:
        os.close(fd)
