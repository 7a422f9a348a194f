"""`chaosctl recover`: take back what dead runs left."""

from __future__ import annotations

from chaosctl.commands.audit import keep_audit
from chaosctl.commands.options import AsJson


def recover(as_json: AsJson = False) -> int:
    """Undo everything that a killed run or a power cut left behind.

    `run` and `demo` do the same before they start. Exits 6 if something could not be taken back.

    Examples: chaosctl recover | chaosctl recover --json
    """
    import json

    from chaosctl.context import Context
    from chaosctl.engine.recover import recover as recover_runs
    from chaosctl.judge.verdict import worst_undo
    from chaosctl.report.runs import render_undo, undo_as_json, undo_exit_code
    from chaosctl.worlds import undoer_for

    context = Context()
    reports = recover_runs(context, undoer_for(context))
    if reports:
        undo = worst_undo(report.state for report in reports)
        keep_audit(context, "recover", runs=[report.run_id for report in reports], undo=undo)
    if as_json:
        rows = [undo_as_json(report) for report in reports]
        print(json.dumps({"schema": "chaosctl/undo/v1", "runs": rows}))
    else:
        for report in reports:
            print(render_undo(report))
        if not reports:
            print("nothing was left behind")
    return undo_exit_code(reports)
