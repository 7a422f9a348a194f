"""What a run found, each at its place in the document: for annotations and SARIF. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from chaosctl.experiment.places import check_places
from chaosctl.judge.verdict import Outcome, UndoState, Verdict
from chaosctl.report.evidence import Evidence, check_facts
from chaosctl.report.symbols import duration, number

LEVEL_OF_OUTCOME = {Outcome.PASS: "none", Outcome.FAIL: "error", Outcome.UNKNOWN: "warning"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to say. level: error, warning, or none if all is well. line, column from 1.

    rule: what it is about, the same in every run of the experiment.
    """

    rule: str
    level: str
    title: str
    text: str
    source: str
    line: int
    column: int


def findings(evidence: Evidence) -> list[Finding]:
    """Each check, then recovery, undo and the run itself, as far as there is something to say."""
    found = [*_checks(evidence), *_recovery(evidence)]
    is_said = evidence.result.verdict is Verdict.FAILED and any(f.level == "error" for f in found)
    return [*found, *_undo(evidence), *(() if is_said else _run(evidence))]


def rule_id(experiment: str, name: str) -> str:
    """A rule's name: lower case, words joined.

    >>> rule_id("zone-outage", "errors stay rare!")
    'zone-outage/errors-stay-rare'
    """
    words = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    return f"{experiment}/{words or 'unnamed'}"


def _checks(evidence: Evidence) -> Iterator[Finding]:
    places = check_places(evidence.document)
    if not evidence.result.detail.get("checks"):
        return
    for check in check_facts(evidence):
        line, column = places.get(check.name, (1, 1))
        text = f"{number(check.worst)} at worst ({check.limit})"
        text += f"; {check.reason}" if check.reason else ""
        text += f"; because (computed from the store): {'; '.join(check.because)}" * bool(
            check.because
        )
        yield Finding(
            rule_id(evidence.name, check.name),
            LEVEL_OF_OUTCOME[Outcome(check.outcome)],
            check.name,
            text,
            evidence.source,
            line,
            column,
        )


def _recovery(evidence: Evidence) -> Iterator[Finding]:
    detail = evidence.result.detail
    took_ms, within_ms = detail.get("recovery_ms"), detail.get("recovery_within_ms")
    if took_ms is None or within_ms is None:
        return
    level = "error" if took_ms > within_ms else "none"
    text = f"steady again after {duration(took_ms)} (limit {duration(within_ms)})"
    yield _whole(evidence, "recovery", level, text)


def _undo(evidence: Evidence) -> Iterator[Finding]:
    result = evidence.result
    if result.undo is UndoState.CLEAN:
        return
    yield _whole(evidence, "undo", "error", f"undo {result.undo}; fix: {result.fix}")


def _run(evidence: Evidence) -> Iterator[Finding]:
    """The verdict, where no check says why it is not `passed`."""
    result = evidence.result
    if result.verdict is Verdict.PASSED:
        return
    level = "error" if result.verdict in (Verdict.FAILED, Verdict.INVALID) else "warning"
    yield _whole(evidence, "verdict", level, f"{result.verdict}: {result.reason}")


def _whole(evidence: Evidence, what: str, level: str, text: str) -> Finding:
    return Finding(rule_id(evidence.name, what), level, what, text, evidence.source, 1, 1)
