"""Single keys of the terminal that a run is started on, read in a thread of their own."""

from __future__ import annotations

import os
import re
import select
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from chaosctl.engine.session import Order
from chaosctl.engine.terminal import Held, hold_again, hold_terminal, is_in_front, let_go

LOOK_S = 1.0
"""How often to see whether the terminal is ours; a shell may have had it meanwhile."""

CLOSE_S = 1.0
READ_BYTES = 256
ORDERS = {"s": Order.STOP_FAULT}
ENTER = ("\n", "\r")

OTHER_KEYS = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]?|O[ -~]?|[ -~])?")
"""Arrows and other keys of several characters (ECMA-48: CSI and SS3), and escape: none of ours."""


class Keyboard:
    """The keys of a terminal, from `attend` to the end of the `with` statement.

    pressed: told each key, in the thread that reads them. Keys that are orders go to the run, too.
    """

    def __init__(self, stream: TextIO) -> None:
        self.pressed: Callable[[str], None] = lambda _key: None
        self._stream = stream
        self._folder = Path()
        self._held: Held | None = None
        self._put: Callable[[Order], None] = lambda _order: None
        self._ended = threading.Event()
        self._entered = threading.Event()
        self._wake: tuple[int, int] = (-1, -1)
        self._thread = threading.Thread(target=self._read, name="keyboard", daemon=True)

    def __enter__(self) -> Keyboard:
        return self

    def __exit__(self, *_: object) -> None:
        if self._held is None:
            return
        self._ended.set()
        os.write(self._wake[1], b".")
        self._thread.join(CLOSE_S)
        let_go(self._stream.fileno(), self._held, self._folder)
        if not self._thread.is_alive():
            for descriptor in self._wake:
                os.close(descriptor)

    @property
    def is_open(self) -> bool:
        """Whether keys are heard."""
        return self._held is not None and self._thread.is_alive()

    def attend(self, folder: Path, put: Callable[[Order], None]) -> None:
        """Begin to listen, if the terminal is there for us; put: takes orders from any thread.

        folder: of the run, whose watchdog can put the terminal back from what stands there.
        """
        self._folder, self._put = folder, put
        self._held = hold_terminal(self._stream.fileno(), folder)
        if self._held is not None:
            self._wake = os.pipe()
            self._thread.start()

    def wait_for_enter(self, is_over: Callable[[], bool], look_s: float) -> bool:
        """Whether enter is pressed from now on, before it is over or nobody listens any more."""
        self._entered.clear()
        while not is_over() and self.is_open:
            if self._entered.wait(look_s):
                return True
        return False

    def _read(self) -> None:
        # Whoever is sent to the background meanwhile gets an error here, and is not stopped.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTIN, signal.SIGTTOU})
        descriptor = self._stream.fileno()
        while not self._ended.is_set():
            if self._held is None or not is_in_front(descriptor):
                self._ended.wait(LOOK_S)
                continue
            hold_again(descriptor, self._held)
            try:
                ready, _, _ = select.select([descriptor, self._wake[0]], [], [], LOOK_S)
                text = os.read(descriptor, READ_BYTES) if descriptor in ready else b"."
            except OSError:  # it is another's now, or gone; the run gets a signal for that
                self._ended.wait(LOOK_S)
                continue
            if not text:
                return
            if descriptor in ready:
                self._take(single_keys(text.decode(errors="replace")))

    def _take(self, keys: str) -> None:
        for key in keys:
            if key in ENTER:
                self._entered.set()
            if key in ORDERS:
                self._put(ORDERS[key])
            with suppress(OSError):  # nobody looks any more
                self.pressed(key)


def single_keys(text: str) -> str:
    """The keys of one character in what was typed, which may be several at once.

    >>> single_keys("\x1b[As\x1b[15~v\x1bOP")
    'sv'
    """
    return OTHER_KEYS.sub("", text)
