"""`chaosctl plan`: what a run would do, touching and starting nothing."""

from __future__ import annotations

from typing import Annotated

import typer

from chaosctl.commands.options import AsJson, Seed, Settings


def plan(
    experiment: Annotated[str, typer.Argument(help="A file, or a bundled experiment's name.")],
    explain: Annotated[
        bool, typer.Option("--explain", help="Why each instance was chosen or left out.")
    ] = False,
    settings: Settings = None,
    seed: Seed = None,
    as_json: AsJson = False,
) -> int:
    """Show exactly what a run would do: targets, limits, duration, what would stop it.

    Touches and starts nothing. Where the demo platform is not up, shows the one it would start.

    Examples: chaosctl plan zone-outage | chaosctl plan mine.yaml --explain --set method.0.for=10s
    """
    import json
    import sys

    from chaosctl.config import load_config
    from chaosctl.context import Context
    from chaosctl.experiment.load import find
    from chaosctl.importers.toolkit_experiment import load_any
    from chaosctl.report.plan_text import render_plan
    from chaosctl.report.symbols import speaks_unicode
    from chaosctl.worlds import plan_only

    context = Context()
    loaded = load_any(find(experiment), settings or ())
    chosen_seed = context.new_seed() if seed is None else seed
    planned, news = plan_only(loaded, context, chosen_seed, load_config(context).guards)
    if news and not as_json:
        print(news, file=sys.stderr)
    if as_json:
        print(json.dumps(planned.as_json()))
    else:
        unicode = speaks_unicode(sys.stdout.encoding)
        print(render_plan(planned, unicode=unicode, explain=explain))
    return 0
