"""`chaosctl gate RUNS|FILE...`: compare runs with what was accepted, and fail on a regression."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chaosctl.commands.options import AsJson

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chaosctl.context import Context
    from chaosctl.judge.accepted import Accepted, Observed
    from chaosctl.judge.gate import Terms
    from chaosctl.report.gate_text import GateReport


class Format(StrEnum):
    """How the findings are printed."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"
    GITLAB = "gitlab"


Runs = Annotated[
    list[str],
    typer.Argument(
        metavar="RUNS|FILE...", help="Folders of `run --report`, result files, run ids."
    ),
]
Baseline = Annotated[Path, typer.Option("--baseline", help="What was accepted.")]
Update = Annotated[
    bool, typer.Option("--update", help="Accept these runs: write the baseline file.")
]
Force = Annotated[
    bool, typer.Option("--force", help="Update in CI too, and from runs that disagree.")
]
Allow = Annotated[
    list[str] | None, typer.Option("--allow", metavar="RULE", help="Warn only; may be repeated.")
]
ScoreDrop = Annotated[
    float, typer.Option("--max-score-drop", help="Points a score may drop.", min=0, max=100)
]
MinScore = Annotated[
    float | None,
    typer.Option("--min-score", help="What the mean score must reach.", min=0, max=100),
]
Form = Annotated[Format, typer.Option("--format", help="How to print what was found.")]
Comment = Annotated[
    Path | None, typer.Option("--comment", help="Write a table in Markdown to a file.")
]


def gate(
    runs: Runs,
    baseline: Baseline,
    update: Update = False,
    force: Force = False,
    allow: Allow = None,
    max_score_drop: ScoreDrop = 5.0,
    min_score: MinScore = None,
    form: Form = Format.TEXT,
    comment: Comment = None,
    as_json: AsJson = False,
) -> int:
    """Compare runs with the accepted baseline and fail on a regression; runs nothing itself.

    Exit codes: 0 no regression, 1 a regression, 2 bad files, 4 cannot tell. The rules are
    verdict, undo, missing, new-failure, score, recovery, margin, population, document-changed
    and flaky; docs/ci-gate.md explains them.

    Examples: chaosctl gate out --baseline chaos-baseline.json
    | chaosctl gate out --baseline chaos-baseline.json --update
    """
    from chaosctl.context import Context
    from chaosctl.engine.baseline_file import read_baseline
    from chaosctl.engine.gathering import gather, observe
    from chaosctl.judge.gate import Terms, gate_exit_code, judge_gate
    from chaosctl.report.gate_text import GateReport

    terms = Terms(max_score_drop, min_score, tuple(allow or ()))
    refuse_unknown_rules(terms)
    context = Context()
    if update:
        refuse_update_in_ci(context, is_forced=force)
    observed = observe(gather(runs, context))
    accepted = read_baseline(baseline) if baseline.exists() or not update else {}
    findings = judge_gate(accepted, observed, terms)
    if update:
        return accept_runs(baseline, observed, context, is_forced=force)
    report = GateReport(accepted, observed, findings)
    tell(report, Format.JSON if as_json else form, context, ", ".join(runs))
    write_comment(comment, report)
    return gate_exit_code(findings)


def refuse_unknown_rules(terms: Terms) -> None:
    """Raises ChaosctlError for a rule that there is not, or that nobody may allow."""
    from chaosctl.errors import ChaosctlError
    from chaosctl.experiment.forms import did_you_mean
    from chaosctl.judge.gate import NEVER_ALLOWED, RULES

    for rule in terms.allowed:
        if rule == NEVER_ALLOWED:
            raise ChaosctlError(
                f"rule {rule!r} cannot be allowed",
                where="chaosctl gate --allow",
                fix="take back what is left: `chaosctl recover`",
            )
        if rule not in RULES:
            raise ChaosctlError(
                f"no rule {rule!r}",
                where="chaosctl gate --allow",
                fix=f"{did_you_mean(rule, RULES)}there is: {', '.join(RULES)}",
            )


def refuse_update_in_ci(context: Context, *, is_forced: bool) -> None:
    """Raises ChaosctlError in CI: what it accepts by itself it could never find again."""
    from chaosctl.errors import ChaosctlError

    if is_forced or context.env.get("CI", "").lower() in ("", "0", "false"):
        return
    raise ChaosctlError(
        "the baseline file is not updated in CI",
        where="chaosctl gate --update",
        fix="update it where a person reads the diff, and commit it; or say --force",
    )


def accept_runs(
    baseline: Path, observed: Mapping[str, Observed], context: Context, *, is_forced: bool
) -> int:
    """Write the runs into the file; what did not run stays as it is."""
    from datetime import UTC, datetime

    from chaosctl.engine.baseline_file import update_baseline
    from chaosctl.errors import ChaosctlError
    from chaosctl.judge.accepted import accept, unacceptable
    from chaosctl.provenance import commit_of

    refusals = [
        f"{name}: {why}"
        for name in sorted(observed)
        if (why := unacceptable(observed[name], is_forced=is_forced))
    ]
    if refusals:
        raise ChaosctlError(
            f"these runs cannot be accepted: {'; '.join(refusals)}",
            where=str(baseline),
            fix="only clean runs that say something are accepted: run again",
        )
    new = {name: accept(one) for name, one in observed.items()}

    def change(before: dict[str, Accepted]) -> Mapping[str, Accepted]:
        return before | new

    today = datetime.fromtimestamp(context.now_ms() / 1000, tz=UTC).date().isoformat()
    commit = commit_of(baseline.parent, context.env)
    update_baseline(baseline, change, context, updated=today, commit=commit)
    for name in sorted(new):
        print(f"accepted {name}: {new[name].verdict}, {new[name].runs} run(s)")
    print(f"wrote {baseline}")
    return 0


def tell(report: GateReport, form: Format, context: Context, place: str) -> None:
    """Print what was found; for GitHub also its summary and outputs, where it asks for them."""
    from chaosctl.report.gate_text import (
        code_quality,
        gate_json,
        render_annotations,
        render_gate,
        render_gate_markdown,
        render_outputs,
    )
    from chaosctl.report.json_lines import to_json_line
    from chaosctl.report.symbols import speaks_unicode

    if form is Format.JSON:
        print(to_json_line(gate_json(report)))
        return
    if form is Format.GITLAB:
        print(to_json_line(code_quality(report)))
        return
    if form is Format.GITHUB:
        for line in render_annotations(report):
            print(line)
        append(context.env.get("GITHUB_STEP_SUMMARY", ""), render_gate_markdown(report))
        append(context.env.get("GITHUB_OUTPUT", ""), render_outputs(report, place))
    print(render_gate(report, unicode=speaks_unicode(sys.stdout.encoding)))


def append(path: str, text: str) -> None:
    """Add to a file that the CI server named, if it named one. Raises ChaosctlError."""
    from chaosctl.errors import ChaosctlError

    if not path:
        return
    try:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise ChaosctlError(
            f"cannot be added to: {error.strerror}", where=path, fix="see GITHUB_* in the step"
        ) from error


def write_comment(path: Path | None, report: GateReport) -> None:
    """Write the table, if anybody wants it. Raises ChaosctlError if it cannot be."""
    from chaosctl.engine.journal import write_whole
    from chaosctl.errors import ChaosctlError
    from chaosctl.report.gate_text import render_gate_markdown

    if path is None:
        return
    try:
        write_whole(path, render_gate_markdown(report))
    except OSError as error:
        raise ChaosctlError(
            f"comment cannot be written: {error.strerror}",
            where=str(path),
            fix="name a file in a folder that exists and may be written to",
        ) from error
