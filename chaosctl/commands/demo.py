"""`chaosctl demo`: the bundled platform."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chaosctl.commands.audit import keep_audit
from chaosctl.commands.options import AsJson

if TYPE_CHECKING:
    from chaosctl.demo import DemoPaths

app = typer.Typer(
    help="The bundled demo platform: a Netflix in miniature to break.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


class Size(StrEnum):
    """How much platform."""

    SMALL = "small"
    NORMAL = "normal"


class Fabric(StrEnum):
    """What carries the platform's network."""

    AUTO = "auto"
    NETNS = "netns"
    LOOPBACK = "loopback"


SwitchName = Annotated[str, typer.Argument(help="A fragility switch; `demo status` lists them.")]


@app.command("up")
def up(
    size: Annotated[
        Size, typer.Option("--size", help="27 instances in a region, or 66 in two.")
    ] = Size.NORMAL,
    seed: Annotated[int, typer.Option("--seed", help="Seed of ids and traffic.")] = 1,
    rate: Annotated[
        float | None,
        typer.Option("--rate", help="Stream starts a second, offered. Default: as the size bears."),
    ] = None,
    fabric: Annotated[
        Fabric, typer.Option("--fabric", help="A network for each instance, or loopback addresses.")
    ] = Fabric.AUTO,
    switch: Annotated[
        list[str] | None, typer.Option("--switch", metavar="NAME=on|off", help="May be repeated.")
    ] = None,
    port: Annotated[int, typer.Option("--port", help="Serve the store on this port too.")] = 0,
    as_json: AsJson = False,
) -> int:
    """Start the platform and its store; returns when viewers are starting streams.

    Examples: chaosctl demo up | chaosctl demo up --size small --switch no-headroom=on
    """
    from chaosctl import demo
    from chaosctl.commands.run import take_back_leftovers
    from chaosctl.context import Context, own_runtime_dir
    from chaosctl.errors import NotStarted

    context = Context()
    take_back_leftovers(context)
    paths = demo.demo_paths(own_runtime_dir(context))
    if demo.is_up(paths):
        raise NotStarted("demo platform is up already", fix="chaosctl demo status, or demo down")
    options = demo.DemoOptions(
        size=size.value,
        seed=seed,
        starts_per_second=rate,
        fabric=fabric.value,
        switches=parse_switches(switch or []),
        store_port=port,
    )
    platform = demo.start(paths, options, say)
    keep_audit(context, "demo up", target=platform["id"])
    print_status(platform, paths, as_json=as_json)
    return 0


@app.command("down")
def down() -> int:
    """Stop the platform and its store; nothing is left. Runs on it are stopped and undone first.

    Example: chaosctl demo down
    """
    from chaosctl import demo
    from chaosctl.context import Context
    from chaosctl.engine.halt import halt_all
    from chaosctl.engine.ledger import RunState, list_open_runs
    from chaosctl.worlds import undoer_for

    context = Context()
    if any(run.state is RunState.ACTIVE for run in list_open_runs(context)):
        for halted in halt_all(context, undoer_for(context), reason="chaosctl demo down"):
            keep_audit(context, "halt", runs=[halted.run_id], undo=halted.undo, reason="demo down")
            say(f"run {halted.run_id}: {halted.how}, undo {halted.undo}")
    was_up = demo.stop(demo.demo_paths(context.runtime_dir))
    if was_up:
        keep_audit(context, "demo down")
    print("demo platform stopped; nothing is left" if was_up else "demo platform was not up")
    return 0


@app.command("status")
def status(as_json: AsJson = False) -> int:
    """Show how the platform is: instances, zones, switches, stream starts a second.

    Exits 3 when it is not up. Examples: chaosctl demo status | chaosctl demo status --json
    """
    from chaosctl import demo
    from chaosctl.context import Context

    paths = demo.demo_paths(Context().runtime_dir)
    platform = demo.look(demo.control_of(paths))
    if not platform:
        print("demo platform is not up\n  fix: chaosctl demo up", file=sys.stderr)
        return 3
    print_status(platform, paths, as_json=as_json)
    return 0


@app.command("switch")
def switch(
    name: SwitchName,
    state: Annotated[str, typer.Argument(metavar="on|off", help="What to set it to.")],
) -> int:
    """Set a fragility switch on the running platform; seen by every instance at once.

    Examples: chaosctl demo switch no-headroom on | chaosctl demo switch no-headroom off
    """
    from chaosctl import demo
    from chaosctl.context import Context

    wanted = parse_switches([f"{name}={state}"])
    now = demo.control_of(demo.demo_paths(Context().runtime_dir)).set_switches(wanted)
    print("  ".join(f"{key}={'on' if on else 'off'}" for key, on in now.items()))
    return 0


@app.command("traffic")
def traffic(
    rate: Annotated[float, typer.Argument(help="Stream starts a second, offered, in all.")],
) -> int:
    """Set how many stream starts a second the viewers offer.

    Example: chaosctl demo traffic 10
    """
    from chaosctl import demo
    from chaosctl.context import Context

    demo.control_of(demo.demo_paths(Context().runtime_dir)).set_traffic(rate)
    print(f"{rate:g} starts a second offered")
    return 0


@app.command("logs")
def logs(
    lines: Annotated[int, typer.Option("--lines", help="How many of the last lines.")] = 50,
) -> int:
    """Print the last lines that the platform's processes wrote.

    Example: chaosctl demo logs --lines 20
    """
    from collections import deque

    from chaosctl import demo
    from chaosctl.context import Context
    from chaosctl.errors import NotStarted

    path = demo.demo_paths(Context().runtime_dir).log
    if not path.exists():
        raise NotStarted("demo platform has no log", where=str(path), fix="chaosctl demo up")
    with path.open(errors="replace") as file:
        for line in deque(file, maxlen=lines):
            print(line, end="")
    return 0


def say(text: str) -> None:
    """One line of news for people."""
    print(text, file=sys.stderr, flush=True)


def parse_switches(texts: list[str]) -> dict[str, bool]:
    """`NAME=on|off` as a mapping. Raises ChaosctlError; unknown names are the platform's to say."""
    from chaosctl.errors import ChaosctlError

    switches = {}
    for text in texts:
        name, _, state = text.partition("=")
        if not name or state not in ("on", "off"):
            raise ChaosctlError(
                f"a switch is NAME=on or NAME=off, not {text!r}",
                where="--switch",
                fix="for example --switch no-headroom=on",
            )
        switches[name] = state == "on"
    return switches


def print_status(platform: dict[str, Any], paths: DemoPaths, *, as_json: bool) -> None:
    """The platform in a few lines, or as JSON."""
    import json
    from collections import Counter

    from chaosctl import demo

    starts = demo.starts_per_second(demo.store_of(paths))
    if as_json:
        where = {"store": f"unix:{paths.store}", "sps": starts}
        print(json.dumps({**platform, **where, "schema": "chaosctl/demo-status/v1"}))
        return
    instances = platform["instances"]
    up_now = sum(one["state"] == "up" for one in instances)
    zones = Counter(one["zone"] for one in instances if one["state"] == "up")
    switches = [name for name, on in platform["switches"].items() if on]
    reason = f" ({platform['fabric_reason']})" if platform["fabric_reason"] else ""
    print(
        f"demo platform {platform['id']} {platform['state']}, fabric {platform['fabric']}{reason}"
    )
    print(f"  instances  {up_now} up of {len(instances)}, {platform['registered']} registered")
    print(f"  zones      {'  '.join(f'{zone} {count}' for zone, count in sorted(zones.items()))}")
    offered = platform["starts_per_second"]
    print(f"  traffic    {starts:.0f} stream starts a second now, {offered:g} offered")
    names = ", ".join(platform["switches"])
    print(f"  switches   on: {', '.join(switches) or 'none'} (of {names})")
    print(f"  store      unix:{paths.store}")
