"""Names on a real platform: who answers, who waits, and what becomes of those who need one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.demo.scenes import Scene
from tests.integration.demo.sink import sink
from tests.integration.demo.worlds import kill, world
from tests.integration.drivers.conftest import LIBC

pytestmark = pytest.mark.integration

EDGES = "edge.us-east-1.demo."  # whole: without the dot, a search list is gone through too
LOOK_UP = """
import json, socket, sys, time
began = time.monotonic()
try:
    found = socket.getaddrinfo(sys.argv[1], None, socket.AF_INET, socket.SOCK_STREAM)
    said = sorted({place[0] for *_, place in found})
except socket.gaierror as error:
    said = error.errno
print(json.dumps([said, time.monotonic() - began]))
"""


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    """A small platform whose instances have networks of their own."""
    with tempfile.TemporaryDirectory(prefix="s", dir="/tmp") as folder:
        path = Path(folder) / "store.sock"
        options = ("--size", "small", "--fabric", "netns", "--rate", "8")
        with sink(path) as kept, world(*options, "--publish", str(path)) as started:
            started.until_ready()
            made = Scene(started, kept)
            made.until(lambda: kept.total("cause", name="playback.starts").get("none", 0) > 8)
            yield made


def instances(scene: Scene, **wanted: str) -> list[dict[str, Any]]:
    found = [one for one in scene.world.platform()["instances"] if wanted.items() <= one.items()]
    assert found
    return found


def look_up(instance: dict[str, Any], name: str) -> tuple[Any, float]:
    """What the C library says in the place of an instance, and after how many seconds."""

    def enter() -> None:
        for kind, flag in (("user", 0x10000000), ("mnt", 0x20000), ("net", 0x40000000)):
            fd = os.open(f"/proc/{instance['pid']}/ns/{kind}", os.O_RDONLY)
            if LIBC.setns(fd, flag):
                os._exit(99)
            os.close(fd)

    done = subprocess.run(
        [sys.executable, "-c", LOOK_UP, name],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
        preexec_fn=enter,
    )
    said, took_s = json.loads(done.stdout)
    return said, took_s


def addresses(scene: Scene, **wanted: str) -> list[str]:
    return sorted(one["address"] for one in instances(scene, **wanted))


def freeze(scene: Scene, **wanted: str) -> list[dict[str, Any]]:
    frozen = instances(scene, service="dns", **wanted)
    for one in frozen:
        kill(one["pid"], signal.SIGSTOP)
    return frozen


def thaw(frozen: list[dict[str, Any]]) -> None:
    for one in frozen:
        kill(one["pid"], signal.SIGCONT)


def test_each_zone_and_the_region_have_their_names(scene: Scene) -> None:
    api = instances(scene, service="api", zone="us-east-1b")[0]
    assert look_up(api, EDGES)[0] == addresses(scene, service="edge")
    own = addresses(scene, service="edge", zone="us-east-1c")
    assert look_up(api, "edge.us-east-1c.us-east-1.demo")[0] == own
    assert look_up(api, "eureka.us-east-1.demo")[0] == addresses(scene, service="eureka")
    assert look_up(api, "nobody.us-east-1.demo")[0] == -2  # EAI_NONAME
    assert look_up(api, "example.com")[0] == -3  # EAI_AGAIN: refused by all


def test_the_machines_own_files_are_as_they_were(scene: Scene) -> None:
    api = instances(scene, service="api", zone="us-east-1b")[0]
    inside = Path("/proc", str(api["pid"]), "root/etc/resolv.conf").read_text()
    servers = [line.split()[1] for line in inside.splitlines() if "nameserver" in line]
    assert servers == ["10.1.2.3", "10.1.1.3", "10.1.3.3"]
    assert "10.1.2.3" not in Path("/etc/resolv.conf").read_text()


def test_when_the_own_zones_server_hangs_another_answers_a_second_later(scene: Scene) -> None:
    api = instances(scene, service="api", zone="us-east-1b")[0]
    frozen = freeze(scene, zone="us-east-1b")
    try:
        said, took_s = look_up(api, EDGES)
        assert said == addresses(scene, service="edge")
        assert 0.9 < took_s < 2.5
        other = instances(scene, service="api", zone="us-east-1c")[0]
        assert look_up(other, EDGES)[1] < 0.9
    finally:
        thaw(frozen)


def test_without_any_server_starts_fail_by_dns_and_who_watches_goes_on(scene: Scene) -> None:
    api = instances(scene, service="api", zone="us-east-1b")[0]
    frozen = freeze(scene)
    try:
        said, took_s = look_up(api, EDGES)
        assert said == -3  # EAI_AGAIN
        assert 2.5 < took_s < 5
        from_ms = int(time.time() * 1000) + 3000
        starts = scene.starts_after(3.0, 5.0)
        assert starts["dns"] > 10
        assert starts["dns"] == sum(starts.values())
        beats = scene.sink.total("ipc.result", from_ms=from_ms, name="playback.heartbeats")
        assert beats["success"] > 10
        assert beats["failure"] == 0
        new = lost_and_replaced(scene)
        time.sleep(3.0)
        assert new["id"] in {i["id"] for i in instances(scene, state="starting")}
    finally:
        thaw(frozen)
    scene.until(lambda: all(i["state"] == "up" for i in instances(scene)), 20)
    starts = scene.starts_after(4.0, 4.0)
    assert starts["none"] == sum(starts.values()) > 10
    assert look_up(api, EDGES)[0] == addresses(scene, service="edge")


def lost_and_replaced(scene: Scene) -> dict[str, Any]:
    """A recs that takes the place of one that was killed."""
    known = {one["id"] for one in instances(scene, service="recs")}
    kill(instances(scene, service="recs", zone="us-east-1a")[0]["pid"])

    def new() -> list[dict[str, Any]]:
        everybody = instances(scene, service="recs")
        return [one for one in everybody if one["id"] not in known and one["pid"]]

    scene.until(lambda: bool(new()), 10)
    return new()[0]


def test_a_server_that_is_killed_is_replaced_where_it_was(scene: Scene) -> None:
    old = instances(scene, service="dns", zone="us-east-1c")[0]
    kill(old["pid"])

    def is_back() -> bool:
        now = instances(scene, service="dns", zone="us-east-1c")
        return any(one["id"] != old["id"] and one["state"] == "up" for one in now)

    scene.until(is_back, 15)
    new = next(one for one in instances(scene, service="dns") if one["zone"] == "us-east-1c")
    assert new["address"] == old["address"]
    api = instances(scene, service="api", zone="us-east-1c")[0]
    said, took_s = look_up(api, EDGES)
    assert said == addresses(scene, service="edge")
    assert took_s < 0.9


def test_what_is_asked_is_counted(scene: Scene) -> None:
    counted = scene.sink.total("rcode", name="dns.queries")
    assert counted["noerror"] > 100
    assert counted["nxdomain"] >= 1
    assert counted["refused"] >= 1
    assert counted["formerr"] == counted["notimp"] == 0
