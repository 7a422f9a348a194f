"""Ctrl-C before anybody listens for it.

Python makes an exception of it, and a library that is being imported at that moment may swallow it:
extension modules clear what they take for a failed look-up. A run that is to begin must know.
"""

from __future__ import annotations

import signal
from types import FrameType

_came: list[int] = []


def watch() -> None:
    """From now on a Ctrl-C is remembered until `take`; who has it ignored keeps it so."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _remember)


def take() -> bool:
    """Whether one came since the last time it was asked."""
    came = bool(_came)
    _came.clear()
    return came


def _remember(number: int, _frame: FrameType | None) -> None:
    _came.append(number)
    raise KeyboardInterrupt
