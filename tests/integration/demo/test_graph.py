"""Every edge of the services' graph is called, and every fallback is reached."""

from __future__ import annotations

import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo_platform.services import SERVICES
from tests.integration.demo.sink import Sink, sink
from tests.integration.demo.worlds import World, kill, world

pytestmark = pytest.mark.integration
WITHIN_S = 40.0
EDGES = {
    (caller, dependency.service): dependency.is_optional
    for caller, service in SERVICES.items()
    for dependency in service.dependencies
}
LASTS_UNTIL_ASKED_AGAIN = ("search", "catalog")
"""Search asks for the index every 20 s, and only then could it be refused."""


@pytest.fixture(scope="module")
def scene() -> Iterator[tuple[World, Sink]]:
    with tempfile.TemporaryDirectory(prefix="g", dir="/tmp") as folder:
        path = Path(folder) / "store.sock"
        options = ("--size", "small", "--fabric", "loopback", "--rate", "8")
        with sink(path) as kept, world(*options, "--publish", str(path)) as started:
            started.until_ready()
            yield started, kept


def missing(kept: Sink, outcome: str, edges: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """The edges of which no call has ended so."""
    return {
        (caller, target)
        for caller, target in edges
        if not kept.total("outcome", name="client.calls", target=target, **{"nf.app": caller}).get(
            outcome
        )
    }


def until_none_is_missing(kept: Sink, outcome: str, edges: set[tuple[str, str]]) -> None:
    ends = time.monotonic() + WITHIN_S
    while left := missing(kept, outcome, edges):
        assert time.monotonic() < ends, f"none {outcome} within {WITHIN_S} s: {sorted(left)}"
        time.sleep(0.3)


def kill_all(started: World, *services: str) -> None:
    """Kill every instance of these services; none comes back."""
    struck = [one for one in started.platform()["instances"] if one["service"] in services]
    places = [{"group": one["group"], "zone": one["zone"]} for one in struck]
    started.ask("PUT", f"/v1/suspensions/{services[0]}", {"groups": places})
    for one in struck:
        kill(one["pid"], signal.SIGKILL)


def test_every_edge_is_called_and_every_fallback_reached(scene: tuple[World, Sink]) -> None:
    started, kept = scene
    until_none_is_missing(kept, "ok", set(EDGES))
    optional = {edge for edge, is_optional in EDGES.items() if is_optional}
    optional.discard(LASTS_UNTIL_ASKED_AGAIN)
    # Whoever calls a service that is killed must live: recs goes after what recs can do without.
    first = {edge for edge in optional if edge[1] != "recs"}
    kill_all(started, "abtest", "history", "search", "steering")
    until_none_is_missing(kept, "fallback", first)
    kill_all(started, "recs")
    until_none_is_missing(kept, "fallback", optional)
    from_ms = int(time.time() * 1000)
    time.sleep(6.0)
    starts = kept.total("cause", from_ms=from_ms, name="playback.starts")
    assert starts["none"] > 10
    assert sum(starts.values()) < 1.1 * starts["none"]
