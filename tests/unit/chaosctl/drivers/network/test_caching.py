"""Flushing a cache node as anybody may who reaches it: ours here, and what is none."""

from __future__ import annotations

import socket
import threading

import pytest

from chaosctl.drivers.network import cache_nodes, caching
from chaosctl.drivers.network.helper import NetworkHelper
from monkeys.errors import TargetFailed
from monkeys.target import Instance, UndoRecord
from tests.cache_servers import own_cache


@pytest.fixture
def cache():
    with own_cache() as server:
        yield server.address


def says(address, words: bytes) -> bytes:
    with socket.create_connection(address, 2) as connection:
        connection.sendall(words)
        return connection.recv(4096)


def test_a_flushed_node_has_forgotten_its_entries_and_counts_it(cache):
    assert says(cache, b"set k 0 0 1\r\nv\r\n") == b"STORED\r\n"
    assert says(cache, b"get k\r\n").startswith(b"VALUE k")
    (before,) = caching.flush_counts([cache], 1.0)
    caching.flush([cache], 1.0)
    assert says(cache, b"get k\r\n") == b"END\r\n"
    assert caching.flush_counts([cache], 1.0) == [before + 1]


@pytest.mark.parametrize("ask", [caching.flush, caching.flush_counts])
def test_what_is_no_cache_node_is_said(ask):
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            connection.recv(100)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            connection.close()

        answering = threading.Thread(target=answer)
        answering.start()
        with pytest.raises(caching.NoCache):
            ask([server.getsockname()], 1.0)
        answering.join()
        address = server.getsockname()
    with pytest.raises(caching.NoCache, match="does not answer"):
        ask([address], 1.0)


def instance(port: int) -> Instance:
    handle = {"link": "", "cache_port": port}
    return Instance("i-1", "api", "g", "r", "z", address="127.0.0.1", handle=handle)


def test_who_is_no_cache_node_is_refused_with_the_fix():
    record = UndoRecord("r1", "cache-flush", "demo", "flush", (instance(0),))
    with pytest.raises(TargetFailed, match="is no cache node") as refused:
        cache_nodes.flush(NetworkHelper(), record)
    assert "service: evcache" in refused.value.fix


def test_without_namespaces_nodes_are_told_directly(cache):
    one = instance(cache[1])
    (before,) = cache_nodes.flush_counts(NetworkHelper(), [one]).values()
    cache_nodes.flush(NetworkHelper(), UndoRecord("r1", "cache-flush", "demo", "flush", (one,)))
    assert cache_nodes.flush_counts(NetworkHelper(), [one]) == {"i-1": before + 1}
