"""A small platform whose store loses nodes: what is read all the same, and what is told when."""

from __future__ import annotations

import json
import signal
import socket
import time
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from demo_platform.evcache.codec import name_of
from demo_platform.topology import CACHE_PORT_OFFSET
from demo_platform.widecolumn.behind import GATHER_S
from tests.integration.demo.scenes import ZONES, Scene, failed_share, small_platform

pytestmark = pytest.mark.integration
LOST = ZONES[1]
NOBODY = 123_456
"""A member who does not come of his own accord."""

KEPT = name_of("bookmark", str(NOBODY))


@pytest.fixture
def running() -> Iterator[Scene]:
    """A platform whose store has been read in every zone."""
    with small_platform() as scene:
        for zone in ZONES:
            scene.until(lambda zone=zone: requests(scene, "ok", nf__zone=zone) > 10)
        yield scene


def requests(scene: Scene, result: str, **tags: str) -> float:
    """Requests of services to the store that ended so."""
    total = scene.sink.total("result", name="cassandra.client.requests", **tags)
    return total.get(result, 0.0)


def of_zone(scene: Scene, service: str, zone: str) -> dict[str, Any]:
    """The instance of a service that lives in a zone."""
    (found,) = (
        one
        for one in scene.world.platform()["instances"]
        if (one["service"], one["zone"]) == (service, zone) and one["state"] != "dead"
    )
    return found


def asked(instance: dict[str, Any], path: str, body: dict[str, int] | None = None) -> Any:
    """What an instance answers to a GET, or to a POST when there is a body."""
    url = f"http://{instance['address']}:{instance['port']}/{path}"
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data), timeout=2) as got:
        return json.loads(got.read())


def told_cache(scene: Scene, zone: str, command: bytes) -> bytes:
    """What a zone's cache node answers to a line of memcached's protocol."""
    node = of_zone(scene, "evcache", zone)
    endpoint = node["address"], node["port"] + CACHE_PORT_OFFSET
    with socket.create_connection(endpoint, timeout=2) as connection:
        connection.sendall(command + b"\r\n")
        return connection.recv(65_536)


def ring(scene: Scene, zone: str) -> dict[str, Any]:
    """What a zone's node knows of the others."""
    found: dict[str, Any] = asked(of_zone(scene, "cassandra", zone), "ring")
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


def test_a_position_outlives_all_caches_and_a_node_of_the_store(running: Scene) -> None:
    here, there = (of_zone(running, "history", zone) for zone in (ZONES[0], ZONES[2]))
    place = {"member": NOBODY, "title": 7}
    assert asked(here, "bookmark", place) == {"position_s": 0}
    for position_s, lost in ((50, ""), (70, LOST)):
        if lost:
            running.signal_all(signal.SIGKILL, service="cassandra", zone=lost)
            running.until(lambda: not ring(running, ZONES[0])[f"{LOST}-0"]["is_up"])
        asked(here, "stop", {**place, "position_s": position_s})
        time.sleep(GATHER_S * 1.5)
        for zone in ZONES:
            assert told_cache(running, zone, b"flush_all") == b"OK\r\n"
            assert told_cache(running, zone, b"get " + KEPT) == b"END\r\n"
        assert asked(there, "bookmark", place) == {"position_s": position_s}
        running.until(lambda: KEPT in told_cache(running, ZONES[2], b"get " + KEPT))
