"""`chaosctl run`: break it, watch it, take it back, and say what was found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from chaosctl.commands.options import AsJson, Quiet, Seed, Settings, Store

if TYPE_CHECKING:
    pass


def run(
    experiments: Annotated[
        list[str], typer.Argument(help="Files, or names of bundled experiments.")
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask on real infrastructure.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan, then stop.")] = False,
    settings: Settings = None,
    seed: Seed = None,
    store: Store = "",
    plain: Annotated[
        bool, typer.Option("--plain", help="One line an event, no live view.")
    ] = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> int:
    """Run experiments and say whether anybody would have noticed.

    On the bundled demo platform it starts what is not up, and says so. Ctrl-C undoes and ends.

    Examples: chaosctl run zone-outage | chaosctl run mine.yaml --set method.0.for=10s --json
    """
    from chaosctl.commands.plan import plan as show_plan
    from chaosctl.context import Context
    from chaosctl.experiment.load import find, load_found
    from chaosctl.judge.verdict import SIGHUP, SIGINT, SIGTERM, worst

    if dry_run:
        codes = [show_plan(one, False, settings, seed, as_json) for one in experiments]
        return worst(codes)
    context = Context()
    # All documents are checked before the first run touches anything.
    documents = [load_found(find(name), settings or []) for name in experiments]
    take_back_leftovers(context)
    codes = []
    for document in documents:
        chosen_seed = context.new_seed() if seed is None else seed
        view = choose_view(context, plain=plain, quiet=quiet, as_json=as_json)
        codes.append(run_one(document, context, chosen_seed, store, view, yes=yes))
        if codes[-1] in (SIGHUP, SIGINT, SIGTERM):
            break
    return worst(codes)
