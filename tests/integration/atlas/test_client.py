"""The client against a real server: what is published is fetched, and failures are told apart."""

from __future__ import annotations

import contextlib
import math
import socket
import threading
import time

import pytest

from atlas import BadData, Datapoint, LimitExceeded, StoreUnreachable
from atlas.client import AtlasClient

pytestmark = pytest.mark.integration


def now_ms() -> int:
    return int(time.time()) * 1000


def points(time_ms, count=3):
    tags = {"name": "playback.starts", "atlas.dstype": "rate"}
    return [Datapoint({**tags, "node": f"i-{i}"}, time_ms, float(i + 1)) for i in range(count)]


def test_what_is_published_is_fetched_at_once(client):
    end_ms = now_ms()
    client.publish(points(end_ms))
    (line,) = client.fetch("name,playback.starts,:eq", end_ms - 2000, end_ms, 1000)
    assert (line.start_ms, line.step_ms) == (end_ms - 1000, 1000)
    assert math.isnan(line.values[0])
    assert line.points() == {end_ms: 6.0}
    grouped = client.fetch("name,playback.starts,:eq,(,node,),:by", end_ms - 1000, end_ms, 1000)
    assert {line.tags["node"]: line.values for line in grouped} == {
        "i-0": (1.0,),
        "i-1": (2.0,),
        "i-2": (3.0,),
    }


def test_tags_are_listed_over_all_pages(client):
    client.publish(points(now_ms(), 2100))
    assert len(client.tags("node")) == 2100
    assert client.tags() == ["atlas.dstype", "name", "node"]
    assert client.tags("node", "node,i-7,:eq") == ["i-7"]


def test_mistake_in_a_program_is_the_stores_message(client):
    with pytest.raises(BadData) as caught:
        client.fetch("name,a,:eq,:summ", 0, 1000, 1000)
    assert caught.value.message == "IllegalStateException: unknown word ':summ'"
    assert caught.value.fix == "did you mean ':sum'?"


def test_refused_points_are_named(client):
    with pytest.raises(BadData, match="data is too old") as caught:
        client.publish([*points(0), *points(now_ms())])
    assert "data is too old" in caught.value.what
    assert client.tags("node") == ["i-0", "i-1", "i-2"]


@pytest.mark.parametrize(
    ("start_ms", "end_ms", "step_ms", "kind"),
    [
        (500, 1000, 1000, BadData),
        (1000, 1000, 1000, BadData),
        (0, 2_000_000, 1000, LimitExceeded),
        (0, 3500, 500, BadData),
    ],
)
def test_window_that_the_store_would_change_is_refused(client, start_ms, end_ms, step_ms, kind):
    with pytest.raises(kind):
        client.fetch("1", start_ms, end_ms, step_ms)


@pytest.mark.parametrize("address", ["ftp://x", "store.sock", "unix:", "http://"])
def test_what_is_no_address_is_refused(address):
    with pytest.raises(BadData, match="not the address of a store"):
        AtlasClient(address)


def test_absent_store_is_unreachable(tmp_path):
    for address in (f"unix:{tmp_path}/none.sock", "http://127.0.0.1:1"):
        with pytest.raises(StoreUnreachable) as caught:
            AtlasClient(address).health()
        assert caught.value.where == address
        assert caught.value.fix


def answering(path, reply: bytes) -> socket.socket:
    """A listener that answers one connection with these bytes, or not at all if there are none."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()

    def answer():
        connection, _ = listener.accept()
        with connection, contextlib.suppress(OSError):  # the client may be gone
            connection.recv(10_000)
            if not reply:
                connection.recv(1)  # until the client gives up
            connection.sendall(reply)

    threading.Thread(target=answer, daemon=True).start()
    return listener


OK = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize(
    ("reply", "what"),
    [
        (b"", "no answer within 0.2 s"),
        (b"SSH-2.0-x\r\n", "cannot reach the store"),
        (OK + b"<html>", "is not JSON"),
        (OK + b'{"step":1000}', "is not a graph"),
        (OK + b"[]", "is not a graph"),
        (b"HTTP/1.1 503 No\r\nConnection: close\r\n\r\n", "the store answers 503"),
    ],
)
def test_answer_of_something_else_is_unreachable(socket_path, reply, what):
    with answering(socket_path, reply):
        client = AtlasClient(f"unix:{socket_path}", timeout_s=0.2)
        with pytest.raises(StoreUnreachable, match=what):
            client.fetch("1", 0, 1000, 1000)
