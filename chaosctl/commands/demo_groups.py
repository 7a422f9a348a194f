"""`chaosctl demo scale` and `chaosctl demo evacuate`: the platform's scaling groups and regions."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

POLL_S = 0.25
EVACUATION_S_MAX = 420.0
"""More than all steps may take together."""


def scale(
    group: Annotated[
        str, typer.Argument(help="A scaling group, for example api-us-east-1; without, lists all.")
    ] = "",
    desired: Annotated[
        int | None, typer.Argument(help="How many instances the group is to have.")
    ] = None,
    size_min: Annotated[int | None, typer.Option("--min", help="Never fewer than this.")] = None,
    size_max: Annotated[int | None, typer.Option("--max", help="Never more than this.")] = None,
) -> int:
    """Change the size of a scaling group of the running platform, or list the groups.

    Examples: chaosctl demo scale | chaosctl demo scale api-us-east-1 6 --max 9
    """
    from chaosctl import demo
    from chaosctl.commands.audit import keep_audit
    from chaosctl.context import Context

    context = Context()
    control = demo.control_of(demo.demo_paths(context.runtime_dir))
    if not group:
        for name, found in sorted(control.groups().items()):
            print_group(name, found)
        return 0
    sizes = {"desired": desired, "min": size_min, "max": size_max}
    wanted = {name: size for name, size in sizes.items() if size is not None}
    now = control.set_group(group, wanted)
    if wanted:
        keep_audit(context, "demo scale", target=group, sizes=wanted)
    print_group(group, now)
    return 0


def evacuate(
    region: Annotated[str, typer.Argument(help="The region to leave, or to come back to.")],
    back: Annotated[
        bool, typer.Option("--back", help="Bring the members back, and everything as it was.")
    ] = False,
) -> int:
    """Move a region's members to the others: scale there, proxy, shift the weights, drain here.

    Each step is seen to work before the next begins. Exits 4 when one does not in time; nothing is
    taken back then, unless you ask by --back.

    Examples: chaosctl demo evacuate us-east-1 | chaosctl demo evacuate us-east-1 --back
    """
    import time

    from chaosctl import demo
    from chaosctl.commands.audit import keep_audit
    from chaosctl.context import Context

    context = Context()
    control = demo.control_of(demo.demo_paths(context.runtime_dir))
    now = control.evacuate(region, is_back=back)
    keep_audit(context, "demo evacuate", target=region, direction=now["direction"])
    told: set[tuple[str, str]] = set()
    until_s = time.monotonic() + EVACUATION_S_MAX
    while time.monotonic() < until_s:
        tell_news(now, told)
        if now["state"] != "running":
            break
        time.sleep(POLL_S)
        now = control.evacuation()
    if now["state"] == "done":
        print(f"{region} {'has its members back' if back else 'is evacuated'}")
        return 0
    print(f"not done: {now['problem'] or 'still under way'}", file=sys.stderr)
    print("  fix: see `chaosctl demo status`; `--back` takes back what was done", file=sys.stderr)
    return 4


def print_group(name: str, group: dict[str, Any]) -> None:
    """A group on a line."""
    size = f"{group['in_service']} of {group['desired']} in service"
    limits = "fixed" if group["is_fixed"] else f"{group['min']}…{group['max']}"
    suspended = ", ".join(group["suspended"])
    print(f"{name:24} {size:22} {limits:8}{' suspended: ' + suspended if suspended else ''}")


def tell_news(evacuation: dict[str, Any], told: set[tuple[str, str]]) -> None:
    """Each step when it begins and when it ends, once."""
    for step in evacuation["steps"]:
        news = (step["step"], step["state"])
        if step["state"] != "waiting" and news not in told:
            told.add(news)
            detail = f": {step['detail']}" if step["detail"] else ""
            print(f"{step['step']}: {step['state']}{detail}", flush=True)
