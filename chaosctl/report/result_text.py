"""The end of a run in words: the verdict first, then what it rests on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from chaosctl.engine.result import RunResult
from chaosctl.judge.verdict import Outcome, UndoState
from chaosctl.report.symbols import OUTCOME_MARKS, VERDICT_MARKS, duration, mark, number


def render_result(result: RunResult, *, unicode: bool = True) -> str:
    """Verdict and reason; each check at its worst; recovery; undo; why; what to do next."""
    sign = mark(VERDICT_MARKS[result.verdict], unicode=unicode)
    lines = [f"{sign} {result.verdict}   {result.reason}"]
    details = " · ".join(_details(result, unicode=unicode))
    if details:
        lines.append(f"           {details}")
    score = result.detail.get("score")
    if score is not None and score == score:  # noqa: PLR0124 - NaN is the one value unlike itself
        lines.append(f"  score    {score:.0f} of 100: {' · '.join(_parts(result))}")
    for name, findings in result.detail.get("because", {}).items():
        lines.append(f"  because  {name}: {'; '.join(findings)}  (computed from the store)")
    if result.fix:
        lines.append(f"  fix      {result.fix}")
    if result.run_id:
        lines.append(f"  next     chaosctl journal {result.run_id}")
    return "\n".join(lines)


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
