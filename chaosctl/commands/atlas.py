"""`chaosctl atlas`: the store by itself."""

from __future__ import annotations

from typing import Annotated

import typer

from chaosctl.commands.options import AsJson, Store

app = typer.Typer(
    help="The store: serve it, query it, list its tags.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Start = Annotated[str, typer.Option("--start", "-s", help="Start, e.g. e-5m or an instant.")]
End = Annotated[str, typer.Option("--end", "-e", help="End, e.g. now or an instant.")]
StepText = Annotated[str, typer.Option("--step", help="Step, e.g. 1s. Default: the store's.")]


@app.command("serve", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def serve(context: typer.Context) -> int:
    """Serve a store in this process until it is ended; the same as `python -m atlas serve`.

    Example: chaosctl atlas serve --port 7101
    """
    from atlas.__main__ import main

    return main(["serve", *context.args])


@app.command("query")
def query(
    expression: Annotated[str, typer.Argument(help="An ASL expression.")],
    start: Start = "e-1m",
    end: End = "now",
    step: StepText = "",
    store: Store = "",
    as_json: AsJson = False,
) -> int:
    """Ask the store for an expression and print its lines: last, mean, least and greatest value.

    Examples: chaosctl atlas query 'name,viewers.starts,:eq,(,outcome,),:by'
    | chaosctl atlas query 'name,sps,:eq,:sum' --start e-5m --json
    """
    import json

    from chaosctl.context import Context
    from chaosctl.demo import store_client

    client = store_client(Context(), store)
    answer = client.graph(expression, start=start, end=end, step=step)
    if as_json:
        print(json.dumps(answer))
    return 0
