"""A run as Markdown, for pull requests and step summaries: verdict, checks, difference, images."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence

from chaosctl.engine.result import RunResult
from chaosctl.judge.verdict import Outcome
from chaosctl.report.accepted_difference import AcceptedDifference
from chaosctl.report.deeds import deeds, run_sentence
from chaosctl.report.difference import Change, difference
from chaosctl.report.evidence import Evidence, check_facts, repeat_command, undo_facts, zero_of
from chaosctl.report.page import recovery_sentence
from chaosctl.report.symbols import OUTCOME_MARKS, VERDICT_MARKS, number

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+!|~&$@])")


def render_markdown(
    evidence: Evidence,
    *,
    before: RunResult | None = None,
    accepted: AcceptedDifference | None = None,
    images: Mapping[str, str] | None = None,
) -> str:
    """The report of one run; images: names of the checks to the files of their charts."""
    lines = [
        *_verdict(evidence),
        "",
        *_deeds(evidence),
        "",
        *_checks(evidence),
        "",
        f"{recovery_sentence(evidence)} {_undo(evidence)}",
        "",
        *(_difference(before, evidence.result) if before else ()),
        *(_accepted(accepted) if accepted else ()),
    ]
    for name, file in (images or {}).items():
        lines += [f"![{escape(name)}]({file})", ""]
    lines += [f"Do it again: {code(repeat_command(evidence))}", ""]
    return "\n".join(lines)


def escape(text: object) -> str:
    """Text that Markdown shows as it stands, on one line; nobody is named, nothing is linked.

    >>> escape("a|b <script> @me")
    'a\\\\|b \\\\<script\\\\> \\\\@me'
    """
    plain = " ".join(str(text).split())
    return _SPECIAL.sub(r"\\\1", plain).replace("://", ":\u200b//")


def code(text: object) -> str:
    """Text in a code span that it cannot leave."""
    plain = " ".join(str(text).split())
    longest = max((len(run) for run in re.findall("`+", plain)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if longest else ""
    return f"{fence}{pad}{plain}{pad}{fence}".replace("|", "\\|")


def _verdict(evidence: Evidence) -> Iterator[str]:
    result = evidence.result
    score = result.detail.get("score")
    is_known = score is not None and math.isfinite(score)
    points = f", score {score:.0f} of 100" if is_known else ""
    title = escape(evidence.title or evidence.name)
    yield f"### {VERDICT_MARKS[result.verdict][0]} {title}: {result.verdict}{points}"
    yield ""
    yield f"{escape(result.reason)}."
    for name, findings in result.detail.get("because", {}).items():
        yield ""
        yield f"Because, computed from the store: {escape(name)}: {escape('; '.join(findings))}."
    if result.fix:
        yield ""
        yield f"Fix: {code(result.fix)}"


def _deeds(evidence: Evidence) -> Iterator[str]:
    yield escape(run_sentence(evidence))
    yield ""
    yield from (f"- {escape(deed)}" for deed in deeds(evidence))


def _checks(evidence: Evidence) -> Iterator[str]:
    found = check_facts(evidence)
    if not found:
        yield "No check was judged."
        return
    yield "| check | outcome | at worst | when | limit | margin | steps with data | no data |"
    yield "| --- | --- | ---: | ---: | --- | ---: | ---: | ---: |"
    zero_ms = zero_of(evidence)
    for check in found:
        sign = OUTCOME_MARKS[Outcome(check.outcome)][0]
        when = f"{(check.worst_ms - zero_ms) / 1000:+.0f} s" if check.worst_ms else ""
        cells = (
            escape(check.name),
            f"{sign} {check.outcome}",
            number(check.worst),
            when,
            escape(check.limit),
            number(check.margin),
            str(check.samples),
            f"{check.silent_ms / 1000:g} s",
        )
        yield f"| {' | '.join(cells)} |"


def _undo(evidence: Evidence) -> str:
    undos = undo_facts(evidence)
    done = sum(one.is_done for one in undos)
    return f"Undo {evidence.result.undo} ({done} of {len(undos)} steps)."


def _difference(before: RunResult, now: RunResult) -> Sequence[str]:
    changes = difference(before, now)
    title = f"Since run {before.run_id} ({before.verdict}):"
    if not changes:
        return [f"{title} no difference.", ""]
    return [title, "", *_table(changes, then="then", good="better"), ""]


def _accepted(accepted: AcceptedDifference) -> Sequence[str]:
    file = code(accepted.file)
    if accepted.trouble:
        return [f"Baseline file {file} cannot be compared with: {escape(accepted.trouble)}.", ""]
    if not accepted.runs:
        return [f"Baseline file {file} does not have this experiment.", ""]
    title = f"Against the baseline file {file} (runs accepted: {accepted.runs}):"
    return [title, "", *_table(accepted.changes, then="accepted", good="noted"), ""]


def _table(changes: Sequence[Change], *, then: str, good: str) -> Sequence[str]:
    rows = [
        f"| {escape(c.what)} | {escape(c.before)} | {escape(c.now)} | "
        f"{'worse' if c.is_worse else good if c.is_worse is False else ''} |"
        for c in changes
    ]
    return [f"| what | {then} | now | |", "| --- | ---: | ---: | --- |", *rows]
