"""A host that is gone, as its peers see it: silence, where a dead process would be told of."""

from __future__ import annotations

import os
import signal
import time

import pytest

from chaosctl.drivers.network import mechanisms
from chaosctl.procfs import state_of
from monkeys.target import ProcessState
from tests.integration.drivers.conftest import start_in
from tests.small_world import PORT

pytestmark = pytest.mark.integration

PEER = """
import errno, socket, sys
s = socket.create_connection(({address!r}, {port}), 3)
s.sendall(b"x"); s.recv(1)
print("up", flush=True)
sys.stdin.readline()
def said(act):
    try:
        return repr(act())
    except TimeoutError:
        return "silence"
    except OSError as error:
        return errno.errorcode[error.errno]
s.settimeout(1)
print(said(lambda: s.recv(1)), said(lambda: socket.create_connection(({address!r}, {port}), 1)),
      flush=True)
"""


def peer_hears(world, act) -> str:
    """What an open and a new connection come to, once it has been acted."""
    code = PEER.format(address=world.instances[0]["address"], port=PORT)
    with start_in(world.instances[1]["pid"], code) as peer:
        assert peer.stdout.readline() == "up\n"
        act()
        time.sleep(0.1)
        peer.stdin.write("\n")
        peer.stdin.flush()
        return peer.stdout.readline().strip()


def kill(world) -> None:
    os.kill(world.instances[0]["pid"], signal.SIGKILL)


def test_peers_of_a_terminated_host_hear_nothing_where_those_of_a_dead_process_are_told(
    world, helper, record
):
    end = record("termination", {}, 0)
    keeps_namespace = os.open(f"/proc/{world.instances[0]['pid']}/ns/net", os.O_RDONLY)

    def terminate() -> None:
        mechanisms.unlink(helper, end)
        kill(world)

    heard = peer_hears(world, terminate)
    os.close(keeps_namespace)
    assert heard in ("silence silence", "silence EHOSTUNREACH")


def test_peers_of_a_dead_process_are_told(world):
    keeps_namespace = os.open(f"/proc/{world.instances[0]['pid']}/ns/net", os.O_RDONLY)
    heard = peer_hears(world, lambda: kill(world))
    os.close(keeps_namespace)
    assert heard in ("b'' ECONNREFUSED", "ECONNRESET ECONNREFUSED")


def test_one_that_was_cut_short_is_found_again_and_no_other(world, helper, record, observer):
    end = record("termination", {}, 0, 1)
    assert mechanisms.unlinked(helper, end) == []
    mechanisms.unlink(helper, record("termination", {}, 0))
    assert [each.id for each in mechanisms.unlinked(helper, end)] == ["i-0"]
    assert state_of_all(world) == [ProcessState.RUNNING] * 3
    mechanisms.unlink(helper, record("termination", {}, 0))  # again is once
    assert observer.reaches(world.instances[1]["address"])
    world.end()
    assert mechanisms.unlinked(helper, end) == []


def state_of_all(world):
    return [state_of(each["pid"], each["ticks"]) for each in world.instances]
