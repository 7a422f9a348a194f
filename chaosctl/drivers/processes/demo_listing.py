"""The demo platform's instances, as its control API lists them, in the monkeys' words."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chaosctl.drivers.processes import holding
from monkeys.target import Instance

ROUTES = {
    "abtest": "allocate",
    "api": "home",
    "auth": "signin",
    "catalog": "titles",
    "customer": "profile",
    "edge": "home",
    "history": "bookmark",
    "license": "issue",
    "playback": "play",
    "recs": "rows",
    "search": "find",
    "steering": "rank",
}
"""Of each service, what it is asked for most, over HTTP."""

_TOLD = ("pid", "started_ticks", "link", "port", "cache_port")


def instances_of(platform: Mapping[str, Any], control: Path) -> tuple[Instance, ...]:
    """Those that are not dead; each with all that an undo needs to find it without the API."""
    world = world_of(platform)
    shared = {
        "world": platform["id"],
        "world_pid": world["pid"],
        "world_started_ticks": world["ticks"],
        "control": str(control),
        "faults_api": platform.get("faults_api", ""),
    }
    found = [
        Instance(
            id=each["id"],
            service=each["service"],
            group=each["group"],
            region=each["region"],
            zone=each["zone"],
            address=each["address"],
            labels=each["labels"],
            handle={
                **{key: each[key] for key in _TOLD},
                **holding.handle_of(each["pid"]),
                "route": ROUTES.get(each["service"], ""),
                "dns_port": each.get("dns_port", 0),
                "known_name": f"eureka.{each['region']}.demo.",
                **shared,
            },
        )
        for each in platform["instances"]
        if each["state"] != "dead"
    ]
    return tuple(sorted(found, key=lambda each: (each.zone, each.service, each.id)))


def world_of(platform: Mapping[str, Any]) -> dict[str, int]:
    """The process that holds the platform's own namespaces."""
    supervisor = platform["supervisor"]
    return {"pid": supervisor["pid"], "ticks": supervisor["started_ticks"]}
