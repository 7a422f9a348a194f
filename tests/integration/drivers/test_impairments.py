"""Loss, doubles, damage, reordering and a narrow pipe, as a peer sees them."""

from __future__ import annotations

import itertools
import time

import pytest

from chaosctl.drivers.network import mechanisms
from monkeys.faults import check_fault, make_fault
from tests.integration.drivers.conftest import instance_of, start_in
from tests.small_world import PORT

pytestmark = pytest.mark.integration

DATAGRAMS = 400
ARRIVALS = """
import json, select, socket, struct, time
s = socket.socket(2, 2)
s.bind(({own!r}, 9))
s.setblocking(False)
s.sendto(b"go", ({peer!r}, 9))
got, until = [], time.monotonic() + 4
while time.monotonic() < until and select.select([s], [], [], 0.6)[0]:
    data = s.recv(2048)
    got.append(struct.unpack("!I", data[:4])[0])
print(json.dumps(got))
"""
SENDER = """
import socket, struct, time
s = socket.socket(2, 2)
s.bind(({own!r}, 9))
print("up", flush=True)
_, peer = s.recvfrom(9)
for n in range({count}):
    s.sendto(struct.pack("!I", n) + bytes(60), peer)
    time.sleep(0.0005)  # a burst would not fit in the peer's buffer
"""
TRANSFER = """
import json, socket, time
s = socket.create_connection(({address!r}, {port}), 5)
s.settimeout(8)
data = bytes(range(256)) * {blocks}
begun, got = time.monotonic(), b""
s.sendall(data)
while len(got) < len(data):
    got += s.recv(1 << 16)
print(json.dumps([got == data, time.monotonic() - begun]))
"""


def put_in(world, helper, name, given, number=0, id_="r1"):
    """The fault with its records injected; what is needed to look at it and take it back."""
    fault = make_fault(name, check_fault(name, given)[0])
    chosen = [instance_of(world, number)]
    target = _Target(world, helper)
    before = fault.look(chosen, target)
    counted = itertools.count()
    deadline_ms = time.time_ns() // 1_000_000 + 20_000
    (record,) = fault.prepare(chosen, "demo", lambda: f"{id_}-{next(counted)}", deadline_ms)
    mechanisms.impair(helper, record, time.time_ns() // 1_000_000)
    return fault, record, lambda: fault.look(chosen, target), before


class _Target:
    """As much of a target as these faults look at."""

    def __init__(self, world, helper) -> None:
        self._world = {"pid": world.world["pid"], "ticks": world.world["ticks"]}
        self._helper = helper

    def state(self, _instance):
        return None

    def echo(self, instances, **how):
        return mechanisms.echo(self._helper, instances, world=self._world, **how)


def arrivals(world, observer) -> list[int]:
    """Numbers of the datagrams that a peer gets from the first instance, as they come."""
    own, peer = world.instances[1]["address"], world.instances[0]["address"]
    with start_in(world.instances[0]["pid"], SENDER.format(own=peer, count=DATAGRAMS)) as sender:
        assert sender.stdout.readline() == "up\n"
        got = observer.see(ARRIVALS.format(own=own, peer=peer), at=1)
        sender.kill()
    return got


def is_well(got: list[int]) -> bool:
    return got == list(range(DATAGRAMS))


SEEN = {
    "network-loss": ({"loss": "20%"}, lambda got: 30 < DATAGRAMS - len(got) < 150),
    "network-duplicate": (
        {"duplicate": "20%"},
        lambda got: len(set(got)) == DATAGRAMS and 30 < len(got) - DATAGRAMS < 150,
    ),
    # Who gets a damaged datagram sees it by the checksum and throws it away.
    "network-corrupt": ({"corrupt": "20%"}, lambda got: 30 < DATAGRAMS - len(got) < 150),
    "network-reorder": (
        {"reorder": "20%", "delay": "100ms"},
        lambda got: (
            sorted(got) == list(range(DATAGRAMS))
            and sum(b < a for a, b in itertools.pairwise(got)) > 30
        ),
    ),
}


@pytest.mark.parametrize("name", SEEN)
def test_a_peer_sees_it_and_the_probe_agrees_and_undo_ends_it(world, observer, helper, name):
    given, is_seen = SEEN[name]
    first = observer.links()
    assert is_well(arrivals(world, observer))
    fault, record, look, before = put_in(world, helper, name, given)
    during = arrivals(world, observer)
    print(f"{name} {given}: {len(during)} of {DATAGRAMS} came, {len(set(during))} different")
    assert is_seen(during), during
    assert fault.took_effect(before, look()) == {"i-0": True}
    assert fault.was_removed(before, look()) == {"i-0": False}
    mechanisms.mend(helper, record)
    assert is_well(arrivals(world, observer))
    assert fault.was_removed(before, look()) == {"i-0": True}
    assert fault.took_effect(before, look()) == {"i-0": False}
    assert observer.links() == first


def test_a_narrow_pipe_slows_a_transfer_to_its_rate(world, observer, helper):
    code = TRANSFER.format(address=world.instances[0]["address"], port=PORT, blocks=400)
    right, usual_s = observer.see(code, at=1)
    assert right
    assert usual_s < 0.4
    fault, record, look, before = put_in(world, helper, "network-rate", {"rate": "1mbit"})
    right, slow_s = observer.see(code, at=1)
    print(f"{400 * 256} bytes at 1 Mbit/s: {usual_s:.3f} -> {slow_s:.2f} s")
    assert right
    assert 0.7 < slow_s < 3
    assert fault.took_effect(before, look()) == {"i-0": True}
    mechanisms.mend(helper, record)
    assert fault.was_removed(before, look()) == {"i-0": True}


def test_a_stream_stays_whole_whatever_is_done_to_its_packets(world, observer, helper):
    """Damaged bytes never reach the program: a checksum that the kernel owes is made first."""
    code = TRANSFER.format(address=world.instances[0]["address"], port=PORT, blocks=200)
    for name in ("network-corrupt", "network-duplicate", "network-reorder"):
        given, _ = SEEN[name]
        given = {**given, name.removeprefix("network-"): "5%"}
        _, record, _, _ = put_in(world, helper, name, given, id_=name)
        right, _ = observer.see(code, at=1)
        assert right, name
        mechanisms.mend(helper, record)
