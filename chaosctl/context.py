"""The process as an argument: environment, clock, streams, folders, inbox and signals.

Everything that a test wants to fake stands here, so that whole runs go through in virtual time.
"""

from __future__ import annotations

import os
import queue
import random
import signal
import stat
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, Protocol, TextIO

from chaosctl import interrupts
from chaosctl.errors import NotStarted

Work = Callable[[], Any]
Reply = Callable[[Any], None]

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)


@dataclass(frozen=True, slots=True)
class SignalCame:
    """A signal reached this process."""

    number: int


class Inbox(Protocol):
    """The one queue that a run listens to: signals, answers of the store, results of undo."""

    def put(self, message: object) -> None:
        """Add a message; safe in a signal handler and from any thread."""

    def get(self, timeout_s: float) -> object | None:
        """The next message, or None when none came in time. Waits at most `timeout_s`."""


class Signals(Protocol):
    """Signals as messages."""

    def deliver_to(self, inbox: Inbox) -> None:
        """From now on INT, TERM, HUP and USR1 become `SignalCame` messages."""

    def restore(self) -> None:
        """Give the signals back to whoever had them before."""

    def interrupting(self) -> Any:
        """Context manager: inside it a signal raises KeyboardInterrupt, as a prompt needs."""


class QueueInbox:
    """An inbox for real processes. SimpleQueue.put may be re-entered by a signal handler."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[object] = queue.SimpleQueue()

    def put(self, message: object) -> None:
        """Add a message."""
        self._queue.put(message)

    def get(self, timeout_s: float) -> object | None:
        """The next message, or None."""
        try:
            if timeout_s <= 0:
                return self._queue.get_nowait()
            return self._queue.get(timeout=timeout_s)
        except queue.Empty:
            return None


class ProcessSignals:
    """The signals of this process; for the main thread only."""

    def __init__(self) -> None:
        self._before: dict[int, Any] = {}
        self._inbox: Inbox | None = None
        self._interrupting = False

    def deliver_to(self, inbox: Inbox) -> None:
        """Route signals into the inbox, with a Ctrl-C that came before and ended nothing."""
        self._inbox = inbox
        for number in SIGNALS:
            self._before.setdefault(number, signal.getsignal(number))
            signal.signal(number, self._handle)
        if interrupts.take():
            inbox.put(SignalCame(signal.SIGINT))

    def restore(self) -> None:
        """Undo `deliver_to`."""
        for number, before in self._before.items():
            signal.signal(number, before if before is not None else signal.SIG_DFL)
        self._before.clear()

    @contextmanager
    def interrupting(self) -> Iterator[None]:
        """Let a signal break what is being waited for inside."""
        self._interrupting = True
        try:
            yield
        finally:
            self._interrupting = False

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if self._inbox is not None:
            self._inbox.put(SignalCame(number))
        if self._interrupting:
            self._interrupting = False
            raise KeyboardInterrupt


def in_thread(work: Work, reply: Reply) -> None:
    """Do `work` in a daemon thread, then `reply` with its value or the exception it raised.

    A thread that never ends holds nobody up: it is a daemon, and its caller waits with a limit.
    """

    def run() -> None:
        try:
            value = work()
        except Exception as error:  # noqa: BLE001 - carried to the caller, who decides
            value = error
        reply(value)

    threading.Thread(target=run, daemon=True).start()


_EPOCH_NS = time.time_ns() - time.monotonic_ns()


def epoch_ms() -> int:
    """Epoch ms that go on evenly, so that no fault lasts longer when the system's clock is set."""
    return (time.monotonic_ns() + _EPOCH_NS) // 1_000_000


def clock_set_by_ms() -> int:
    """By how much the system's clock was set since the start of this process, or it slept."""
    return time.time_ns() // 1_000_000 - epoch_ms()


@dataclass(frozen=True, slots=True)
class Context:
    """What a command knows of its process.

    now_ms: epoch ms, evenly; clock_set_by_ms: how far the system's clock is from that; monotonic:
    seconds that never go back; in_background: starts work whose outcome comes back by a call from
    another thread; sleep: for pauses between tries.
    """

    env: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    now_ms: Callable[[], int] = epoch_ms
    clock_set_by_ms: Callable[[], int] = clock_set_by_ms
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    make_inbox: Callable[[], Inbox] = QueueInbox
    in_background: Callable[[Work, Reply], None] = in_thread
    signals: Signals = field(default_factory=ProcessSignals)
    rng: random.Random = field(default_factory=random.SystemRandom)
    argv: tuple[str, ...] = field(default_factory=lambda: tuple(sys.argv))
    stdin: TextIO = field(default_factory=lambda: sys.stdin)
    stdout: TextIO = field(default_factory=lambda: sys.stdout)
    stderr: TextIO = field(default_factory=lambda: sys.stderr)

    def new_seed(self) -> int:
        """A seed for a run whose user gave none."""
        return self.rng.randrange(1, 10_000)

    @property
    def state_dir(self) -> Path:
        """Where runs are kept: CHAOSCTL_STATE_DIR, else under XDG_STATE_HOME."""
        if own := self.env.get("CHAOSCTL_STATE_DIR"):
            return Path(own).absolute()
        if home := self.env.get("XDG_STATE_HOME"):
            return Path(home).absolute() / "chaosctl"
        return Path(self.env.get("HOME") or Path.home()) / ".local" / "state" / "chaosctl"

    @property
    def runs_dir(self) -> Path:
        """The folder of run folders."""
        return self.state_dir / "runs"

    @property
    def config_files(self) -> tuple[Path, Path]:
        """Settings of the machine, and of its user: CHAOSCTL_CONFIG, else in XDG_CONFIG_HOME."""
        machine = Path("/etc/chaosctl/chaosctl.toml")
        if own := self.env.get("CHAOSCTL_CONFIG"):
            return machine, Path(own).absolute()
        home = self.env.get("XDG_CONFIG_HOME")
        folder = Path(home) if home else Path(self.env.get("HOME") or Path.home()) / ".config"
        return machine, folder.absolute() / "chaosctl" / "chaosctl.toml"

    @property
    def lock_dir(self) -> Path:
        """The machine-wide folder of target locks."""
        return Path(self.env.get("CHAOSCTL_LOCK_DIR") or "/tmp/chaosctl-locks")  # noqa: S108 - must be one for all users; opened with care in engine/lock.py

    @property
    def runtime_dir(self) -> Path:
        """Sockets and what dies with the machine; made 0700 and checked by `own_runtime_dir`."""
        if own := self.env.get("CHAOSCTL_RUNTIME_DIR"):
            return Path(own).absolute()
        if xdg := self.env.get("XDG_RUNTIME_DIR"):
            return Path(xdg).absolute() / "chaosctl"
        return Path(f"/tmp/chaosctl-{os.getuid()}")  # noqa: S108 - ownership is checked below


def own_runtime_dir(context: Context) -> Path:
    """The runtime folder, made if need be.

    Raises NotStarted if it cannot be made, or another could write in it.
    """
    path = context.runtime_dir
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = path.lstat()
    except OSError as error:
        raise NotStarted(
            f"runtime folder cannot be made: {error.strerror}",
            where=str(path),
            fix="name a folder of your own in CHAOSCTL_RUNTIME_DIR",
        ) from error
    if stat.S_ISLNK(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o022:
        raise NotStarted(
            "runtime folder is a link, or another user could write in it",
            where=str(path),
            fix="remove it, or name a folder of your own in CHAOSCTL_RUNTIME_DIR",
        )
    return path
