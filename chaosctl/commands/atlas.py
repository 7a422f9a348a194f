"""`chaosctl atlas`: the store by itself."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from chaosctl.commands.options import AsJson, Store

app = typer.Typer(
    help="The store: serve it, query it, list its tags.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Start = Annotated[str, typer.Option("--start", "-s", help="Start: e-5m, or an instant.")]
End = Annotated[str, typer.Option("--end", "-e", help="End: now, or an instant.")]
StepText = Annotated[str, typer.Option("--step", help="Step of the answer; the demo's is 1s.")]


@app.command(
    "serve",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    add_help_option=False,
)
def serve(context: typer.Context) -> int:
    """Serve a store in this process until it is ended; the same as `python -m atlas serve`.

    Example: chaosctl atlas serve --port 7101
    """
    from atlas.__main__ import main

    try:
        return main(["serve", *context.args])
    except SystemExit as ended:  # argparse: --help, or a mistake it has printed
        return int(ended.code or 0)


@app.command("query")
def query(
    expression: Annotated[str, typer.Argument(help="An ASL expression.")],
    start: Start = "e-1m",
    end: End = "now",
    step: StepText = "1s",
    store: Store = "",
    as_json: AsJson = False,
) -> int:
    """Ask the store for an expression; for each line its last, mean, least and greatest value.

    Exits 4 when there is no data. Examples: chaosctl atlas query
    'name,playback.starts,:eq,(,ipc.result,),:by' |
    chaosctl atlas query 'name,edge.requests,:eq,:sum' --start e-5m --json
    """
    from datetime import UTC

    from atlas.errors import AtlasError
    from atlas.expr.instants import parse_window
    from atlas.expr.text import parse_duration
    from chaosctl.context import Context
    from chaosctl.errors import ChaosctlError
    from chaosctl.judge.verdict import EXIT_CODES, Verdict
    from chaosctl.report.json_lines import to_json_line
    from chaosctl.report.lines import lines_as_json, render_lines
    from chaosctl.worlds import store_at

    context = Context()
    try:
        step_ms = parse_duration(step)
        start_ms, end_ms = parse_window(start, end, UTC, context.now_ms())
    except AtlasError as error:
        fix = error.fix or "for example --start e-5m --end now --step 1s"
        raise ChaosctlError(error.what, where="--start, --end, --step", fix=fix) from error
    start_ms, end_ms = (instant // step_ms * step_ms for instant in (start_ms, end_ms))
    lines = store_at(context, store).lines(expression, start_ms, end_ms, step_ms=step_ms)
    print(to_json_line(lines_as_json(lines)) if as_json else render_lines(lines))
    if not any(line.points() for line in lines):
        print("no data", file=sys.stderr)
        return EXIT_CODES[Verdict.INCONCLUSIVE]
    return 0


@app.command("tags")
def tags(
    key: Annotated[str, typer.Argument(help="Values of this key; none: the keys.")] = "",
    wanted: Annotated[
        str, typer.Option("--query", help="Only of series that match this query.")
    ] = "",
    store: Store = "",
    as_json: AsJson = False,
) -> int:
    """List the tag keys that the store knows, or the values of one.

    Examples: chaosctl atlas tags | chaosctl atlas tags name --query 'nf.app,edge,:eq'
    """
    import json

    from chaosctl.context import Context
    from chaosctl.worlds import store_at

    found = store_at(Context(), store).tags(key or None, wanted or None)
    if as_json:
        print(json.dumps({"schema": "chaosctl/tags/v1", "key": key, "items": found}))
    else:
        print("\n".join(found))
    return 0 if found else 4
