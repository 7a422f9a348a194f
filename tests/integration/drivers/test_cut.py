"""Cuts by nft, seen by somebody who shares no code with the product."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from chaosctl.drivers.network import mechanisms
from chaosctl.drivers.network.helper import EntryDenied, NetworkHelper
from monkeys.errors import TargetFailed
from tests.integration.drivers.conftest import instance_of, start_in
from tests.small_world import SmallWorld

pytestmark = pytest.mark.integration

BOTH = {"direction": "both"}
ALL = ["0.0.0.0/0"]
FOREIGN = """
from pyroute2.nftables.main import NFTables
from pyroute2.nftables.expressions import ipv4addr, verdict
with NFTables(nfgen_family=1) as nft:
    nft.table("add", name="somebody")
    nft.chain("add", table="somebody", name="input", type="filter", hook="input", priority=0)
    nft.rule("add", table="somebody", chain="input",
             expressions=(ipv4addr(src="192.168.0.0/24"), verdict(code=1)))
print("null")
"""


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def test_a_cut_instance_is_reached_by_nobody_and_undo_restores_it(world, observer, helper, record):
    cut = record("nft", BOTH, 0)
    address = world.instances[0]["address"]
    mechanisms.cut(helper, cut, ALL, now_ms())
    assert not observer.reaches(address)
    assert not observer.reaches(address, at=1)
    assert not observer.reaches(world.instances[1]["address"], at=0)
    assert observer.reaches(world.instances[1]["address"], at=2)
    mechanisms.uncut(helper, cut)
    assert observer.reaches(address)
    assert observer.reaches(address, at=1)
    assert observer.tables(0) == []


def test_undo_twice_and_undo_of_what_was_never_done_are_nothing(observer, helper, record):
    cut = record("nft", BOTH, 0, 1)
    mechanisms.uncut(helper, cut)
    mechanisms.cut(helper, cut, ALL, now_ms())
    mechanisms.cut(helper, cut, ALL, now_ms())  # injecting twice is once
    mechanisms.uncut(helper, cut)
    mechanisms.uncut(helper, cut)
    assert observer.tables(0) == observer.tables(1) == []


def test_a_partition_cuts_prefixes_and_leaves_the_rest(world, observer, helper, record):
    first, second, third = (each["address"] for each in world.instances)
    cut = record("nft", BOTH, 0)
    mechanisms.cut(helper, cut, ["10.1.2.0/24", "10.9.0.1/32"], now_ms())
    assert not observer.reaches(first, at=1)
    assert not observer.reaches(second, at=0)
    assert observer.reaches(first, at=2)
    assert observer.reaches(first)
    assert observer.reaches(third, at=0)


@pytest.mark.parametrize(("direction", "arrives"), [("in", False), ("out", True)])
def test_one_direction_is_dropped_and_the_other_passes(
    world, observer, helper, record, direction, arrives
):
    """A datagram needs one direction only, so it tells them apart."""
    cut = record("nft", {"direction": direction}, 0)
    mechanisms.cut(helper, cut, ["10.1.2.0/24"], now_ms())
    first, second, _ = (each["address"] for each in world.instances)
    assert datagram_arrives(world, observer, 1, 0, first) is arrives
    assert datagram_arrives(world, observer, 0, 1, second) is not arrives


def datagram_arrives(world, observer, source: int, sink: int, address: str) -> bool:
    receive = (
        "import socket\ns = socket.socket(2, 2)\n"
        f"s.bind(({address!r}, 9))\ns.settimeout(1.5)\nprint('up', flush=True)\n"
        "try:\n    s.recv(9); print('true')\nexcept TimeoutError:\n    print('false')"
    )
    send = (
        "import socket\ns = socket.socket(2, 2)\n"
        f"try:\n    s.sendto(b'x', ({address!r}, 9))\nexcept PermissionError:\n    pass\n"
        "print('null')"
    )
    with start_in(world.instances[sink]["pid"], receive) as receiver:
        assert receiver.stdout.readline() == "up\n"
        observer.see(send, at=source)
        return receiver.stdout.readline() == "true\n"


def test_others_rules_stay_byte_for_byte(world, observer, helper, record):
    observer.see(FOREIGN, at=0)
    before = observer.tables(0)
    assert before
    cut, other = record("nft", BOTH, 0), record("nft", BOTH, 0, id_="r2")
    mechanisms.cut(helper, cut, ALL, now_ms())
    mechanisms.cut(helper, other, ["10.1.2.0/24"], now_ms())
    mechanisms.uncut(helper, cut)
    assert observer.reaches(world.instances[0]["address"], at=2)
    assert not observer.reaches(world.instances[0]["address"], at=1)  # the other record's holds
    mechanisms.uncut(helper, other)
    assert without_generation(observer.tables(0)) == without_generation(before)


def without_generation(dump):
    """Each message without its nfgenmsg, whose last field counts changes of the rule set."""
    return [[kind, data[8:]] for kind, data in dump]


def test_the_kernel_ends_a_cut_with_every_process_of_ours_dead(world, observer, record):
    helper = NetworkHelper()
    cut = record("nft", BOTH, 0, for_ms=2500)
    address = world.instances[0]["address"]
    mechanisms.cut(helper, cut, ALL, now_ms())
    begun = time.monotonic()
    os.kill(helper.pid, signal.SIGKILL)
    helper.close()
    assert not observer.reaches(address)
    while not observer.reaches(address, timeout_s=0.2):
        assert time.monotonic() - begun < 6
    assert 1.8 < time.monotonic() - begun < 4


def test_a_cut_after_its_deadline_is_refused(helper, record):
    late = record("nft", BOTH, 0, for_ms=-1)
    with pytest.raises(TargetFailed, match="deadline has passed"):
        mechanisms.cut(helper, late, ALL, now_ms())


def test_cutting_the_dead_fails_and_undoing_them_does_not(world, observer, helper, record):
    cut = record("nft", BOTH, 0, 1)
    kill(world, 0)
    with pytest.raises(TargetFailed, match="instance 'i-0' is gone"):
        mechanisms.cut(helper, cut, ALL, now_ms())
    mechanisms.uncut(helper, cut)
    assert observer.tables(1) == []


def kill(world, number: int) -> None:
    pid = world.instances[number]["pid"]
    os.kill(pid, signal.SIGKILL)
    while "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2]:
        pass


def test_a_world_that_is_gone_is_undone(world, helper, record):
    cut = record("nft", BOTH, 0)
    mechanisms.cut(helper, cut, ALL, now_ms())
    world.end()
    mechanisms.uncut(helper, cut)
    fresh = NetworkHelper()
    mechanisms.uncut(fresh, cut)
    fresh.close()


def test_a_probe_times_what_answers_and_waits_for_what_does_not(world, helper, record):
    instances = [instance_of(world, number) for number in range(3)]
    cut = record("nft", BOTH, 1)
    mechanisms.cut(helper, cut, ALL, now_ms())
    begun = time.monotonic()
    answers = mechanisms.probe(helper, instances, world=world.world, origin=None, timeout_ms=200)
    assert 0.19 < time.monotonic() - begun < 1
    assert answers["i-1"] is None
    assert 0 < answers["i-0"] < 100
    by_peer = mechanisms.probe(
        helper, instances[:1], world=world.world, origin=instances[1], timeout_ms=200
    )
    assert by_peer == {"i-0": None}


def test_a_helper_that_hangs_is_killed_and_started_anew(world, helper):
    mechanisms.try_entry(helper, world.world)
    hung = helper.pid
    os.kill(hung, signal.SIGSTOP)
    with pytest.raises(TargetFailed, match="did not answer within"):
        helper.ask("enter", timeout_s=0.3, world=world.world)
    mechanisms.try_entry(helper, world.world)
    assert helper.pid != hung


def test_a_helper_that_was_killed_is_started_anew(world, helper):
    mechanisms.try_entry(helper, world.world)
    os.kill(helper.pid, signal.SIGKILL)
    while helper._process.poll() is None:
        pass
    mechanisms.try_entry(helper, world.world)


def test_a_helper_ends_with_its_parent():
    program = (
        "from chaosctl.drivers.network.helper import NetworkHelper\n"
        "import os, signal\nh = NetworkHelper()\nh.warm()\n"
        "print(h.pid, flush=True)\nos.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=20
    )
    pid = int(done.stdout)
    until = time.monotonic() + 3
    while Path(f"/proc/{pid}/cmdline").exists() and b"network" in cmdline(pid):
        assert time.monotonic() < until, "the helper outlived its parent"


def cmdline(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def test_two_worlds_in_turn_are_served_by_a_helper_each(world, helper):
    mechanisms.try_entry(helper, world.world)
    first = helper.pid
    with SmallWorld(1) as second:
        mechanisms.try_entry(helper, second.world)
        assert helper.pid != first


@pytest.mark.user_only
def test_somebody_elses_world_is_refused_with_the_fix(helper):
    with pytest.raises(EntryDenied, match="cannot enter the network namespaces"):
        mechanisms.try_entry(helper, {"pid": 1, "ticks": started(1)})


def started(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
