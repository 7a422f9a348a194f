"""`chaosctl report RUN...`: how runs ended, for people and for machines."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chaosctl.commands.options import AsJson, Html, Markdown, Sarif, Summary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chaosctl.context import Context
    from chaosctl.engine.result import RunResult


Junit = Annotated[
    Path | None, typer.Option("--junit", help="Write JUnit XML: a suite a run, a case a check.")
]
Png = Annotated[Path | None, typer.Option("--png", help="Write each chart to a folder, as PNG.")]
Diff = Annotated[
    str, typer.Option("--diff", metavar="RUN", help="Compare with this run, not the last one.")
]
Baseline = Annotated[
    Path | None,
    typer.Option(
        "--baseline",
        help="Compare with this baseline file, too. Default: chaos-baseline.json here or beside"
        " the document, if there is one.",
    ),
]
Trend = Annotated[
    int | None, typer.Option("--trend", min=1, max=1000, help="How many earlier runs to show.")
]
Open = Annotated[bool, typer.Option("--open", help="Show the HTML report in a browser.")]


def report(
    runs: Annotated[
        list[str], typer.Argument(metavar="RUN...", help="Run ids, their unique ends, or `last`.")
    ],
    html: Html = None,
    markdown: Markdown = None,
    junit: Junit = None,
    sarif: Sarif = None,
    png: Png = None,
    summary: Summary = "",
    diff: Diff = "",
    baseline: Baseline = None,
    trend: Trend = None,
    open_it: Open = False,
    as_json: AsJson = False,
) -> int:
    """Tell how runs ended, from their folders alone: no store or target is needed any more.

    Files are named by the options; `-` is standard output. The exit code says whether the runs
    could be read, not what they found.

    Examples: chaosctl report last --html report.html --open | chaosctl report last --diff k7f
    """
    from chaosctl.context import Context
    from chaosctl.engine.baseline_file import read_baseline
    from chaosctl.engine.ledger import find_run
    from chaosctl.engine.result import read_result
    from chaosctl.report.outputs import write_outputs
    from chaosctl.report.wanted import TREND_RUNS, Outputs, refuse_unwritable

    context = Context()
    results = [read_result(find_run(context, run).folder) for run in runs]
    before = read_result(find_run(context, diff).folder) if diff else None
    outputs = Outputs(html, markdown, sarif, junit, png, summary, trend or TREND_RUNS, baseline)
    if baseline is not None:
        read_baseline(baseline)  # what is named must be one
    refuse_to_open_nothing(html, is_wanted=open_it)
    refuse_unwritable(outputs, len(results))
    files = write_outputs(context, outputs, results, before=before)
    if as_json:
        print_json(results)
    elif not outputs.are_wanted:
        print_text(context, results, before, trend or 0)
    else:
        print(*files, sep="\n", file=sys.stderr if Path("-") in outputs.named else sys.stdout)
    if open_it and html is not None:
        import webbrowser

        webbrowser.open(html.absolute().as_uri())
    return 0


def refuse_to_open_nothing(html: Path | None, *, is_wanted: bool) -> None:
    """Raises ChaosctlError if a report is to be shown that is not written to a file."""
    from chaosctl.errors import ChaosctlError

    if is_wanted and html is None:
        raise ChaosctlError(
            "--open shows an HTML report", where="chaosctl report", fix="name it with --html FILE"
        )


def print_json(results: Sequence[RunResult]) -> None:
    """An object for each run (schema chaosctl/report/v1)."""
    from chaosctl.report.evidence import read_evidence
    from chaosctl.report.json_lines import to_json_line
    from chaosctl.report.page import report_as_json

    for result in results:
        if result.folder is not None:
            print(to_json_line(report_as_json(read_evidence(result.folder))))


def print_text(
    context: Context, results: Sequence[RunResult], before: RunResult | None, trend: int
) -> None:
    """What `chaosctl run` said at its end; and the runs before it, if asked."""
    from chaosctl.engine.history import earlier_runs, result_before
    from chaosctl.report.result_text import render_result
    from chaosctl.report.runs import render_past
    from chaosctl.report.symbols import speaks_unicode

    for result in results:
        last = before or result_before(context, result)
        unicode = speaks_unicode(sys.stdout.encoding)
        print(render_result(result, before=last, unicode=unicode))
        if past := earlier_runs(context, result, trend) if trend else []:
            print(render_past(past))
