"""`chaosctl report RUN...`: how runs ended, for people and for machines."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from chaosctl.commands.options import AsJson


def report(
    runs: Annotated[
        list[str], typer.Argument(metavar="RUN...", help="Run ids, their unique ends, or `last`.")
    ],
    junit: Annotated[
        bool, typer.Option("--junit", help="Print JUnit XML: a suite a run, a case a check.")
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Print how runs ended; the exit code says whether they could be read, not what they found.

    Examples: chaosctl report last | chaosctl report last --junit
    """
    from chaosctl.context import Context
    from chaosctl.engine import find_run, read_result
    from chaosctl.report.json_lines import to_json_line
    from chaosctl.report.junit import render_junit
    from chaosctl.report.result_text import render_result
    from chaosctl.report.symbols import speaks_unicode

    context = Context()
    results = [read_result(find_run(context, run).folder) for run in runs]
    if junit:
        print(render_junit(results), end="")
        return 0
    for result in results:
        if as_json:
            print(to_json_line(result.as_json()))
        else:
            print(render_result(result, unicode=speaks_unicode(sys.stdout.encoding)))
    return 0
