"""What a probe is, and what it answers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

OUTPUT_BYTES_MAX = 64 * 1024
"""How much of an answer is looked at."""

TEXT_LENGTH_MAX = 200


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of asking once.

    value: 1 if the system answered as expected, 0 if otherwise, late or not at all; or the number
    that was asked for: then NaN if there was none in the answer, and for a latency +∞ if there
    was no good answer. text: the same for people, one short line.
    """

    value: float
    text: str


class CannotAsk(Exception):
    """The question could not be put, for reasons of our own: it says nothing of the system."""

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(what)
        self.what, self.fix = what, fix


class Probe(Protocol):
    """One question. Holds nothing open, so it may be asked in any thread."""

    def ask(self, timeout_s: float) -> Answer:
        """Ask once, and take no longer than that. Raises CannotAsk."""


def met(text: str) -> Answer:
    """All was as expected."""
    return Answer(1.0, one_line(text))


def unmet(text: str, take: str = "") -> Answer:
    """It was not. take: the number that was asked for instead of yes or no, if one was."""
    value = 0.0 if not take else math.inf if take == "latency" else math.nan
    return Answer(value, one_line(text))


def one_line(text: str) -> str:
    """The text without what a terminal or a log would stumble over, and bounded.

    >>> one_line("no\\nroute\\x1b[0m")
    'no route·[0m'
    """
    line = " ".join(text[: 4 * TEXT_LENGTH_MAX].split())
    line = "".join(c if c.isprintable() else "·" for c in line)
    return line if len(line) <= TEXT_LENGTH_MAX else line[: TEXT_LENGTH_MAX - 1] + "…"
