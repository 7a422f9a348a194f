"""The listener: datagrams of real sockets on a real loop, with a clock of the test's."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from atlas.ingest.spectatord import Intake
from atlas.server.app import make_app
from atlas.server.sockets import CannotListen, open_udp
from atlas.server.spectatord import DATAGRAM_BYTES_MAX, Listener, bound_sockets, dropped_count
from atlas.settings import MeterSettings, SpectatordSettings
from atlas.store.memory import MemoryStore, StoreConfig
from tests.unit.atlas.server.conftest import NOW_MS, STORE, Caller

WAIT_S_MAX = 10.0


@pytest.fixture
def settings(tmp_path: Path) -> SpectatordSettings:
    return SpectatordSettings(port=0, unix_path=tmp_path / "lines.sock", buffer_bytes=1 << 20)


@pytest.fixture
def sockets(settings) -> Iterator[list[socket.socket]]:
    with bound_sockets(settings) as bound:
        yield bound


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore(STORE)


@pytest.fixture
def listener(store, sockets) -> Listener:
    return Listener(Intake(store, MeterSettings(), NOW_MS), sockets, lambda: NOW_MS)


def send(to: socket.socket, *datagrams: bytes) -> None:
    with socket.socket(to.family, socket.SOCK_DGRAM) as sender:
        sender.connect(to.getsockname())
        for datagram in datagrams:
            sender.send(datagram)


def run(listener: Listener, until: Callable[[], bool]) -> None:
    async def watch() -> None:
        listener.start()
        deadline = time.monotonic() + WAIT_S_MAX
        while not until():
            assert time.monotonic() < deadline
            await asyncio.sleep(0.005)
        listener.stop()

    asyncio.run(watch())


@pytest.mark.parametrize("which", [0, 1], ids=["udp", "unix"])
def test_lines_of_a_socket_are_taken(listener, sockets, which):
    send(sockets[which], b"c:calls:1", b"c:calls:2\nnonsense\nc:calls:3\n", b"")
    run(listener, lambda: listener.stats().datagram_count == 3)
    intake = listener.stats().intake
    assert intake.line_count == 3
    assert intake.refused["form"] == 1
    assert intake.series_count == 1


def test_long_unix_datagram_is_cut_after_its_last_whole_line(listener, sockets):
    lines = b"c:calls,id=abcdefgh:1\n" * 3100
    assert len(lines) > DATAGRAM_BYTES_MAX
    fitting = (DATAGRAM_BYTES_MAX + 1) // 22
    send(sockets[1], lines, b"x" * (DATAGRAM_BYTES_MAX + 10), b"c:calls,id=abcdefgh:1")
    listener.read(sockets[1])
    listener.read(sockets[1])
    stats = listener.stats()
    assert stats.intake.line_count == fitting + 1
    assert {k: v for k, v in stats.intake.refused.items() if v} == {"size": 2}


def test_requests_have_their_turn_between_many_datagrams(listener, sockets):
    send(sockets[0], *[b"c:calls:1"] * 300)
    listener.read(sockets[0])
    assert listener.stats().datagram_count == 256
    listener.read(sockets[0])
    assert listener.stats().datagram_count == 300


def test_step_ends_although_nothing_arrives_then(sockets):
    almost_ms = NOW_MS + 970 - int(time.monotonic() * 1000)
    store = MemoryStore(StoreConfig(1000, 60_000, 3_600_000))
    intake = Intake(store, MeterSettings(), NOW_MS)
    listener = Listener(intake, sockets, lambda: almost_ms + int(time.monotonic() * 1000))
    intake.take(b"c:calls:1", NOW_MS + 1)
    run(listener, lambda: store.stats().datapoint_count == 1)


def test_metrics_name_what_arrived(listener, sockets, store):
    send(sockets[0], b"c:calls:1\nc:calls:x\nt:wait:1", b"q:what:1")
    listener.read(sockets[0])
    page = Caller(make_app(store, lambda: NOW_MS, listener=listener)).get("/metrics").body.decode()
    for line in (
        "atlas_spectatord_datagrams_total 2.0",
        "atlas_spectatord_dropped_total 0.0",
        "atlas_spectatord_lines_total 2.0",
        'atlas_spectatord_refused_total{reason="value"} 1.0',
        'atlas_spectatord_refused_total{reason="type"} 1.0',
        'atlas_spectatord_refused_total{reason="size"} 0.0',
        "atlas_spectatord_series 5.0",
    ):
        assert f"{line}\n" in page
    assert "spectatord" not in Caller(make_app(store, lambda: NOW_MS)).get("/metrics").body.decode()


def test_what_the_kernel_dropped_is_counted(settings):
    with open_udp("127.0.0.1", 0) as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        send(one, *[b"x" * 1000] * 100)
        assert 50 < (dropped_count(one) or 0) < 100
        assert dropped_count(one, "/proc/net/no-such-table") is None
    with bound_sockets(settings) as (_, unix):
        assert dropped_count(unix) is None


def test_dropped_count_of_ipv6():
    with open_udp("::1", 0) as one:
        assert dropped_count(one) == 0


def test_no_address_no_socket():
    with bound_sockets(SpectatordSettings()) as bound:
        assert bound == []


def test_address_without_a_port_is_refused():
    with (
        pytest.raises(CannotListen, match="and no port") as refused,
        bound_sockets(SpectatordSettings(host="0.0.0.0")),
    ):
        pass
    assert "--spectatord-port" in refused.value.fix


def test_unix_socket_is_gone_at_the_end_and_a_stale_one_replaced(settings, sockets):
    with (
        pytest.raises(CannotListen, match="answers there already") as refused,
        bound_sockets(SpectatordSettings(unix_path=settings.unix_path)),
    ):
        pass
    assert "--spectatord-unix" in refused.value.fix
    for one in sockets:
        one.close()
    assert settings.unix_path.exists()
    with bound_sockets(SpectatordSettings(unix_path=settings.unix_path)) as (again,):
        send(again, b"c:calls:1")
    assert not settings.unix_path.exists()


def test_taken_port_is_named(sockets):
    port = sockets[0].getsockname()[1]
    with pytest.raises(CannotListen, match="address already in use") as refused:
        open_udp("127.0.0.1", port)
    assert "ss -lunp" in refused.value.fix
    assert "--spectatord-port" in refused.value.fix
