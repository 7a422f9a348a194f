"""The press against a server of ours that counts: it asks, is seen to, and ends."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from chaosctl.drivers.network import loads, presses
from chaosctl.drivers.network.helper import NetworkHelper
from chaosctl.drivers.processes.demo_listing import ROUTES
from chaosctl.procfs import arguments_of_all, started_ticks
from demo_platform.services import SERVICES
from monkeys.errors import TargetFailed
from monkeys.target import Instance, UndoRecord


class _Counting(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            self.server.asked.append((self.path, body["member"]))
        self._answer(200, b"{}")

    def do_GET(self) -> None:
        count = len(self.server.asked)
        page = f'# HELP\nipc_server_call_seconds_count{{a="b"}} {count}.0\nother_total 9.0\n'
        page += f'edge_requests_total{{a="b"}} {9 * count}.0\nedge_forwarded_total {8 * count}.0\n'
        self._answer(200, page.encode() if self.server.counts else b"nothing\n")

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Be quiet."""


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), _Counting) as made:
        made.daemon_threads = True
        made.asked, made.lock, made.counts = [], threading.Lock(), True
        serving = threading.Thread(target=made.serve_forever, args=(0.05,))
        serving.start()
        yield made
        made.shutdown()
        serving.join()


def instance(server, **more: object) -> Instance:
    pid = os.getpid()
    handle = {"link": "", "port": server.server_address[1], "route": "rows"}
    handle |= {"world_pid": pid, "world_started_ticks": started_ticks(pid) or 0, **more}
    return Instance("i-1", "recs", "g", "r", "z", address="127.0.0.1", handle=handle)


def record_of(one: Instance, *, for_ms: int = 20_000, now_ms: int = 1_000) -> UndoRecord:
    name = f"press-{time.monotonic_ns()}"
    detail = {"per_second": 100.0}
    return UndoRecord(name, "dependency-overload", "demo", "press", (one,), now_ms + for_ms, detail)


def presses_of(record: UndoRecord) -> list[int]:
    return [pid for pid, words in arguments_of_all() if record.id in words]


def asked_per_second(one: Instance) -> float | None:
    return loads.asked_per_second(NetworkHelper(), [one])["i-1"]


def test_it_asks_as_often_as_it_is_told_is_seen_to_and_ends(server):
    one = instance(server)
    assert asked_per_second(one) == 0
    record = record_of(one)
    loads.press(NetworkHelper(), record, 1_000)
    try:
        assert asked_per_second(one) == pytest.approx(100, rel=0.5)
    finally:
        for _ in range(2):
            loads.unpress(record)
    assert presses_of(record) == []
    assert asked_per_second(one) == 0
    paths = {path for path, _ in server.asked}
    members = [member for _, member in server.asked]
    assert paths == {"/rows"}
    assert len(set(members)) > len(members) / 2


def test_it_ends_at_its_deadline(server):
    record = record_of(instance(server), for_ms=300)
    loads.press(NetworkHelper(), record, 1_000)
    until_s = time.monotonic() + 5
    while presses_of(record):
        assert time.monotonic() < until_s
        time.sleep(0.02)


def test_one_that_is_killed_leaves_nothing(server):
    record = record_of(instance(server))
    loads.press(NetworkHelper(), record, 1_000)
    (pid,) = presses_of(record)
    os.kill(pid, signal.SIGKILL)
    loads.unpress(record)
    time.sleep(0.1)
    assert asked_per_second(instance(server)) == 0


def test_who_refuses_or_is_gone_is_asked_all_the_same(server):
    closed = instance(server, port=1)
    record = record_of(closed)
    loads.press(NetworkHelper(), record, 1_000)
    time.sleep(0.2)
    assert len(presses_of(record)) == 1
    loads.unpress(record)
    assert asked_per_second(closed) is None


def test_who_does_not_count_has_no_rate(server):
    server.counts = False
    assert asked_per_second(instance(server)) is None


def test_what_cannot_be_asked_is_said_with_the_fix(server):
    with pytest.raises(TargetFailed, match="could be asked for") as refused:
        loads.press(NetworkHelper(), record_of(instance(server, route="")), 1_000)
    assert "recs" in refused.value.fix
    with pytest.raises(TargetFailed, match="deadline has passed"):
        loads.press(NetworkHelper(), record_of(instance(server), for_ms=-1), 1_000)


def test_a_press_whose_world_has_ended_is_none(server):
    gone = instance(server, world_pid=2**22 + 1)
    with pytest.raises(TargetFailed, match="ended without a word"):
        loads.press(NetworkHelper(), record_of(gone), 1_000)


def test_services_are_asked_for_what_they_have():
    assert set(ROUTES) == set(SERVICES)
    assert all(route in SERVICES[service].routes for service, route in ROUTES.items())


def test_looks_are_apart_by_the_time_between_them(server):
    slept = []
    presses.per_second([server.server_address], presses.ASKED, 1.0, sleep=slept.append)
    assert len(slept) == 1
    assert slept[0] > 0.3


def test_what_an_edge_passes_on_is_not_what_it_keeps(server):
    one = instance(server)

    def ask_five_times(seconds):
        time.sleep(seconds)
        with server.lock:
            server.asked += [("/home", 1)] * 5

    addresses = [(one.address, one.handle["port"])]
    (asked,) = presses.per_second(addresses, presses.ASKED, 1.0, sleep=ask_five_times)
    (kept,) = presses.per_second(addresses, presses.KEPT, 1.0, sleep=ask_five_times)
    assert asked == pytest.approx(5 / 0.6, rel=0.2)
    assert kept == pytest.approx(asked, rel=0.2)
    assert loads.kept_per_second(NetworkHelper(), [one]) == {"i-1": 0}
