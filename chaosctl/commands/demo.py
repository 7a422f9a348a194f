"""`chaosctl demo`: the bundled platform."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chaosctl.commands import demo_groups
from chaosctl.commands.audit import keep_audit
from chaosctl.commands.options import AsJson, Plain

if TYPE_CHECKING:
    from chaosctl.demo import DemoPaths

app = typer.Typer(rich_markup_mode=None)


class Size(StrEnum):
    """How much platform."""

    SMALL = "small"
    NORMAL = "normal"


class Fabric(StrEnum):
    """What carries the platform's network."""

    AUTO = "auto"
    NETNS = "netns"
    PROXY = "proxy"
    LOOPBACK = "loopback"


SwitchName = Annotated[str, typer.Argument(help="A fragility switch; `demo status` lists them.")]
AwsPort = Annotated[
    str,
    typer.Option(
        "--aws-port", metavar="auto|off|PORT", help="Serve EC2 and Auto Scaling on this port."
    ),
]


@app.callback(invoke_without_command=True)
def demo_tour(
    context: typer.Context,
    lesson: Annotated[
        str, typer.Option("--lesson", help="Which lesson; `chaosctl list lessons` has them.")
    ] = "optional-dependency",
    no_pause: Annotated[
        bool, typer.Option("--no-pause", help="Do not wait for the enter key between the parts.")
    ] = False,
    plain: Plain = False,
) -> int:
    """The bundled demo platform: a Netflix in miniature to break.

    Without a command: a guided tour through a lesson that fails, and the same one mended. It takes
    two minutes and leaves nothing behind. Examples: chaosctl demo | chaosctl demo --no-pause
    """
    from chaosctl.commands.tour import tour

    if context.invoked_subcommand is not None:
        return 0
    return tour(lesson, pauses=not no_pause, plain=plain)


@app.command("up")
def up(
    size: Annotated[
        Size, typer.Option("--size", help="48 instances in a region, or 96 in two.")
    ] = Size.NORMAL,
    seed: Annotated[int, typer.Option("--seed", help="Seed of ids and traffic.")] = 1,
    rate: Annotated[
        float | None,
        typer.Option("--rate", help="Stream starts a second, offered. Default: as the size bears."),
    ] = None,
    fabric: Annotated[
        Fabric,
        typer.Option("--fabric", help="A network for each instance, fault proxies, or neither."),
    ] = Fabric.AUTO,
    switch: Annotated[
        list[str] | None, typer.Option("--switch", metavar="NAME=on|off", help="May be repeated.")
    ] = None,
    port: Annotated[int, typer.Option("--port", help="Serve the store on this port too.")] = 0,
    aws_port: AwsPort = "auto",
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
        aws_port=aws_port,
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
    rate: Annotated[
        float | None, typer.Argument(help="Stream starts a second, offered, in all.")
    ] = None,
    over: Annotated[
        str, typer.Option("--over", metavar="DURATION", help="Get there evenly, as in 30s.")
    ] = "",
    dial: Annotated[
        list[str] | None,
        typer.Option("--dial", metavar="NAME=NUMBER", help="Turn a dial; may be repeated."),
    ] = None,
) -> int:
    """Set how many stream starts a second the viewers offer, and turn the traffic's dials.

    Examples: chaosctl demo traffic 60 --over 30s | chaosctl demo traffic --dial diurnal-ratio=0.5
    """
    from chaosctl import demo
    from chaosctl.context import Context

    over_s, dials = parse_over(over), parse_dials(dial or [])
    control = demo.control_of(demo.demo_paths(Context().runtime_dir))
    stands = control.set_dials(dials)
    if rate is not None:
        control.set_traffic(rate, over_s=over_s)
        print(f"{rate:g} starts a second offered" + (f", within {over}" if over_s else ""))
    if dials or rate is None:
        for name, value in stands.items():
            print(f"{name:24}{value:g}")
    return 0


@app.command("logs")
def logs(
    lines: Annotated[int, typer.Option("--lines", min=1, help="How many of the last.")] = 50,
    trace: Annotated[str, typer.Option("--trace", metavar="ID", help="Of this trace only.")] = "",
    service: Annotated[str, typer.Option("--service", help="Of this service only.")] = "",
    zone: Annotated[str, typer.Option("--zone", help="Of this zone only.")] = "",
    keeper: Annotated[
        bool, typer.Option("--keeper", help="What keeper and supervisor printed instead.")
    ] = False,
) -> int:
    """Print the last lines that the platform's instances logged, as JSON, oldest first.

    Examples: chaosctl demo logs --lines 20 | chaosctl demo logs --service playback
    """
    from chaosctl import demo, demo_logs
    from chaosctl.context import Context
    from chaosctl.errors import NotStarted

    paths = demo.demo_paths(Context().runtime_dir)
    if not paths.log.exists():
        raise NotStarted("demo platform has no log", where=str(paths.log), fix="chaosctl demo up")
    wanted = {"trace_id": trace.lower(), "service": service, "zone": zone}
    printed = (
        demo_logs.last_lines(paths.log, lines)
        if keeper
        else demo_logs.last_entries(paths.logs, wanted, lines)
    )
    for line in printed:
        print(line)
    return 0


@app.command("graph")
def graph(
    last: Annotated[int, typer.Option("--last", metavar="SECONDS", min=1)] = 60,
    as_json: AsJson = False,
) -> int:
    """Show which service called which lately, as the calls' spans tell it; nothing is declared.

    Spans are those of one trace in ten, and of every one that failed. Exits 3 when there are none.
    Examples: chaosctl demo graph | chaosctl demo graph --last 10 --json
    """
    import time

    from chaosctl import demo
    from chaosctl.context import Context

    control = demo.control_of(demo.demo_paths(Context().runtime_dir))
    links = control.service_links(end_ms=time.time_ns() // 1_000_000, lookback_ms=last * 1000)
    print_graph(links, last, as_json=as_json)
    return 0 if links else 3


def print_graph(links: list[dict[str, Any]], last_s: int, *, as_json: bool) -> None:
    """Links as a table, busiest callers as they stand in the alphabet; or as JSON."""
    import json

    if as_json:
        print(json.dumps({"links": links, "last_s": last_s, "schema": "chaosctl/demo-graph/v1"}))
        return
    if not links:
        print(
            f"no spans of the last {last_s} s\n  fix: chaosctl demo traffic 10, or a longer --last",
            file=sys.stderr,
        )
        return
    wide = max(len(link["parent"]) for link in links), max(len(link["child"]) for link in links)
    print(f"{'caller':<{wide[0]}}   {'called':<{wide[1]}}  {'calls':>7}  {'failed':>7}")
    for link in links:
        ends = f"{link['parent']:<{wide[0]}} → {link['child']:<{wide[1]}}"
        print(f"{ends}  {link['callCount']:>7}  {link.get('errorCount', 0):>7}")


app.command("scale")(demo_groups.scale)
app.command("evacuate")(demo_groups.evacuate)


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


def parse_over(text: str) -> float:
    """Seconds of a duration; 0 where none is given. Raises ChaosctlError."""
    from chaosctl.errors import ChaosctlError
    from chaosctl.experiment.units import BadUnit, parse_duration

    try:
        return parse_duration(text) / 1000 if text else 0.0
    except BadUnit as bad:
        raise ChaosctlError(bad.what, where="--over", fix=bad.fix) from bad


def parse_dials(texts: list[str]) -> dict[str, float]:
    """`NAME=NUMBER` as a mapping. Raises ChaosctlError; unknown names are the platform's to say."""
    from chaosctl.errors import ChaosctlError

    dials = {}
    for text in texts:
        name, _, value = text.partition("=")
        try:
            dials[name] = float(value)
        except ValueError as error:
            raise ChaosctlError(
                f"a dial is NAME=NUMBER, not {text!r}",
                where="--dial",
                fix="for example --dial diurnal-ratio=0.5",
            ) from error
    return dials


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
    if platform["aws_url"]:
        print(f"  aws        {platform['aws_url']} (EC2 and Auto Scaling, for any AWS client)")
