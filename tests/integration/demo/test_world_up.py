"""A world comes up whole, as planned, in namespaces of its own, and says what it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.demo.worlds import COUNTS, PLAIN, ROOT, World, world

pytestmark = pytest.mark.integration
REFUSED_ANSWER = "connection refused"

CONNECT_INSIDE = """
import ctypes, os, socket, sys
libc = ctypes.CDLL(None, use_errno=True)
for kind in ("user", "net"):
    fd = os.open(f"/proc/{sys.argv[1]}/ns/{kind}", os.O_RDONLY)
    if libc.setns(fd, 0): sys.exit(f"setns {kind}: {os.strerror(ctypes.get_errno())}")
try: socket.create_connection((sys.argv[2], int(sys.argv[3])), 2).close(); print("connected")
except ConnectionRefusedError: print("connection refused")
except OSError as error: print(f"{error!r}")
"""


def connect_from_bridge(of: World, instance: dict[str, Any]) -> str:
    """What a connection from the world's root namespace to an instance comes to."""
    arguments = [str(of.supervisor_pid()), instance["address"], str(instance["port"])]
    return subprocess.run(
        [sys.executable, "-c", CONNECT_INSIDE, *arguments],
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    ).stdout.strip()


def network_of(pid: int) -> str:
    return str(Path(f"/proc/{pid}/ns/net").readlink())


def planned(size: str) -> dict[str, Any]:
    printed = subprocess.run(
        [sys.executable, "-m", "demo_platform", "topology", "--size", size, "--seed", "7"],
        env={**os.environ, "PYTHONPATH": str(ROOT / "targets/demo-platform")},
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    ).stdout
    document: dict[str, Any] = json.loads(printed)
    return document


@pytest.fixture(scope="module")
def small() -> Iterator[World]:
    with world("--size", "small", "--seed", "7", instances=PLAIN) as started:
        started.until_ready()
        yield started


@pytest.mark.parametrize(("size", "count"), COUNTS.items())
def test_real_services_all_register(size: str, count: int) -> None:
    with world("--size", size, "--seed", "7") as started:
        document = started.until_ready()
        print(f"{size}: {count} registered in {time.monotonic() - started.started_s:.1f} s")
        assert document["registered"] == count
        assert {i["state"] for i in document["instances"]} == {"up"}
        plan = planned(size)
        for key in ("id", "address", "group", "zone"):
            assert [i[key] for i in document["instances"]] == [i[key] for i in plan["instances"]]
        assert [i["id"] for i in document["traffic"]] == [i["id"] for i in plan["traffic"]]


def test_document_names_processes_of_the_host(small: World) -> None:
    document = small.platform()
    for named in [document["keeper"], document["supervisor"], *document["instances"]]:
        stat = Path(f"/proc/{named['pid']}/stat").read_text()
        assert int(stat.rpartition(")")[2].split()[19]) == named["started_ticks"]
    recs = next(i for i in document["instances"] if i["service"] == "recs")
    assert Path(f"/proc/{recs['pid']}/comm").read_text() == "demo:recs\n"


def test_each_instance_has_a_network_namespace_of_its_own(small: World) -> None:
    document = small.platform()
    everyone = [*document["instances"], *document["traffic"], document["supervisor"]]
    spaces = {network_of(i["pid"]) for i in everyone}
    assert len(spaces) == len(everyone)
    assert network_of(os.getpid()) not in spaces
    assert len({i["link"] for i in document["instances"]}) == len(document["instances"])


def test_instances_hold_only_descriptors_of_their_own(small: World) -> None:
    """A descriptor inherited from the supervisor would keep locks and namespaces alive."""
    for instance in small.platform()["instances"]:
        held = [str(fd.readlink()) for fd in Path(f"/proc/{instance['pid']}/fd").iterdir()]
        assert not [name for name in held if name.startswith("net:") or name == str(small.folder)]


def test_files_of_instances_are_not_seen_outside(small: World) -> None:
    document = small.platform()
    inside = Path(f"/proc/{document['supervisor']['pid']}/root{small.folder}/files")
    of_their_own = {i["id"] for i in document["instances"] if i["service"] != "cassandra"}
    volumes = {f"cassandra-{i['zone']}-0" for i in document["instances"]}  # outlive an instance
    assert {entry.name for entry in inside.iterdir()} >= of_their_own | volumes
    assert not list((small.folder / "files").iterdir())
    assert str(small.folder) not in Path("/proc/self/mountinfo").read_text()


def test_switches_and_traffic_are_turned_for_all(small: World) -> None:
    assert small.ask("PUT", "/v1/switches", {"retry-storm": True})[1]["retry-storm"] is True
    assert small.platform()["switches"]["retry-storm"] is True
    small.ask("PUT", "/v1/traffic", {"starts_per_second": 12.5})
    assert small.platform()["starts_per_second"] == 12.5
    small.ask("PUT", "/v1/traffic", {"starts_per_second": 0, "over_s": 60})
    assert 0 < small.platform()["starts_per_second"] <= 12.5
    assert small.ask("PUT", "/v1/dials", {"weight-us-west-2": 0})[1]["weight-us-west-2"] == 0
    assert small.platform()["dials"]["weight-us-west-2"] == 0


@pytest.mark.parametrize(
    ("path", "body", "what"),
    [
        ("/v1/traffic", {"starts_per_second": 1, "over_s": -1}, "over_s is not a duration: -1"),
        ("/v1/traffic", {"starts_per_second": True}, "starts_per_second is not a rate: True"),
        ("/v1/dials", {"weight-us-east-2": 1}, "unknown dial 'weight-us-east-2'"),
        ("/v1/dials", {"diurnal-ratio": 2}, "dial 'diurnal-ratio' cannot stand at 2"),
        ("/v1/dials", {"diurnal-ratio": "x"}, "dial 'diurnal-ratio' cannot stand at 'x'"),
    ],
)
def test_a_wrong_rate_or_dial_changes_nothing(
    small: World, path: str, body: dict[str, Any], what: str
) -> None:
    before = small.platform()
    status, said = small.ask("PUT", path, body)
    assert (status, said["error"]["what"]) == (400, what)
    assert small.platform()["dials"] == before["dials"]


def test_killed_instance_refuses_and_does_not_time_out(small: World) -> None:
    victim = next(i for i in small.platform()["instances"] if i["service"] == "catalog")
    assert connect_from_bridge(small, victim) == "connected"
    os.kill(victim["pid"], 9)
    assert connect_from_bridge(small, victim) == REFUSED_ANSWER
    time.sleep(1.5)  # replaced by now: its peers still know the old address, and are still refused
    assert connect_from_bridge(small, victim) == REFUSED_ANSWER


def test_second_up_is_refused(small: World) -> None:
    with world("--size", "small", instances=PLAIN, folder=small.folder) as second:
        assert second.keeper.wait(timeout=10) == 1
        said = second.said()
    assert "a platform is already up: keeper" in said
    assert "fix:" in said
    assert small.platform()["state"] == "ready"
