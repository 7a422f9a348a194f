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
    verify: Annotated[
        bool, typer.Option("--verify", help="Only say whether it is as it was written.")
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Print what a run wrote down, event by event.

    Examples: chaosctl journal last | chaosctl journal last --kind inject --kind undo --json
    """
    import json

    from chaosctl.context import Context
    from chaosctl.engine.journal import read_journal, verify_journal
    from chaosctl.engine.ledger import find_run
    from chaosctl.report.plain import plain_line

    folder = find_run(Context(), run).folder
    if verify:
        count = verify_journal(folder)
        print(json.dumps({"events": count}) if as_json else f"{count} events, as they were written")
        return 0
    for event in read_journal(folder):
        if kind and event["event"] not in kind:
            continue
        print(json.dumps(event) if as_json else plain_line(event))
    return 0
