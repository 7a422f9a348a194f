"""Options that several commands share, declared once."""

from __future__ import annotations

from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
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
