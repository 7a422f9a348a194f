"""Errors that a person can act on: what, where, how to fix, and the exit code they end with."""

from __future__ import annotations

from dataclasses import dataclass

from chaosctl.judge.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in a document. line and column count from 1; 0 where unknown."""

    what: str
    where: str
    fix: str = ""
    line: int = 0
    column: int = 0
    length: int = 1
    source: str = ""


class ChaosctlError(Exception):
    """Something the user can fix. `where` may be empty; `fix` may not."""

    verdict: Verdict = Verdict.INVALID

    def __init__(self, what: str, *, where: str = "", fix: str = "") -> None:
        super().__init__(what)
        self.what, self.where, self.fix = what, where, fix

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" if self.where else self.what


class InvalidExperiment(ChaosctlError):
    """The document is wrong; nothing was touched. Carries every problem found."""

    def __init__(self, problems: list[Problem]) -> None:
        first = problems[0]
        super().__init__(first.what, where=first.where, fix=first.fix)
        self.problems = problems


class TargetUnreachable(ChaosctlError):
    """The target, or the store that watches it, is not there; nothing was touched."""

    verdict = Verdict.NOT_STARTED


class NotStarted(ChaosctlError):
    """A guard, lock, leash or the baseline said no; nothing was touched."""

    verdict = Verdict.NOT_STARTED


class StoreSilent(ChaosctlError):
    """The store did not answer, or not in time."""

    verdict = Verdict.INCONCLUSIVE


class NothingToJudge(ChaosctlError):
    """There are no results to say anything from."""

    verdict = Verdict.INCONCLUSIVE


class UndoIncomplete(ChaosctlError):
    """Something could not be taken back; wins over every other verdict."""
