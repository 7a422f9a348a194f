"""What runs of an experiment showed, and what of that was accepted, as levels.

A level is a median with its spread: the median absolute deviation times 1.4826, which is the
standard deviation of normal noise; with one run a tenth of the value, for want of anything better.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from chaosctl.judge.verdict import UndoState, Verdict

_MAD_TO_DEVIATION = 1.4826
_SPREAD_OF_ONE = 0.1
_WORST_FIRST = (
    Verdict.FAILED,
    Verdict.ABORTED,
    Verdict.INCONCLUSIVE,
    Verdict.NOT_STARTED,
    Verdict.INVALID,
    Verdict.PASSED,
)
WEAK = (Verdict.FAILED, Verdict.ABORTED)
KNOWING = (*WEAK, Verdict.PASSED)
"""Verdicts that say something of the target."""


@dataclass(frozen=True, slots=True)
class Level:
    """A median, how far runs are apart around it, and the runs' values in order."""

    median: float
    spread: float
    values: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class CheckSeen:
    """A check of one run. worst, margin: as in CheckState; NaN without data."""

    worst: float
    margin: float
    limit: str


@dataclass(frozen=True, slots=True)
class RunSeen:
    """One run. score: 0…100; it and recovery_ms are NaN where unknown.

    is_cut_short: a signal, `halt` or a watchdog ended it, which says nothing of the target.
    trusted: actions whose effect nobody saw, and that were believed.
    """

    run_id: str
    verdict: Verdict
    undo: UndoState
    reason: str = ""
    score: float = math.nan
    recovery_ms: float = math.nan
    checks: Mapping[str, CheckSeen] = field(default_factory=dict)
    document: str = ""
    is_cut_short: bool = False
    trusted: tuple[str, ...] = ()

    @property
    def finding(self) -> Verdict:
        """The verdict, as far as it speaks of the target."""
        return Verdict.INCONCLUSIVE if self.is_cut_short else self.verdict


@dataclass(frozen=True, slots=True)
class Observed:
    """The runs of one experiment, at least one."""

    name: str
    runs: Sequence[RunSeen]
    source: str = ""

    @property
    def decisive(self) -> RunSeen:
        """The run with the worst verdict; it is the one that decides."""
        return min(self.runs, key=lambda run: _WORST_FIRST.index(run.finding))

    @property
    def verdict(self) -> Verdict:
        """The worst of the runs."""
        return self.decisive.finding

    @property
    def is_flaky(self) -> bool:
        """Whether runs of one document disagree about the target."""
        found = {(run.document, run.finding in WEAK) for run in self.runs if run.finding in KNOWING}
        return any((document, not weak) in found for document, weak in found)

    @property
    def score(self) -> Level | None:
        """The level of the runs' scores."""
        return level([run.score for run in self.runs])

    @property
    def recovery_ms(self) -> Level | None:
        """The level of the times to recover."""
        return level([run.recovery_ms for run in self.runs])

    def check(self, name: str) -> AcceptedCheck | None:
        """The level of a check; None without data in any run."""
        seen = [run.checks[name] for run in self.runs if name in run.checks]
        worst, margin = level([one.worst for one in seen]), level([one.margin for one in seen])
        if worst is None or margin is None:
            return None
        return AcceptedCheck(worst, margin, seen[-1].limit)


@dataclass(frozen=True, slots=True)
class AcceptedCheck:
    """worst: the value that was worst in a run. margin: how far inside its limit that was."""

    worst: Level
    margin: Level
    limit: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """What the baseline file has of one experiment."""

    verdict: Verdict
    document: str
    runs: int
    score: Level | None = None
    recovery_ms: Level | None = None
    checks: Mapping[str, AcceptedCheck] = field(default_factory=dict)


def level(values: Sequence[float]) -> Level | None:
    """The level of some values; what is not finite is left out; None without any.

    >>> level([9.0, 11.0, 10.0])
    Level(median=10.0, spread=1.4826, values=(9.0, 10.0, 11.0))
    """
    known = sorted(value for value in values if math.isfinite(value))
    if not known:
        return None
    middle = float(median(known))
    if len(known) == 1:
        return Level(middle, abs(middle) * _SPREAD_OF_ONE, tuple(known))
    deviation = median(abs(value - middle) for value in known)
    return Level(middle, deviation * _MAD_TO_DEVIATION, tuple(known))


def unacceptable(observed: Observed, *, is_forced: bool = False) -> str:
    """Why nothing can be held against these runs; empty if it can. is_forced: they may disagree."""
    for run in observed.runs:
        if run.undo is not UndoState.CLEAN:
            return f"undo {run.undo} in run {run.run_id}"
        if run.finding not in KNOWING:
            return f"{run.verdict} in run {run.run_id}: {run.reason}"
    if observed.is_flaky and not is_forced:
        return "its runs passed and failed (--force accepts the worst)"
    return ""


def accept(observed: Observed) -> Accepted:
    """The runs as what later ones are compared with."""
    names = {name for run in observed.runs for name in run.checks}
    checks = {name: observed.check(name) for name in sorted(names)}
    return Accepted(
        verdict=observed.verdict,
        document=observed.decisive.document,
        runs=len(observed.runs),
        score=observed.score,
        recovery_ms=observed.recovery_ms,
        checks={name: check for name, check in checks.items() if check is not None},
    )
