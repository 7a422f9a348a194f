"""The run's end of the watchdog: it is started, kept content, and its death is noticed.

A thread of the run writes a byte each second, but only while the main thread is within the time it
said it would need (`extend`). So a run that is stopped, dead or stuck loses its lease, and one that
is in a slow but bounded call does not.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from chaosctl.context import Inbox
from chaosctl.engine.process import ProcessId, from_json
from chaosctl.errors import NotStarted

RENEW, DONE, LEFT = b".", b"D", b"L"
"""Bytes on the pipe: still here; all is undone, go; the rest is left to you."""

RENEW_S = 1.0
LEASE_S = 5.0
READY_TIMEOUT_S = 10.0
ARGV = (sys.executable, "-P", "-m", "chaosctl.watchdog")


@dataclass(frozen=True, slots=True)
class WatchdogDied:
    """Message to the run: nobody watches any more."""


class Watchdog(Protocol):
    """What a run asks of whoever watches it."""

    process: ProcessId

    def extend(self, seconds: float) -> None:
        """The main thread is well and will be back within so many seconds."""

    def done(self) -> None:
        """Everything is undone; the watchdog leaves."""

    def leave(self) -> None:
        """The run goes and leaves the undo to the watchdog."""


StartWatchdog = Callable[[Path, int, Inbox], Watchdog]
"""From run folder, descriptor of the target's lock, and inbox to a watchdog that is ready.

Raises NotStarted when it cannot be had: without a watchdog nothing is injected.
"""


def start_watchdog(
    folder: Path, lock_descriptor: int, inbox: Inbox, argv: tuple[str, ...] = ARGV
) -> Watchdog:
    """Start the watchdog process and wait until it says that it is ready."""
    lease_read, lease_write = os.pipe()
    ready_read, ready_write = os.pipe()
    arguments = [
        *argv,
        str(folder),
        f"--lease={lease_read}",
        f"--ready={ready_write}",
        f"--lock={lock_descriptor}",
    ]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    try:
        child = subprocess.Popen(
            arguments,
            pass_fds=(lease_read, ready_write, lock_descriptor),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env=environment,
        )
    except OSError as error:
        os.close(lease_write)
        os.close(ready_read)
        raise _no_watchdog(folder, error.strerror or str(error)) from error
    finally:
        os.close(lease_read)
        os.close(ready_write)
    process = _wait_until_ready(ready_read, child)
    if process is None:
        os.close(lease_write)
        child.kill()
        child.wait()
        raise _no_watchdog(folder, f"it was not ready within {READY_TIMEOUT_S:g} s")
    return _Lease(lease_write, process, inbox)


class _Lease:
    """The write end of the pipe, and the thread that keeps it warm."""

    def __init__(self, descriptor: int, process: ProcessId, inbox: Inbox) -> None:
        self.process = process
        self._descriptor, self._inbox = descriptor, inbox
        self._content_until = time.monotonic() + LEASE_S
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._renew, name="lease", daemon=True)
        self._thread.start()

    def extend(self, seconds: float) -> None:
        """Keep renewing for so many seconds from now."""
        self._content_until = time.monotonic() + seconds

    def done(self) -> None:
        """Send the watchdog home."""
        self._end(DONE)

    def leave(self) -> None:
        """Hand over to the watchdog."""
        self._end(LEFT)

    def _end(self, word: bytes) -> None:
        if self._ended.is_set():
            return
        self._ended.set()
        with suppress(OSError):  # it is gone already
            os.write(self._descriptor, word)
        # The descriptor stays open: closing it while the thread polls could hit a stranger's.

    def _renew(self) -> None:
        hang_up = select.poll()
        hang_up.register(self._descriptor, 0)  # no interest but POLLERR: the reader is gone
        while not self._ended.is_set():
            try:
                if time.monotonic() < self._content_until:
                    os.write(self._descriptor, RENEW)
                lost = bool(hang_up.poll(RENEW_S * 1000))
            except OSError:
                lost = True
            if lost and not self._ended.is_set():
                self._inbox.put(WatchdogDied())
                return


def _wait_until_ready(descriptor: int, child: subprocess.Popen[bytes]) -> ProcessId | None:
    """What the watchdog says of itself, None if it does not in time. Reaps the middle process."""
    text = b""
    until = time.monotonic() + READY_TIMEOUT_S
    try:
        while not text.endswith(b"\n"):
            left_s = until - time.monotonic()
            if left_s <= 0 or not select.select([descriptor], [], [], left_s)[0]:
                return None
            part = os.read(descriptor, 4096)
            if not part:
                return None
            text += part
    finally:
        os.close(descriptor)
    with suppress(subprocess.TimeoutExpired):
        child.wait(timeout=5)
    return from_json(json.loads(text))


def _no_watchdog(folder: Path, why: str) -> NotStarted:
    return NotStarted(
        f"watchdog cannot be started: {why}",
        where=str(folder / "watchdog.log"),
        fix="see that file; without a watchdog nothing is injected",
    )
