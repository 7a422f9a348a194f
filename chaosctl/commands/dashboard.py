"""`chaosctl dashboard`: the screens in a terminal."""

from __future__ import annotations

from typing import Annotated

import typer

from chaosctl.commands.options import Store


def dashboard(
    ascii_only: Annotated[
        bool, typer.Option("--ascii", help="Draw with ASCII signs, whatever the encoding.")
    ] = False,
    store: Store = "",
) -> int:
    """Show the platform, runs and metrics in this terminal, and act on them by keys.

    Everything that changes something shows its chaosctl command and asks. `?` shows the keys.

    Examples: chaosctl dashboard | chaosctl dashboard --store http://127.0.0.1:7101
    """
    from chaosctl.context import Context
    from chaosctl.errors import ChaosctlError
    from chaosctl.report.symbols import speaks_unicode
    from chaosctl.worlds import store_at

    context = Context()
    if not (context.stdin.isatty() and context.stdout.isatty()):
        raise ChaosctlError(
            "a dashboard needs a terminal, and this is none",
            where="chaosctl dashboard",
            fix="start it in a terminal; `chaosctl status` and `chaosctl demo status` print lines",
        )
    from chaosctl.dashboard.app import Dashboard
    from chaosctl.report.glyphs import glyphs_for

    unicode = speaks_unicode(context.stdout.encoding) and not ascii_only
    Dashboard(context, store_at(context, store), glyphs_for(unicode=unicode)).run()
    return 0
