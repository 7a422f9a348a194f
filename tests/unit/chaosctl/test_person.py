"""A person at a terminal that is a real one, as far as the kernel goes."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from chaosctl.context import Context
from chaosctl.person import person_at


class Terminal:
    """Both ends of a pseudo-terminal."""

    def __init__(self) -> None:
        self.keyboard, screen = os.openpty()
        self.stdin = open(screen, encoding="utf-8", closefd=False)  # noqa: SIM115 - closed below
        self.stderr = open(screen, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - same
        self.screen = screen

    def context(self) -> Context:
        return replace(Context(), stdin=self.stdin, stderr=self.stderr)

    def close(self) -> None:
        for descriptor in (self.keyboard, self.screen):
            os.close(descriptor)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    made = Terminal()
    yield made
    made.close()


def test_enter_says_that_it_is_done_and_earlier_keys_do_not(terminal: Terminal) -> None:
    os.write(terminal.keyboard, b"typed before anybody asked\n")
    wait = person_at(terminal.context(), is_told=False)
    assert wait is not None
    answers: list[bool] = []
    thread = threading.Thread(target=lambda: answers.append(wait("pull it", lambda: False)))
    thread.start()
    said = b""
    while b"press enter" not in said:
        said += os.read(terminal.keyboard, 4096)
    assert b"pull it: press enter when it is done" in said
    thread.join(timeout=0.5)
    assert answers == []
    os.write(terminal.keyboard, b"\n")
    thread.join(timeout=5)
    assert answers == [True]


def test_nobody_waits_on_when_it_is_over(terminal: Terminal) -> None:
    wait = person_at(terminal.context(), is_told=True)
    assert wait is not None
    asked = iter([False, True])
    assert wait("pull it", lambda: next(asked)) is False
    os.write(terminal.keyboard, b"for the next one\n")
    assert terminal.stdin.readline() == "for the next one\n"


def test_without_a_terminal_there_is_nobody() -> None:
    context = replace(Context(), stdin=io.StringIO(), stderr=io.StringIO())
    assert person_at(context, is_told=True) is None
