"""The terminal of a run: set so that it gives single keys, and put back by whoever is left.

How it was before stands in the run folder before it is changed. So if the run is killed, its
watchdog puts the terminal back, or else the next command that takes the run back. A terminal that
somebody has changed since, as a shell does when its job is gone, is left alone.
"""

from __future__ import annotations

import json
import os
import signal
import termios
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from chaosctl.engine.folder import TERMINAL

SHOW_CURSOR = b"\x1b[?25h"
CFLAG, ISPEED, OSPEED = 2, 4, 5
"""Of the attributes; the line itself, which is none of our business."""

Attributes = list[Any]


@dataclass(frozen=True, slots=True)
class Held:
    """A terminal that gives single keys; attributes are those of termios, as JSON takes them."""

    device: str
    before: Attributes
    during: Attributes


def is_in_front(descriptor: int) -> bool:
    """Whether it is the terminal of this process, and this process may use it now."""
    try:
        return os.tcgetpgrp(descriptor) == os.getpgrp()
    except OSError:
        return False


def hold_terminal(descriptor: int, folder: Path) -> Held | None:
    """Have the terminal give single keys without showing them; Ctrl-C stays what it is.

    None, and nothing is changed, if it is not ours to change, or nobody could put it back.
    """
    if not is_in_front(descriptor):
        return None
    try:
        device = os.ttyname(descriptor)
        before = _read(descriptor)
        held = Held(device, before, _single_keys(before))
        if not os.access(device, os.R_OK | os.W_OK):
            return None
        (folder / TERMINAL).write_text(json.dumps(asdict(held)), encoding="utf-8")
        _write(descriptor, held.during)
    except (OSError, termios.error):
        return None
    return held


def hold_again(descriptor: int, held: Held) -> None:
    """Set it once more, if a shell had it meanwhile. Only for who is in front."""
    with suppress(OSError, termios.error):
        if not _is_same(_read(descriptor), held.during):
            _write(descriptor, held.during)


def let_go(descriptor: int, held: Held, folder: Path) -> None:
    """Put the terminal back as it was."""
    with suppress(OSError, termios.error):
        if is_in_front(descriptor):
            _put_back(descriptor, held)
    with suppress(OSError):
        (folder / TERMINAL).unlink(missing_ok=True)


def let_go_for(folder: Path) -> None:
    """Put back the terminal of a run that is dead, if it had one and left it changed."""
    path = folder / TERMINAL
    with suppress(OSError, termios.error, ValueError, KeyError, TypeError):
        held = Held(**json.loads(path.read_text(encoding="utf-8")))
        flags = os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(held.device, flags)
        try:
            _put_back(descriptor, held)
            os.write(descriptor, SHOW_CURSOR)  # the live view hides it
        finally:
            os.close(descriptor)
    with suppress(OSError):
        path.unlink(missing_ok=True)


def _put_back(descriptor: int, held: Held) -> None:
    if _is_same(_read(descriptor), held.during):
        _write(descriptor, held.before)


def _single_keys(before: Attributes) -> Attributes:
    during = [*before[:6], [*before[6]]]
    during[3] = before[3] & ~(termios.ICANON | termios.ECHO)
    during[6][termios.VMIN], during[6][termios.VTIME] = 1, 0
    return during


def _is_same(one: Attributes, other: Attributes) -> bool:
    return all(
        one[index] == other[index] for index in range(7) if index not in (CFLAG, ISPEED, OSPEED)
    )


def _read(descriptor: int) -> Attributes:
    found = termios.tcgetattr(descriptor)
    return [*found[:6], [c if isinstance(c, int) else c[0] for c in found[6]]]


def _write(descriptor: int, attributes: Sequence[Any]) -> None:
    """TCSANOW: what was typed is kept, and output that is held up holds nobody up."""
    is_canonical = bool(attributes[3] & termios.ICANON)
    characters: list[int | bytes] = [
        number if not is_canonical and index in (termios.VMIN, termios.VTIME) else bytes([number])
        for index, number in enumerate(attributes[6])
    ]
    with _undisturbed():
        termios.tcsetattr(descriptor, termios.TCSANOW, [*attributes[:6], characters])


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Without being stopped for it, should the shell take the terminal in this very moment."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
