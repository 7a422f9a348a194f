"""A person at the terminal, who is asked to do something and says when it is done."""

from __future__ import annotations

import select
import termios
from collections.abc import Callable
from contextlib import suppress
from typing import TextIO

from chaosctl.context import Context
from chaosctl.engine.session import WaitForPerson
from chaosctl.keyboard import Keyboard

POLL_S = 0.2


def person_at(
    context: Context, *, is_told: bool, keyboard: Keyboard | None = None
) -> WaitForPerson | None:
    """Who answers for manual steps: whoever presses enter; None without a terminal.

    is_told: the view of the run says what is to be done; otherwise it is printed here. keyboard:
    who else listens to the terminal, and hears everything while it does.
    """
    if not (context.stdin.isatty() and context.stderr.isatty()):
        return None

    def wait(text: str, is_over: Callable[[], bool]) -> bool:
        if not is_told:
            print(f"{text}: press enter when it is done", file=context.stderr, flush=True)
        if keyboard is not None and keyboard.is_open:
            return keyboard.wait_for_enter(is_over, POLL_S)
        with suppress(termios.error):  # the terminal is gone: reading says so, too
            # What was typed before the question is no answer to it.
            termios.tcflush(context.stdin, termios.TCIFLUSH)
        return _wait_for_line(context.stdin, is_over)

    return wait


def _wait_for_line(stream: TextIO, is_over: Callable[[], bool]) -> bool:
    """Whether a line came. In short waits, so that none is taken from who asks next."""
    while not is_over():
        try:
            if select.select([stream], [], [], POLL_S)[0]:
                return bool(stream.readline())
        except (OSError, ValueError):  # the terminal is gone
            return False
    return False
