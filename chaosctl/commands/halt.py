"""`chaosctl halt`: the kill switch."""

from __future__ import annotations

from typing import Annotated

import typer

from chaosctl.commands.audit import keep_audit
from chaosctl.commands.options import AsJson


def halt(
    reason: Annotated[str, typer.Option("--reason", help="Why, for the record.")] = "",
    as_json: AsJson = False,
) -> int:
    """Stop every run that you may signal (root: all) and undo what they did.

    Works while the store, the network or a dashboard hangs. Exits 6 if something is left.

    Examples: chaosctl halt | chaosctl halt --reason "pager went off"
    """
    import json
    from dataclasses import asdict

    from chaosctl.context import Context
    from chaosctl.engine.halt import halt_all
    from chaosctl.judge.verdict import UNDO_INCOMPLETE, UndoState, worst_undo
    from chaosctl.worlds import undoer_for

    context = Context()
    halted = halt_all(context, undoer_for(context), reason=reason or "chaosctl halt")
    if halted:
        undo = worst_undo(one.undo for one in halted)
        keep_audit(context, "halt", runs=[one.run_id for one in halted], undo=undo, reason=reason)
    if as_json:
        rows = [asdict(one) for one in halted]
        print(json.dumps({"schema": "chaosctl/halt/v1", "runs": rows}))
    for one in halted if not as_json else ():
        print(f"{one.run_id}  {one.how}, undo {one.undo}{': ' + one.detail if one.detail else ''}")
    if not halted and not as_json:
        print("nothing was running")
    return 0 if all(one.undo == UndoState.CLEAN for one in halted) else UNDO_INCOMPLETE
