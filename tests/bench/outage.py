"""The main job from nothing: `chaosctl run zone-outage`; what its journals say of delays, and
whether as many members start as before when the zone is back."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

from chaosctl.demo import STARTS_QUERY, demo_paths, store_of
from tests.bench.figure import Figure, missing
from tests.integration.bed import Bed, journal, made_bed

Events = list[dict[str, Any]]
OFFERED_QUERY = "name,playback.offered,:eq,:sum"
BACK = "throughput when a zone is back, to before"
WINDOW_S, SETTLE_S = 30, 3


def measure(_options: argparse.Namespace) -> list[Figure]:
    """One run that passes and has to start the platform, and one that finds a weakness."""
    with made_bed() as bed:
        seconds, events = _run(bed, "zone-outage")
        _, broken = _run(bed, "zone-outage-no-headroom")
        back = _back(bed)
    return [
        Figure("run zone-outage, with start-up", seconds, "s", 90),
        _between("undo record on disk", events, "record", "inject", "ms", 10),
        _between("fault to confirmation", events, "inject", "confirm", "s", 1.5),
        _reported(broken),
        back,
    ]


def _back(bed: Bed) -> Figure:
    """Starts of what was offered, in half a minute before a cut and after it is mended."""
    time.sleep(WINDOW_S)
    before = _throughput(bed)
    _run(bed, "zone-outage")
    time.sleep(SETTLE_S + WINDOW_S)
    after = _throughput(bed)
    if not before:
        return missing(BACK, "", 0.95, "nobody started before", at_least=True)
    note = f"{before:.3f} of what is offered before, {after:.3f} after"
    return Figure(BACK, after / before, "", 0.95, at_least=True, note=note)


def _throughput(bed: Bed) -> float:
    """Starts that succeed to those offered: arrivals are random, what becomes of them is not."""
    end_ms = (time.time_ns() // 1_000_000_000 - 1) * 1000
    queries = [STARTS_QUERY, OFFERED_QUERY]
    store = store_of(demo_paths(bed.runtime))
    found = store.fetch(queries, end_ms - WINDOW_S * 1000, end_ms, timeout_s=5.0)
    started, offered = (sum(found.get(query, {}).values()) for query in queries)
    return started / offered if offered else 0.0


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
