"""`chaosctl undo RUN`: take one run back."""

from __future__ import annotations

from typing import Annotated

import typer

from chaosctl.commands.audit import keep_audit
from chaosctl.commands.options import AsJson


def undo(
    run: Annotated[str, typer.Argument(help="Run id, its unique end, or `last`.")],
    as_json: AsJson = False,
) -> int:
    """Undo every step of one run again; harmless when it is undone already.

    Examples: chaosctl undo last | chaosctl undo 20260314-0915-k7f
    """
    import json

    from chaosctl.context import Context
    from chaosctl.engine.ledger import find_run
    from chaosctl.engine.recover import undo_run
    from chaosctl.report.runs import render_undo, undo_as_json, undo_exit_code
    from chaosctl.worlds import undoer_for

    context = Context()
    report = undo_run(context, find_run(context, run), undoer_for(context))
    keep_audit(context, "undo", runs=[report.run_id], undo=report.state)
    if as_json:
        print(json.dumps({"schema": "chaosctl/undo/v1", "runs": [undo_as_json(report)]}))
    else:
        print(render_undo(report))
    return undo_exit_code([report])
