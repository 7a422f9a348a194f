"""Several runs in one command: how often, and after which of them it is over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from chaosctl.engine.result import RunResult
from chaosctl.errors import ChaosctlError
from chaosctl.judge.verdict import UndoState, Verdict

TIMES_MAX = 1000
UNTIL_FAILURE_TIMES = 100
_Document = TypeVar("_Document")


@dataclass(frozen=True, slots=True)
class Rounds:
    """times: how often each document is run; fail_fast, keep_going: see `is_over`."""

    times: int = 1
    fail_fast: bool = False
    keep_going: bool = False

    def order(self, documents: Sequence[_Document]) -> Iterator[_Document]:
        """Round by round, so that a machine that gets slower does so for every document."""
        for _ in range(self.times):
            yield from documents

    def is_over(self, result: RunResult) -> bool:
        """Whether no run may follow this one.

        Who sent a signal or said `halt` meant all of it, and nothing is broken on top of what could
        not be taken back. After a stop condition the target may need somebody: only `keep_going`
        goes on. `fail_fast` ends at the first run that did not pass.
        """
        if result.detail.get("ended_by") or result.detail.get("signal"):
            return True
        if result.undo is not UndoState.CLEAN:
            return True
        if self.fail_fast and result.verdict is not Verdict.PASSED:
            return True
        return result.verdict is Verdict.ABORTED and not self.keep_going


def choose_rounds(
    *, repeat: int | None, fail_fast: bool, keep_going: bool, until_failure: bool
) -> Rounds:
    """The rounds of the command's options. Raises ChaosctlError if they contradict each other."""
    if keep_going and (fail_fast or until_failure):
        other = "--fail-fast" if fail_fast else "--until-failure"
        raise ChaosctlError(
            f"--keep-going goes on where {other} ends", where="chaosctl run", fix="give one of them"
        )
    times = repeat if repeat is not None else (UNTIL_FAILURE_TIMES if until_failure else 1)
    if not 1 <= times <= TIMES_MAX:
        raise ChaosctlError(
            f"cannot repeat {times} times",
            where="chaosctl run --repeat",
            fix=f"give a number from 1 to {TIMES_MAX}",
        )
    return Rounds(times, fail_fast=fail_fast or until_failure, keep_going=keep_going)
