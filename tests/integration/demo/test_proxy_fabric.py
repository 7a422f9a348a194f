"""A world whose every registered address is a fault proxy's."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chaosctl.drivers.network import proxies
from tests.integration.demo.worlds import PLAIN, World, kill, world

pytestmark = pytest.mark.integration


@pytest.fixture
def small() -> Iterator[World]:
    options = ("--size", "small", "--fabric", "proxy", "--port", "18082")
    with world(*options, instances=PLAIN) as started:
        started.until_ready()
        yield started


def shown(document: dict[str, Any]) -> dict[str, Any]:
    with urllib.request.urlopen(document["faults_api"] + "/proxies", timeout=5) as reply:
        found: dict[str, Any] = json.load(reply)
    return found


def place(instance: dict[str, Any]) -> tuple[str, int]:
    return instance["address"], instance["port"]


def proxy_pid(of: World) -> int:
    """The fault proxy is a child of the supervisor."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue
            if b"demo_platform.toxiproxy" in words and parent == of.supervisor_pid():
                return int(entry.name)
    raise AssertionError("the supervisor has no fault proxy")


def test_every_registered_address_is_a_proxys(small: World) -> None:
    document = small.platform()
    assert document["fabric"] == "proxy"
    found = shown(document)
    for instance in (*document["instances"], *document["traffic"]):
        proxy = found[instance["id"]]
        assert proxy["listen"] == "{}:{}".format(*place(instance))
        assert proxy["upstream"] != proxy["listen"]
    everybody = [place(one) for one in document["instances"]]
    assert None not in proxies.probe(everybody, timeout_ms=3000)


def test_a_killed_instance_is_reset_replaced_and_its_proxy_ends(small: World) -> None:
    victim = next(i for i in small.platform()["instances"] if i["service"] == "catalog")
    kill(victim["pid"])
    with socket.create_connection(place(victim), timeout=5) as peer:
        peer.settimeout(5)
        with pytest.raises(ConnectionResetError):
            peer.recv(1)
    small.until(
        lambda document: (
            victim["id"] not in {one["id"] for one in document["instances"]}
            and victim["id"] not in shown(document)
        ),
        within_s=40,
    )


def test_a_fault_proxy_that_dies_is_started_anew_with_its_proxies(small: World) -> None:
    before = small.platform()
    names = set(shown(before))
    os.kill(proxy_pid(small), signal.SIGKILL)
    ends_s = time.monotonic() + 15
    while True:
        try:
            found = shown(small.platform())
        except OSError:
            found = {}
        if set(found) >= names:
            break
        assert time.monotonic() < ends_s
        time.sleep(0.1)
    assert None not in proxies.probe([place(one) for one in before["instances"]], timeout_ms=3000)


def test_nothing_is_left_when_the_keeper_is_killed() -> None:
    with world("--size", "small", "--fabric", "proxy", instances=PLAIN) as started:
        started.until_ready()
        started.keeper.kill()
        left, _ = started.left()
        assert left == []
