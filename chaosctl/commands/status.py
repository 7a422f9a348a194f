"""`chaosctl status`: what is running, and what is left to undo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from chaosctl.commands.options import AsJson

if TYPE_CHECKING:
    from chaosctl.engine.history import PastRun


def status(
    show_all: Annotated[bool, typer.Option("--all", help="Finished runs too.")] = False,
    experiment: Annotated[
        str, typer.Option("--experiment", help="With --all: of this experiment only.")
    ] = "",
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="With --all: only the newest so many.")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Show the runs that are active and those that left something behind.

    Exits 6 when something is left to undo: `chaosctl recover` takes it back.

    Examples: chaosctl status | chaosctl status --all --limit 20
    """
    from chaosctl.context import Context
    from chaosctl.engine.history import past_runs
    from chaosctl.engine.ledger import RunState, count_runs, list_open_runs
    from chaosctl.judge.verdict import UNDO_INCOMPLETE
    from chaosctl.report.json_lines import to_json_line
    from chaosctl.report.runs import past_as_json, render_past, render_runs, run_as_json

    context = Context()
    kept: list[PastRun] = []
    if show_all:
        past = past_runs(context)
        runs = [run.summary for run in past]
        kept = [run for run in past if experiment in ("", run.summary.experiment)][-(limit or 0) :]
    else:
        runs = list_open_runs(context)
    busy = [run for run in runs if run.state is not RunState.FINISHED]
    if as_json:
        shown = [past_as_json(r) for r in kept] if show_all else [run_as_json(r) for r in busy]
        print(to_json_line({"schema": "chaosctl/status/v1", "runs": shown}))
    elif kept or (busy and not show_all):
        print(render_past(kept) if show_all else render_runs(busy))
    else:
        finished = f"; {count} finished: --all" if (count := count_runs(context)) else ""
        print(f"nothing is running, nothing is left to undo{finished}")
    return UNDO_INCOMPLETE if any(r.is_left for r in runs) else 0
