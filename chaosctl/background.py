"""Programs of ours that hold something in the background: begun, heard, and ended gently.

Such a program is a module of this package with a record's id as its first argument. It says one
line on its standard output once it holds, and lets go at SIGTERM.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import IO

from chaosctl.procfs import arguments_of_all, open_process, started_ticks

READY_TIMEOUT_S = 8.0
STOP_TIMEOUT_S = 1.5


def begin(
    module: str, record: str, orders: str, env: Mapping[str, str] | None = None
) -> tuple[subprocess.Popen[bytes], bytes]:
    """Start a program for a record; it, and its first line, or as much as it said in time.

    env: its environment; None: ours.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", module, record, orders],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd="/",
        env=env,
        start_new_session=True,
    )
    return process, _first_words(process.stdout, time.monotonic() + READY_TIMEOUT_S)


def end_all(module: str, record: str) -> None:
    """End every program that is there for a record; nothing if there is none."""
    for pid, arguments in arguments_of_all():
        if module in arguments and record in arguments:
            _end(pid)


def _first_words(output: IO[bytes] | None, until_s: float) -> bytes:
    said = b""
    if output is None:
        return said
    with output as pipe:
        while not said.endswith(b"\n") and (left_s := until_s - time.monotonic()) > 0:
            if select.select([pipe], [], [], left_s)[0]:
                piece = os.read(pipe.fileno(), 4096)
                if not piece:
                    break
                said += piece
    return said


def _end(pid: int) -> None:
    """SIGTERM, so that it lets go itself; SIGKILL if it does not in time."""
    ticks = started_ticks(pid)
    fd = None if ticks is None else open_process(pid, ticks)
    if fd is None:
        return
    try:
        for ending in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(fd, ending)
            if select.select([fd], [], [], STOP_TIMEOUT_S)[0]:
                return
    finally:
        os.close(fd)
