"""What the gate found: for people, for pull requests, for GitHub, and as JSON."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from chaosctl.judge.accepted import Accepted, Level, Observed
from chaosctl.judge.gate import Effect, Finding, gate_exit_code, gate_verdict, mean_score
from chaosctl.judge.verdict import Verdict
from chaosctl.report.symbols import VERDICT_MARKS, duration, mark

SCHEMA = "chaosctl/gate/v1"
_EFFECT_MARKS = {
    Effect.FAIL: ("✘", "FAIL"),
    Effect.UNCLEAR: ("?", "?"),
    Effect.WARN: ("!", "!"),
    Effect.NOTE: ("·", "-"),
}
_LEVELS = {Effect.FAIL: "error", Effect.UNCLEAR: "error", Effect.WARN: "warning"}
_SEVERITIES = {Effect.FAIL: "critical", Effect.UNCLEAR: "major", Effect.WARN: "minor"}
_BAD = (Effect.FAIL, Effect.UNCLEAR)


@dataclass(frozen=True, slots=True)
class GateReport:
    """All that was compared, and what came of it."""

    accepted: Mapping[str, Accepted]
    observed: Mapping[str, Observed]
    findings: Sequence[Finding]

    @property
    def names(self) -> list[str]:
        """Every experiment, sorted."""
        return sorted({*self.accepted, *self.observed})

    @property
    def verdict(self) -> Verdict:
        """What the gate says."""
        return gate_verdict(self.findings)


def render_gate(report: GateReport, *, unicode: bool = True) -> str:
    """A line an experiment, its findings below it; the last line is the reason."""
    width = max((len(name) for name in report.names), default=0)
    lines = []
    for name in ("", *report.names):
        if name:
            lines.append(_line(name, width, report, unicode=unicode))
        for found in report.findings:
            if found.experiment == name:
                sign = mark(_EFFECT_MARKS[found.effect], unicode=unicode)
                lines.append(f"    {sign} {found.rule}: {found.text}")
    return "\n".join([*lines, reason(report)])


def reason(report: GateReport) -> str:
    """One line: whether the gate is open, and if not, why."""
    effect = Effect.FAIL if report.verdict is Verdict.FAILED else Effect.UNCLEAR
    bad = [found for found in report.findings if found.effect is effect]
    count = len(report.names)
    if not bad:
        warned = sum(found.effect is Effect.WARN for found in report.findings)
        also = f", {warned} warning{'s' * (warned != 1)}" if warned else ""
        return f"gate passed: no regression in {count} experiment{'s' * (count != 1)}{also}"
    first = bad[0]
    subject = f"{first.experiment}: " if first.experiment else ""
    more = f"; and {len(bad) - 1} more" if len(bad) > 1 else ""
    return f"gate {report.verdict}: {subject}{first.text} ({first.rule}){more}"


def gate_json(report: GateReport) -> dict[str, Any]:
    """Plain values, schema chaosctl/gate/v1."""
    return {
        "schema": SCHEMA,
        "verdict": report.verdict,
        "exit_code": gate_exit_code(report.findings),
        "reason": reason(report),
        "score": mean_score(report.observed),
        "findings": [asdict(found) for found in report.findings],
        "experiments": {name: _facts(name, report) for name in report.names},
    }


def render_gate_markdown(report: GateReport) -> str:
    """A table for a pull request or a summary, and the findings."""
    rows = ["| experiment | verdict | score | recovery | runs |", "| --- | --- | --- | --- | --- |"]
    rows += [f"| {' | '.join(map(_cell, _row(name, report)))} |" for name in report.names]
    found = [
        f"- **{one.effect}** `{one.rule}` {_cell(one.experiment)}: {_cell(one.text)}"
        for one in report.findings
    ]
    sign = mark(VERDICT_MARKS[report.verdict], unicode=True)
    parts = [f"### {sign} {_cell(reason(report))}", "\n".join(rows), "\n".join(found)]
    return "\n\n".join(part for part in parts if part) + "\n"


def render_annotations(report: GateReport) -> Iterator[str]:
    """GitHub's workflow commands, at the check in the document where that is known."""
    for found in report.findings:
        where = {"title": f"gate: {found.rule}"}
        if source := _source_of(found, report):
            where = {"file": source, "line": str(_line_of(source, found.check)), **where}
        fields = ",".join(f"{key}={_escape(value, ':,')}" for key, value in where.items())
        text = _escape(_with_subject(found))
        yield f"::{_LEVELS.get(found.effect, 'notice')} {fields}::{text}"


def code_quality(report: GateReport) -> list[dict[str, Any]]:
    """GitLab's code quality report; a finding keeps its fingerprint while rule and check do.

    What belongs to no document that is here has the experiment's name for its path.
    """
    found = []
    for one in report.findings:
        source = _source_of(one, report)
        identity = "\0".join((one.rule, one.experiment, one.check))
        found.append(
            {
                "description": _with_subject(one),
                "check_name": f"chaosctl.gate.{one.rule}",
                "fingerprint": hashlib.sha256(identity.encode()).hexdigest(),
                "severity": _SEVERITIES.get(one.effect, "info"),
                "location": {
                    "path": source or one.experiment or "experiments",
                    "lines": {"begin": _line_of(source, one.check) if source else 1},
                },
            }
        )
    return found


def render_outputs(report: GateReport, place: str) -> str:
    """GitHub's step outputs: verdict, score and report."""
    score = mean_score(report.observed)
    written = "" if score is None else f"{score:.0f}"
    return f"verdict={report.verdict}\nscore={written}\nreport={place}\n"


def _line(name: str, width: int, report: GateReport, *, unicode: bool) -> str:
    """An experiment's sign, name, verdict, score, recovery and runs."""
    bad = {f.effect for f in report.findings if f.experiment == name and f.effect in _BAD}
    verdict = Verdict.PASSED
    if bad:
        verdict = Verdict.FAILED if Effect.FAIL in bad else Verdict.INCONCLUSIVE
    sign = mark(VERDICT_MARKS[verdict], unicode=unicode)
    _, said, score, recovery, runs = _row(name, report)
    parts = [
        f"{sign} {name:<{width}}  {said}",
        f"score {score}" if score else "",
        f"recovery {recovery}" if recovery else "",
        f"{runs} run{'s' * (runs != '1')}",
    ]
    return " · ".join(part for part in parts if part)


def _row(name: str, report: GateReport) -> tuple[str, str, str, str, str]:
    was, now = report.accepted.get(name), report.observed.get(name)
    if now is None:
        return name, "did not run", "", "", "0"
    verdict = str(now.verdict) if was is None else _changed(str(now.verdict), str(was.verdict))
    score = _levels(now.score, was.score if was else None, lambda value: f"{value:.0f}")
    recovery = _levels(now.recovery_ms, was.recovery_ms if was else None, duration)
    return name, verdict, score, recovery, str(len(now.runs))


def _levels(now: Level | None, was: Level | None, say: Any) -> str:
    if now is None:
        return ""
    return _changed(say(now.median), say(was.median) if was else "")


def _changed(now: str, was: str) -> str:
    return f"{now} (was {was})" if was and was != now else now


def _facts(name: str, report: GateReport) -> dict[str, Any]:
    was, now = report.accepted.get(name), report.observed.get(name)
    return {
        "verdict": now.verdict if now else None,
        "runs": [run.run_id for run in now.runs] if now else [],
        "score": now.score.median if now and now.score else None,
        "recovery_ms": now.recovery_ms.median if now and now.recovery_ms else None,
        "accepted": None
        if was is None
        else {
            "verdict": was.verdict,
            "runs": was.runs,
            "score": was.score.median if was.score else None,
            "recovery_ms": was.recovery_ms.median if was.recovery_ms else None,
        },
    }


def _cell(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    flat = " ".join(text.split())
    return re.sub(r"([\\`*_{}\[\]<>|#~])", r"\\\1", flat)


def _escape(text: str, more: str = "") -> str:
    for sign in f"%\r\n{more}":
        text = text.replace(sign, f"%{ord(sign):02X}")
    return text


def _source_of(found: Finding, report: GateReport) -> str:
    """The document that a finding is about, if it is here."""
    observed = report.observed.get(found.experiment)
    source = observed.source if observed is not None else ""
    return source if source and Path(source).is_file() else ""


def _with_subject(found: Finding) -> str:
    return f"{found.experiment}: {found.text}" if found.experiment else found.text


def _line_of(source: str, check: str) -> int:
    """The line of the check's name in the document; 1 if it cannot be told."""
    if not check:
        return 1
    named = re.compile(rf"""\bname:\s*["']?{re.escape(check)}["']?\s*(?:$|[,}}#])""")
    try:
        lines = Path(source).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return 1
    return next((number for number, line in enumerate(lines, 1) if named.search(line)), 1)
