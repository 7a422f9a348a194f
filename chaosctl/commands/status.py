"""`chaosctl status`: what is running, and what is left to undo."""

from __future__ import annotations

from typing import Annotated

import typer

from chaosctl.commands.options import AsJson


def status(
    show_all: Annotated[bool, typer.Option("--all", help="Finished runs too.")] = False,
    as_json: AsJson = False,
) -> int:
    """Show the runs that are active and those that left something behind.

    Exits 6 when something is left to undo: `chaosctl recover` takes it back.

    Examples: chaosctl status | chaosctl status --all --json
    """
    import json

    from chaosctl.context import Context
    from chaosctl.engine import RunState, list_runs
    from chaosctl.judge.verdict import UNDO_INCOMPLETE
    from chaosctl.report.runs import render_runs, run_as_json

    runs = list_runs(Context())
    shown = [run for run in runs if show_all or run.state is not RunState.FINISHED]
    if as_json:
        print(json.dumps({"schema": "chaosctl/status/v1", "runs": [run_as_json(r) for r in shown]}))
    elif shown:
        print(render_runs(shown))
    else:
        finished = f"; {len(runs)} finished: --all" if runs else ""
        print(f"nothing is running, nothing is left to undo{finished}")
    return UNDO_INCOMPLETE if any(r.state is RunState.UNFINISHED for r in runs) else 0
