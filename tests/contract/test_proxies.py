"""Faults by toxics: done, seen, undone, ended by themselves; ours and the original."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from chaosctl.drivers.network import proxies
from monkeys.errors import TargetFailed
from monkeys.target import Instance, UndoRecord
from tests.toxiproxy_servers import INSTALLS_WITHIN_S, Server, free_port, original, ours

ENGINES = [
    pytest.mark.integration,
    pytest.mark.engines,
    pytest.mark.timeout(INSTALLS_WITHIN_S + 60),
]
PROBE_MS = 1500
NOW_MS = 1_000_000


@pytest.fixture(
    scope="module",
    params=[pytest.param(ours, id="ours"), pytest.param(original, id="original", marks=ENGINES)],
)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    with request.param(tmp_path_factory.mktemp("toxiproxy")) as found:
        yield found


@pytest.fixture
def instance(server: Server) -> Iterator[Instance]:
    """An instance with two ports, each behind a proxy, and a neighbour whose id begins alike."""

    class Healthy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing is said."""

    upstream = ThreadingHTTPServer(("127.0.0.1", 0), Healthy)
    Thread(target=upstream.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    port = free_port()
    there = {"upstream": f"127.0.0.1:{upstream.server_port}"}
    wanted = [
        {"name": "i-1", "listen": f"127.0.0.1:{port}", **there},
        {"name": "i-1:11211", "listen": "127.0.0.1:0", **there},
        {"name": "i-12", "listen": "127.0.0.1:0", **there},
    ]
    assert server.ask("POST", "/populate", wanted)[0] == 201
    handle = {"faults_api": f"http://127.0.0.1:{server.port}", "port": port}
    yield Instance("i-1", "recs", "g", "r", "z", "127.0.0.1", handle=handle)
    for each in wanted:
        server.ask("DELETE", f"/proxies/{each['name']}")
    upstream.shutdown()
    upstream.server_close()


def record_of(
    instance: Instance, fault: str = "network-latency", *, id_: str = "r1", **detail: Any
) -> UndoRecord:
    return UndoRecord(id_, fault, "demo", "splice", (instance,), NOW_MS + 60_000, detail)


def cut_of(
    instance: Instance, *, id_: str = "c1", deadline_ms: int = NOW_MS + 60_000
) -> UndoRecord:
    detail = {"prefixes": ["0.0.0.0/0"], "direction": "both"}
    return UndoRecord(id_, "zone-outage", "demo", "nft", (instance,), deadline_ms, detail)


def round_trip_ms(instance: Instance, timeout_ms: int = PROBE_MS) -> float | None:
    place = instance.address, int(instance.handle["port"])
    return proxies.probe([place], timeout_ms=timeout_ms)[0]


def toxics(server: Server) -> dict[str, list[str]]:
    shown = server.ask("GET", "/proxies")[1]
    return {name: sorted(each["name"] for each in one["toxics"]) for name, one in shown.items()}


def is_up(_: Mapping[str, Any]) -> bool:
    return True


def test_latency_is_seen_and_gone_when_undone(server: Server, instance: Instance) -> None:
    before = round_trip_ms(instance)
    assert before is not None
    record = record_of(instance, delay_ms=400.0, jitter_ms=0.0)
    proxies.impair(record, NOW_MS)
    proxies.impair(record, NOW_MS)
    during = round_trip_ms(instance)
    assert during is not None
    assert during >= before + 390
    assert toxics(server) == {
        "i-1": ["chaosctl.r1.0"],
        "i-1:11211": ["chaosctl.r1.0"],
        "i-12": [],
    }
    for _ in range(2):
        proxies.mend(record, is_up=is_up)
    assert not any(toxics(server).values())
    after = round_trip_ms(instance)
    assert after is not None
    assert after < 390


def test_a_cut_is_silence_and_undo_takes_back_only_its_own(
    server: Server, instance: Instance
) -> None:
    first, second = cut_of(instance), cut_of(instance, id_="c10")
    server.ask("POST", "/proxies/i-1/toxics", {"name": "somebody's", "type": "latency"})
    proxies.cut(first, NOW_MS)
    proxies.cut(second, NOW_MS)
    assert round_trip_ms(instance) is None
    proxies.mend(first, is_up=is_up)
    assert toxics(server)["i-1:11211"] == ["chaosctl.c10.0", "chaosctl.c10.1"]
    assert round_trip_ms(instance) is None
    proxies.mend(second, is_up=is_up)
    assert toxics(server)["i-1"] == ["somebody's"]
    assert round_trip_ms(instance) is not None


def test_a_narrow_pipe_is_a_bandwidth(server: Server, instance: Instance) -> None:
    proxies.impair(record_of(instance, "network-rate", rate_kbit=800.0), NOW_MS)
    shown = server.ask("GET", "/proxies/i-1/toxics")[1]
    assert {(each["type"], each["stream"], each["attributes"]["rate"]) for each in shown} == {
        ("bandwidth", "downstream", 100),
        ("bandwidth", "upstream", 100),
    }


def test_what_needs_packets_or_sides_is_refused_and_nothing_done(
    server: Server, instance: Instance
) -> None:
    with pytest.raises(TargetFailed, match="lost or changed"):
        proxies.impair(record_of(instance, delay_ms=5.0, loss_ratio=0.1), NOW_MS)
    partition = UndoRecord(
        "p1", "network-partition", "demo", "nft", (instance,), NOW_MS + 1, {"peers": {}}
    )
    with pytest.raises(TargetFailed, match="from some"):
        proxies.cut(partition, NOW_MS)
    with pytest.raises(TargetFailed, match="deadline has passed"):
        proxies.cut(cut_of(instance), NOW_MS + 60_000)
    assert not any(toxics(server).values())


def test_ends_by_itself_at_its_deadline_where_the_server_can(
    server: Server, instance: Instance
) -> None:
    proxies.cut(cut_of(instance, deadline_ms=NOW_MS + 400), NOW_MS)
    assert round_trip_ms(instance, 200) is None
    time.sleep(0.5)
    assert (round_trip_ms(instance) is not None) is server.is_ours


def test_an_instance_without_a_proxy_is_gone(instance: Instance) -> None:
    gone = Instance("i-9", "recs", "g", "r", "z", handle=instance.handle)
    with pytest.raises(TargetFailed, match="'i-9' has no proxy"):
        proxies.cut(cut_of(gone), NOW_MS)


def test_a_dead_instance_answers_with_a_reset(server: Server) -> None:
    dead = {"name": "i-3", "listen": "127.0.0.1:0", "upstream": f"127.0.0.1:{free_port()}"}
    listen = server.ask("POST", "/proxies", dead)[1]["listen"]
    place = "127.0.0.1", int(listen.rpartition(":")[2])
    assert proxies.probe([place], timeout_ms=PROBE_MS)[0] is not None
    server.ask("DELETE", "/proxies/i-3")


def test_a_server_that_is_gone_has_nothing_left_unless_its_world_is_there() -> None:
    handle = {"faults_api": f"http://127.0.0.1:{free_port()}"}
    record = cut_of(Instance("i-1", "recs", "g", "r", "z", handle=handle))
    proxies.mend(record, is_up=lambda _: False)
    with pytest.raises(proxies.Unasked):
        proxies.mend(record, is_up=is_up)
    lack = proxies.lack(handle["faults_api"])
    assert lack is not None
    assert "does not answer" in lack.what
