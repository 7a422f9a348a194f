"""Options that several commands share, or of which one has too many, declared once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
TrustActions = Annotated[
    bool,
    typer.Option(
        "--trust-actions",
        help="Take actions of imported documents as done though nothing observes them.",
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print the result only.")]
Store = Annotated[
    str,
    typer.Option(
        "--store",
        help="Where the metrics are: http://HOST:PORT or unix:PATH. Default: the demo's own.",
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Change one value of the document; dotted path, may be repeated.",
    ),
]
Seed = Annotated[
    int | None, typer.Option("--seed", help="Seed of every random choice. Default: a new one.")
]

Yes = Annotated[bool, typer.Option("--yes", help="Do not ask on real infrastructure.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the plan, then stop.")]
Plain = Annotated[bool, typer.Option("--plain", help="One line an event instead of the live view.")]
Junit = Annotated[
    Path | None, typer.Option("--junit", help="Write the results to a file, as JUnit XML.")
]
ReportFolder = Annotated[
    Path | None,
    typer.Option("--report", help="Write each result to a folder, for `chaosctl gate`."),
]
Repeat = Annotated[
    int | None, typer.Option("--repeat", help="Run each so many times, round by round.")
]
UntilFailure = Annotated[
    bool,
    typer.Option("--until-failure", help="Repeat, at most 100 times, until one does not pass."),
]
FailFast = Annotated[
    bool, typer.Option("--fail-fast", help="End at the first run that does not pass.")
]
KeepGoing = Annotated[
    bool, typer.Option("--keep-going", help="Go on after a stop condition ended a run.")
]
Html = Annotated[
    Path | None, typer.Option("--html", help="Write a report of the run, one HTML file.")
]
Markdown = Annotated[
    Path | None, typer.Option("--markdown", help="Write a report to a file, as Markdown.")
]
Sarif = Annotated[
    Path | None, typer.Option("--sarif", help="Write the findings to a file, as SARIF 2.1.0.")
]
Summary = Annotated[
    str,
    typer.Option(
        "--summary",
        metavar="auto|FILE",
        help="Markdown for people on a CI server; auto: where GitHub shows it, with annotations.",
    ),
]
