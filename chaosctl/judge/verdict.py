"""Verdicts, the state of undo, and every exit code, on one page."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Verdict(StrEnum):
    """What a run says of the system; the state of undo is said apart from it."""

    PASSED = "passed"
    FAILED = "failed"
    INVALID = "invalid"
    NOT_STARTED = "not-started"
    INCONCLUSIVE = "inconclusive"
    ABORTED = "aborted"


class UndoState(StrEnum):
    """Whether everything was taken back."""

    CLEAN = "clean"
    INCOMPLETE = "incomplete"
    UNKNOWN = "unknown"


def worst_undo(states: Iterable[str]) -> UndoState:
    """The state of several undos: clean only if all are."""
    found = set(states)
    for state in (UndoState.INCOMPLETE, UndoState.UNKNOWN):
        if state in found:
            return state
    return UndoState.CLEAN


EXIT_CODES: dict[Verdict, int] = {
    Verdict.PASSED: 0,
    Verdict.FAILED: 1,
    Verdict.INVALID: 2,
    Verdict.NOT_STARTED: 3,
    Verdict.INCONCLUSIVE: 4,
    Verdict.ABORTED: 5,
}
UNDO_INCOMPLETE = 6
OUR_BUG = 70
SIGHUP, SIGINT, SIGTERM = 129, 130, 143

WORST_FIRST = (UNDO_INCOMPLETE, OUR_BUG, SIGHUP, SIGINT, SIGTERM, 1, 5, 4, 3, 2, 0)


def exit_code(verdict: Verdict, undo: UndoState, signal_number: int = 0) -> int:
    """The exit code of one run. An undo that is not clean wins over everything, signals too."""
    if undo is not UndoState.CLEAN:
        return UNDO_INCOMPLETE
    if signal_number:
        return 128 + signal_number
    return EXIT_CODES[verdict]


def worst(codes: Iterable[int]) -> int:
    """The exit code of several runs in one command: the worst in the fixed order."""
    return min(codes, key=WORST_FIRST.index, default=0)


class Outcome(StrEnum):
    """What a check says."""

    PASS = "pass"
    FAIL = "fail"
    UNKNOWN = "unknown"


def merge(outcomes: Iterable[Outcome]) -> Outcome:
    """Combine checks: fail beats unknown beats pass; no check at all is unknown."""
    found = set(outcomes)
    if Outcome.FAIL in found:
        return Outcome.FAIL
    if Outcome.UNKNOWN in found or not found:
        return Outcome.UNKNOWN
    return Outcome.PASS
