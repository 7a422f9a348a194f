"""A small platform whose store loses nodes: what is read all the same, and what is told when."""

from __future__ import annotations

import json
import signal
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.demo.sink import sink
from tests.integration.demo.test_services_run import Scene, failed_share
from tests.integration.demo.worlds import world

pytestmark = pytest.mark.integration
ZONES = ("us-east-1a", "us-east-1b", "us-east-1c")
LOST = ZONES[1]


@pytest.fixture
def running() -> Iterator[Scene]:
    """A platform whose store has been read in every zone."""
    with tempfile.TemporaryDirectory(prefix="s", dir="/tmp") as folder:
        path = Path(folder) / "store.sock"
        options = ("--size", "small", "--fabric", "loopback", "--rate", "8")
        with sink(path) as kept, world(*options, "--publish", str(path)) as started:
            started.until_ready()
            scene = Scene(started, kept)
            for zone in ZONES:
                scene.until(lambda zone=zone: requests(scene, "ok", nf__zone=zone) > 10)
            yield scene


def requests(scene: Scene, result: str, **tags: str) -> float:
    """Requests of services to the store that ended so."""
    total = scene.sink.total("result", name="cassandra.client.requests", **tags)
    return total.get(result, 0.0)


def ring(scene: Scene, zone: str) -> dict[str, Any]:
    """What a zone's node knows of the others."""
    (node,) = (
        one
        for one in scene.world.platform()["instances"]
        if (one["service"], one["zone"]) == ("cassandra", zone) and one["state"] != "dead"
    )
    with urllib.request.urlopen(f"http://{node['address']}:{node['port']}/ring", timeout=2) as got:
        found: dict[str, Any] = json.loads(got.read())
    return found


def test_one_node_of_three_is_not_missed_and_comes_back_with_its_data(running: Scene) -> None:
    before = ring(running, LOST)
    assert all(one["is_up"] and one["status"] == "normal" for one in before.values())
    running.signal_all(signal.SIGKILL, service="cassandra", zone=LOST)
    assert failed_share(running.starts_after(0.0, 8.0)) < 0.03
    running.until(lambda: not ring(running, ZONES[0])[f"{LOST}-0"]["is_up"])
    running.world.ask("DELETE", "/v1/suspensions/test")
    running.until(lambda: ring(running, ZONES[0])[f"{LOST}-0"]["is_up"])
    after = requests(running, "ok", nf__zone=LOST)
    running.until(lambda: requests(running, "ok", nf__zone=LOST) > after + 10)


def test_without_the_store_sign_ins_fail_and_it_is_said_why(running: Scene) -> None:
    running.signal_all(signal.SIGSTOP, service="cassandra")
    time.sleep(5.0)
    starts = running.starts_after(0.0, 8.0)
    assert failed_share(starts) > 0.5, starts
    assert requests(running, "no-coordinator") > 5
    ok = requests(running, "ok")
    running.signal_all(signal.SIGCONT, service="cassandra")
    running.until(lambda: requests(running, "ok") > ok + 20)
