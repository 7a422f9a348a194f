"""`chaosctl config`: the settings of this machine."""

from __future__ import annotations

import typer

from chaosctl.commands.options import AsJson

app = typer.Typer(
    help="Settings that hold for every run here, from chaosctl.toml.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.callback()
def config() -> None:
    """Settings that hold for every run here, from chaosctl.toml."""


@app.command("show")
def show(as_json: AsJson = False) -> int:
    """Show the settings files, and the guards in them as they stand.

    Guards of the machine's file and of the user's hold for every run, besides the document's own.

    Examples: chaosctl config show | chaosctl config show --json
    """
    import json

    from chaosctl.config import load_config
    from chaosctl.context import Context
    from chaosctl.engine.guards import guards_for_plan

    context = Context()
    found = load_config(context)
    guards = guards_for_plan(found.guards, "any one experiment", context)
    folders = {
        "state": str(context.state_dir),
        "runtime": str(context.runtime_dir),
        "locks": str(context.lock_dir),
    }
    if as_json:
        files = [{"path": str(p), "is_there": p in found.read} for p in context.config_files]
        answer = {"schema": "chaosctl/config/v1", "files": files, "guards": guards}
        print(json.dumps({**answer, "folders": folders}))
        return 0
    for path in context.config_files:
        print(f"settings  {path}{'' if path in found.read else ' (not there)'}")
    for name, folder in folders.items():
        print(f"{name:<9} {folder}")
    for line in guards or ("none for every run",):
        print(f"guard     {line}")
    return 0
