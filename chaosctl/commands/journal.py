"""`chaosctl journal RUN`: the record of a run."""

from __future__ import annotations

from typing import Annotated

import typer

from chaosctl.commands.options import AsJson


def journal(
    run: Annotated[str, typer.Argument(help="Run id, its unique end, or `last`.")],
    kind: Annotated[
        list[str] | None, typer.Option("--kind", help="Only events of this kind; may be repeated.")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Print what a run wrote down, event by event.

    Examples: chaosctl journal last | chaosctl journal last --kind inject --kind undo --json
    """
    import json

    from chaosctl.context import Context
    from chaosctl.engine import find_run, read_journal
    from chaosctl.report.plain import plain_line

    for event in read_journal(find_run(Context(), run).folder):
        if kind and event["event"] not in kind:
            continue
        print(json.dumps(event) if as_json else plain_line(event))
    return 0
