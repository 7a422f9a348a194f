"""Delays by splice, seen by somebody who shares no code with the product."""

from __future__ import annotations

import json
import os
import signal
import statistics
import time
from pathlib import Path

import pytest

from chaosctl.drivers.network import mechanisms
from chaosctl.drivers.network.helper import NetworkHelper
from monkeys.errors import TargetFailed
from tests.integration.drivers.conftest import start_in
from tests.small_world import PORT

pytestmark = pytest.mark.integration

DELAY = {"delay_ms": 80.0, "jitter_ms": 0.0}

CONVERSATION = """
import json, socket, sys, time
s = socket.create_connection((sys.argv[1], {port}), 3)
s.setsockopt(6, 1, 1)
for line in sys.stdin:
    times = []
    for _ in range(int(line)):
        begun = time.monotonic()
        s.sendall(b"x")
        s.recv(1)
        times.append((time.monotonic() - begun) * 1000)
    print(json.dumps(times), flush=True)
"""

BULK = """
import json, socket, threading, time
s = socket.create_connection(({address!r}, {port}), 3)
block, left = bytes(range(256)) * 256, {blocks}
def push():
    for _ in range({blocks}):
        s.sendall(block)
t = threading.Thread(target=push); t.start()
begun, got, total = time.monotonic(), 0, len(block) * {blocks}
right = True
while got < total:
    data = s.recv(1 << 18)
    right = right and data == bytes((got + i) % 256 for i in range(len(data)))[:len(data)] \
        if {check} else right
    got += len(data)
t.join()
print(json.dumps([right, total * 8 / (time.monotonic() - begun) / 1e6]))
"""


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class Conversation:
    """One open connection, on which round trips are timed when asked."""

    def __init__(self, world, source: int, sink: int) -> None:
        self._process = start_in(
            world.instances[source]["pid"],
            CONVERSATION.format(port=PORT),
            world.instances[sink]["address"],
        )

    def round_trips_ms(self, count: int) -> list[float]:
        self._process.stdin.write(f"{count}\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the connection broke"
        return json.loads(line)

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def conversation(world):
    made = Conversation(world, 1, 0)
    yield made
    made.end()


def links_as_at_first(observer, first) -> bool:
    return observer.links() == first


def test_an_open_connection_is_late_by_the_delay_and_as_before_after_undo(
    observer, helper, record, conversation
):
    first = observer.links()
    before = statistics.median(conversation.round_trips_ms(20))
    late = record("splice", DELAY, 0)
    mechanisms.impair(helper, late, now_ms())
    conversation.round_trips_ms(2)
    during = conversation.round_trips_ms(15)
    mechanisms.mend(helper, late)
    conversation.round_trips_ms(2)
    after = statistics.median(conversation.round_trips_ms(20))
    print(f"round trip {before:.2f} -> {statistics.median(during):.2f} -> {after:.2f} ms")
    assert 78 < statistics.median(during) - before < 100
    assert after < before + 20
    assert links_as_at_first(observer, first)
    mechanisms.mend(helper, late)
    assert links_as_at_first(observer, first)


def test_jitter_stays_within_its_bounds_and_order_is_kept(helper, record, conversation):
    late = record("splice", {"delay_ms": 60.0, "jitter_ms": 20.0}, 0)
    mechanisms.impair(helper, late, now_ms())
    conversation.round_trips_ms(2)
    times = conversation.round_trips_ms(25)
    assert min(times) > 39
    assert statistics.median(times) < 90
    assert statistics.pstdev(times) > 3
    mechanisms.mend(helper, late)


def test_bulk_arrives_whole_with_segmentation_left_to_the_link(world, observer, helper, record):
    late = record("splice", {"delay_ms": 10.0, "jitter_ms": 0.0}, 0)
    mechanisms.impair(helper, late, now_ms())
    code = BULK.format(address=world.instances[0]["address"], port=PORT, blocks=60, check=True)
    right, mbit = observer.see(code, at=1)
    print(f"{mbit:.0f} Mbit/s each way through a splice of 10 ms")
    assert right
    assert mbit > 5
    mechanisms.mend(helper, late)


def test_two_links_of_one_splice_do_not_loop_and_others_are_not_late(
    world, observer, helper, record
):
    late = record("splice", DELAY, 0, 1)
    mechanisms.impair(helper, late, now_ms())
    between, third = Conversation(world, 0, 1), Conversation(world, 2, 0)
    between.round_trips_ms(1)
    assert 158 < statistics.median(between.round_trips_ms(5)) < 185  # both ends are held
    third.round_trips_ms(1)
    assert 78 < statistics.median(third.round_trips_ms(5)) < 100
    assert observer.reaches(world.instances[2]["address"])
    before = frames_of_bridge(observer)
    time.sleep(0.5)
    assert frames_of_bridge(observer) - before < 200, "frames go round"
    between.end()
    third.end()
    mechanisms.mend(helper, late)


def frames_of_bridge(observer) -> int:
    return observer.see(
        "import json\nprint([int(l.split()[2]) for l in open('/proc/net/dev') if 'br0' in l][0])"
    )


def splice_pids(record_id: str = "r1") -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"chaosctl.drivers.network.splice" in words and record_id.encode() in words:
                found.append(int(entry.name))
    return found


def test_a_killed_splice_leaves_the_link_cut_until_undo(
    world, observer, helper, record, conversation
):
    first = observer.links()
    late = record("splice", DELAY, 0)
    mechanisms.impair(helper, late, now_ms())
    (pid,) = splice_pids()
    os.kill(pid, signal.SIGKILL)
    assert not observer.reaches(world.instances[0]["address"], at=2)
    fresh = NetworkHelper()  # as a watchdog would, knowing the record alone
    mechanisms.mend(fresh, late)
    fresh.close()
    assert links_as_at_first(observer, first)
    assert conversation.round_trips_ms(1)


def test_a_stopped_splice_is_undone_too(observer, helper, record):
    first = observer.links()
    late = record("splice", DELAY, 0)
    mechanisms.impair(helper, late, now_ms())
    (pid,) = splice_pids()
    os.kill(pid, signal.SIGSTOP)
    mechanisms.mend(helper, late)
    assert links_as_at_first(observer, first)
    assert splice_pids() == []


def test_a_splice_lets_go_at_its_deadline_with_everybody_else_dead(observer, record, conversation):
    first = observer.links()
    helper = NetworkHelper()
    mechanisms.impair(helper, record("splice", DELAY, 0, for_ms=3000), now_ms())
    os.kill(helper.pid, signal.SIGKILL)
    helper.close()
    assert statistics.median(conversation.round_trips_ms(4)) > 78
    until = time.monotonic() + 8
    while splice_pids():
        assert time.monotonic() < until
        time.sleep(0.1)
    assert links_as_at_first(observer, first)
    assert statistics.median(conversation.round_trips_ms(5)) < 40


@pytest.mark.parametrize("polite", [signal.SIGINT, signal.SIGHUP])
def test_a_splice_is_deaf_to_the_terminal_and_heeds_sigterm(observer, helper, record, polite):
    first = observer.links()
    mechanisms.impair(helper, record("splice", DELAY, 0), now_ms())
    (pid,) = splice_pids()
    os.kill(pid, polite)
    time.sleep(0.2)
    assert splice_pids() == [pid]
    os.kill(pid, signal.SIGTERM)
    until = time.monotonic() + 4
    while splice_pids():
        assert time.monotonic() < until
        time.sleep(0.05)
    assert links_as_at_first(observer, first)


def test_a_splice_ends_with_the_world(world, helper, record):
    late = record("splice", DELAY, 0)
    mechanisms.impair(helper, late, now_ms())
    world.end()
    until = time.monotonic() + 4
    while splice_pids():
        assert time.monotonic() < until, "the splice outlived the world"
        time.sleep(0.05)
    mechanisms.mend(helper, late)


def test_an_instance_may_die_under_a_splice(world, observer, helper, record):
    late = record("splice", DELAY, 0, 1)
    mechanisms.impair(helper, late, now_ms())
    os.kill(world.instances[0]["pid"], signal.SIGKILL)
    survivor = Conversation(world, 2, 1)
    survivor.round_trips_ms(1)
    assert statistics.median(survivor.round_trips_ms(5)) > 78
    survivor.end()
    mechanisms.mend(helper, late)
    assert observer.links()["v1"] == ["br0", "", ""]


def test_a_link_is_delayed_by_one_record_at_a_time(observer, helper, record):
    late, later = record("splice", DELAY, 0), record("splice", DELAY, 1, 0, id_="r2")
    first = observer.links()
    mechanisms.impair(helper, late, now_ms())
    between = observer.links()
    with pytest.raises(TargetFailed, match="already delayed by 'chaosctl-r1'"):
        mechanisms.impair(helper, later, now_ms())
    assert observer.links() == between  # what it had begun, it has taken back
    mechanisms.mend(helper, later)
    assert observer.links() == between
    mechanisms.mend(helper, late)
    assert observer.links() == first
