"""`chaosctl audit`: who changed what."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from chaosctl.commands.options import AsJson

if TYPE_CHECKING:
    from chaosctl.context import Context


def audit(
    last: Annotated[
        int, typer.Option("--last", min=0, help="How many of the last lines; 0: all.")
    ] = 50,
    verify: Annotated[
        bool, typer.Option("--verify", help="Only say whether it is as it was written.")
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Show who changed what, by which command, and how it ended.

    One line for each run, halt, undo, recover, and demo up or down of this user.

    Examples: chaosctl audit | chaosctl audit --last 0 --json | chaosctl audit --verify
    """
    import json
    from collections import deque

    from chaosctl.context import Context
    from chaosctl.engine.audit import audit_file, read_audit
    from chaosctl.report.audit_text import audit_line

    path = audit_file(Context())
    if verify:
        count = sum(1 for _ in read_audit(path, verify=True))
        print(json.dumps({"lines": count}) if as_json else f"{count} lines, as they were written")
        return 0
    lines = deque(read_audit(path), maxlen=last or None)
    for line in lines:
        print(json.dumps(line) if as_json else audit_line(line))
    if not lines and not as_json:
        print("nothing has been changed yet")
    return 0


def keep_audit(context: Context, command: str, *, runs: Sequence[str] = (), **said: object) -> None:
    """Add to the audit log what a command did; that it cannot be is said, and stops nothing."""
    from chaosctl.engine.audit import append_audit

    if trouble := append_audit(context, command, runs=runs, **said):
        with suppress(OSError):
            print(trouble, file=context.stderr)
