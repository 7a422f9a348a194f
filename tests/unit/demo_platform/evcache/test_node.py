"""A node's connections: how many, how slow, and how they end."""

from __future__ import annotations

import contextlib
import socket
import time

from demo_platform.evcache.counts import Counts
from demo_platform.evcache.node import steady_clock
from demo_platform.evcache.session import REPLY_BYTES_MAX, Session
from demo_platform.evcache.storage import Storage
from tests.cache_servers import own_cache


def talk(peer: socket.socket, said: bytes, ends: bytes) -> bytes:
    peer.sendall(said)
    heard = b""
    while not heard.endswith(ends):
        data = peer.recv(65536)
        assert data, heard[-100:]
        heard += data
    return heard


def until_one_is_gone(peer: socket.socket) -> None:
    ends = time.monotonic() + 5
    while b"STAT curr_connections 1\r\n" not in talk(peer, b"stats\r\n", b"END\r\n"):
        assert time.monotonic() < ends


def test_connections_are_limited_and_freed() -> None:
    with own_cache(connections_max=2) as server, contextlib.ExitStack() as stack:
        peers = [stack.enter_context(socket.create_connection(server.address, 2)) for _ in "ab"]
        for peer in peers:
            talk(peer, b"mn\r\n", b"MN\r\n")
        with socket.create_connection(server.address, 2) as third:
            assert third.recv(100) == b"ERROR Too many open connections\r\n"
            assert third.recv(100) == b""
        talk(peers[0], b"mn\r\n", b"MN\r\n")
        peers[1].close()
        until_one_is_gone(peers[0])
        with socket.create_connection(server.address, 2) as fourth:
            heard = talk(fourth, b"stats\r\n", b"END\r\n")
        assert b"STAT curr_connections 2\r\n" in heard
        assert b"STAT rejected_connections 1\r\n" in heard


def test_a_peer_that_reads_slowly_gets_everything_and_holds_up_nobody() -> None:
    value = b"x" * 500_000
    with own_cache() as server, contextlib.ExitStack() as stack:
        slow, other = (
            stack.enter_context(socket.create_connection(server.address, 5)) for _ in "ab"
        )
        talk(slow, b"set a 0 0 500000\r\n" + value + b"\r\n", b"STORED\r\n")
        slow.sendall(b"get a\r\n" * 60 + b"mn\r\n")
        assert talk(other, b"mn\r\n", b"MN\r\n") == b"MN\r\n"
        heard = 0
        while data := slow.recv(1 << 20):
            heard += len(data)
            if data.endswith(b"MN\r\n"):
                break
        assert heard == 60 * (len(b"VALUE a 0 500000\r\n") + 500_000 + 7) + 4


def session_with(items: int, value_bytes: int) -> Session:
    storage = Storage()
    for n in range(items):
        storage.set(b"k%d" % n, b"x" * value_bytes, 0, 0, 1e9)
    return Session(storage, Counts())


def test_replies_stop_when_enough_was_said_and_go_on_later() -> None:
    session = session_with(1, 1000)
    session.feed(b"get k0\r\n" * 50)
    first = session.work(1e9, reply_bytes=3000)
    assert 3000 <= len(first) < 5000
    assert not session.is_done
    rest = b""
    while not session.is_done:
        rest += session.work(1e9, reply_bytes=3000)
    assert (first + rest).count(b"END\r\n") == 50


def test_one_get_cannot_ask_for_more_than_memory_is_meant_for() -> None:
    session = session_with(1, 1_000_000)
    session.feed(b"get" + b" k0" * 20 + b"\r\nget k0\r\n")
    said = session.work(1e9, reply_bytes=2 * REPLY_BYTES_MAX)
    assert said.startswith(b"SERVER_ERROR out of memory writing get response\r\nVALUE k0 0 1000000")


def test_the_clock_follows_real_time_and_is_not_set_back() -> None:
    clock = steady_clock()
    first = clock()
    assert abs(first - time.time()) < 5
    assert clock() >= first
