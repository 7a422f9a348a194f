"""The end of a run in words: the verdict first, then what it rests on."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from typing import Any

from chaosctl.engine.result import RunResult
from chaosctl.judge.verdict import Outcome, UndoState
from chaosctl.report.difference import difference
from chaosctl.report.symbols import OUTCOME_MARKS, VERDICT_MARKS, duration, mark, number

CHANGES_MAX = 5


def render_result(
    result: RunResult, *, before: RunResult | None = None, unicode: bool = True
) -> str:
    """Verdict and reason; each check at its worst; recovery; undo; why; what to do next.

    before: the last run of the same experiment, if there was one.
    """
    sign = mark(VERDICT_MARKS[result.verdict], unicode=unicode)
    lines = [f"{sign} {result.verdict}   {result.reason}"]
    details = " · ".join(_details(result, unicode=unicode))
    if details:
        lines.append(f"           {details}")
    score = _score(result)
    if score is not None:
        was = _score(before) if before else None
        told = f" (was {was:.0f})" if was is not None else ""
        lines.append(f"  score    {score:.0f} of 100{told}: {' · '.join(_parts(result))}")
    for name, findings in result.detail.get("because", {}).items():
        lines.append(f"  because  {name}: {'; '.join(findings)}  (computed from the store)")
    if before is not None:
        lines.append(f"  last run {_since(before, result)}")
    if result.fix:
        lines.append(f"  fix      {result.fix}")
    if result.run_id:
        report = f"chaosctl report {result.run_id} --html report.html --open"
        lines.append(f"  next     {report}     chaosctl journal {result.run_id}")
    return "\n".join(lines)


def _score(result: RunResult) -> float | None:
    score = result.detail.get("score")
    return None if score is None or math.isnan(score) else float(score)


def _since(before: RunResult, now: RunResult) -> str:
    """`passed on 2026-03-13; since then: errors 0.7 % → 3.4 %`."""
    started_ms = before.detail.get("started_ms", 0)
    day = time.strftime("%Y-%m-%d %H:%M", time.localtime(started_ms / 1000))
    told = [c for c in difference(before, now) if c.what not in ("verdict", "score", "targets")]
    told.sort(key=lambda change: not change.is_worse)
    texts = [change.text for change in told[:CHANGES_MAX]]
    if len(told) > CHANGES_MAX:
        texts.append(f"{len(told) - CHANGES_MAX} more")
    return f"{before.verdict} on {day}; since then: {', '.join(texts) or 'no difference'}"


def _parts(result: RunResult) -> Iterator[str]:
    """What the score is made of."""
    for check in result.detail["checks"]:
        yield f"{check['name']} {check['score']:.0f} (weight {check['weight']:g})"


def _details(result: RunResult, *, unicode: bool) -> Iterator[str]:
    detail: Mapping[str, Any] = result.detail
    for check in detail.get("checks", ()):
        sign = mark(OUTCOME_MARKS[Outcome(check["outcome"])], unicode=unicode)
        yield f"{check['name']} {sign} {number(check['worst'])} at worst ({check['limit']})"
    recovery_ms = detail.get("recovery_ms")
    if recovery_ms is not None:
        in_time = recovery_ms <= detail["recovery_within_ms"]
        sign = mark(OUTCOME_MARKS[Outcome.PASS if in_time else Outcome.FAIL], unicode=unicode)
        limit = duration(detail["recovery_within_ms"])
        yield f"recovery {duration(recovery_ms)} {sign} (limit {limit})"
    undo = detail.get("undo")
    if undo and (undo["of"] or result.undo is not UndoState.CLEAN):
        yield f"undo {result.undo} ({undo['done']}/{undo['of']})"
