"""The main job from nothing: `chaosctl run zone-outage`; and what its journals say of delays."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from tests.bench.figure import Figure, missing
from tests.integration.bed import Bed, journal, made_bed

Events = list[dict[str, Any]]


def measure(_options: argparse.Namespace) -> list[Figure]:
    """One run that passes and has to start the platform, and one that finds a weakness."""
    with made_bed() as bed:
        seconds, events = _run(bed, "zone-outage")
        _, broken = _run(bed, "zone-outage-no-headroom")
    return [
        Figure("run zone-outage, with start-up", seconds, "s", 90),
        _between("undo record on disk", events, "record", "inject", "ms", 10),
        _between("fault to confirmation", events, "inject", "confirm", "s", 1.5),
        _reported(broken),
    ]


def _run(bed: Bed, name: str) -> tuple[float, Events]:
    known = bed.run_folders()
    said = bed.chaosctl("run", name, "--seed", "1", "--plain", timeout_s=180)
    folders: set[Path] = bed.run_folders() - known
    return said.seconds, journal(folders.pop()) if folders else []


def _between(name: str, events: Events, first: str, last: str, unit: str, limit: float) -> Figure:
    """Time from one event to another; an event is stamped before it is written."""
    times = {event["event"]: event["t_ms"] for event in reversed(events)}
    if first not in times or last not in times:
        return missing(name, unit, limit, f"the journal has no {first} or no {last}")
    passed_ms = times[last] - times[first]
    return Figure(name, passed_ms / (1 if unit == "ms" else 1000), unit, limit)


def _reported(events: Events) -> Figure:
    """Steps from the end of the window that broke a check to the event that says so."""
    name, limit = "breach to its report", 2
    for event in events:
        if event["event"] == "check" and event["outcome"] == "fail" and event["known_ms"]:
            return Figure(name, (event["at_ms"] - event["known_ms"]) / 1000, "steps", limit)
    return missing(name, "steps", limit, "nothing broke")
