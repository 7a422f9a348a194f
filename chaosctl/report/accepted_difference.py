"""What is different between a run and what the baseline file has of its experiment.

Whether a difference matters is the gate's to say: the marks are its findings of this one run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from chaosctl.engine.baseline_file import read_baseline
from chaosctl.engine.gathering import observe
from chaosctl.engine.result import RunResult
from chaosctl.errors import ChaosctlError
from chaosctl.judge.accepted import Accepted, Level, Observed
from chaosctl.judge.gate import Effect, Finding, Terms, judge_gate
from chaosctl.report.difference import Change
from chaosctl.report.symbols import duration, number

FILE = "chaos-baseline.json"
_WORSE = (Effect.FAIL, Effect.UNCLEAR, Effect.WARN)


@dataclass(frozen=True, slots=True)
class AcceptedDifference:
    """A run beside the baseline file. runs: how many were accepted; 0: the file has not this one.

    trouble: why the two could not be compared.
    """

    file: str
    runs: int = 0
    changes: tuple[Change, ...] = ()
    findings: tuple[Finding, ...] = ()
    trouble: str = ""


def accepted_difference(result: RunResult, file: Path) -> AcceptedDifference:
    """The run compared with the file; what is wrong with either is said, not raised."""
    try:
        accepted = read_baseline(file)
        observed = observe([result])
    except ChaosctlError as error:
        return AcceptedDifference(str(file), trouble=str(error.what))
    ((name, now),) = observed.items()
    if name not in accepted:
        return AcceptedDifference(str(file))
    before = accepted[name]
    findings = tuple(judge_gate({name: before}, observed, Terms()))
    changes = tuple(_changes(before, now, findings))
    return AcceptedDifference(str(file), before.runs, changes, findings)


def find_baseline_file(source: str) -> Path | None:
    """The one in this folder, or beside the document; None without any."""
    candidates = [Path(FILE), Path(source).parent / FILE]
    return next((path for path in candidates if path.is_file()), None)


def _changes(before: Accepted, now: Observed, findings: Sequence[Finding]) -> Iterator[Change]:
    """Everything that the file has, changed or not: what held is as telling as what did not."""
    run = now.decisive
    yield Change("verdict", before.verdict, now.verdict, _is_worse(findings, "verdict", "missing"))
    if before.score is not None:
        told = _level(before.score, lambda value: f"{value:.0f}")
        score = now.score
        text = "n/a" if score is None else f"{score.median:.0f}"
        yield Change("score", told, text, _is_worse(findings, "score"))
    if before.recovery_ms is not None:
        took = now.recovery_ms
        text = "not measured" if took is None else duration(took.median)
        told = _level(before.recovery_ms, duration)
        yield Change("recovery", told, text, _is_worse(findings, "recovery", "population"))
    for name, was in before.checks.items():
        found = run.checks.get(name)
        text = "no check" if found is None else number(found.worst)
        about = [finding for finding in findings if finding.check == name]
        yield Change(name, _level(was.worst, number), text, _is_worse(about))


def _level(level: Level, say: Callable[[float], str]) -> str:
    """The median, and how far the runs are apart around it; of one run there is no telling."""
    if len(level.values) < 2:
        return say(level.median)
    return f"{say(level.median)} ± {say(level.spread)}"


def _is_worse(findings: Sequence[Finding], *rules: str) -> bool | None:
    """What the gate finds by these rules; None: nothing beyond noise."""
    effects = {f.effect for f in findings if not rules or (f.rule in rules and not f.check)}
    if effects & set(_WORSE):
        return True
    return False if Effect.NOTE in effects else None
