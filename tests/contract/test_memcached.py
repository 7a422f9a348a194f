"""What a cache node must do, ours and the original, by unmodified pymemcache and word for word."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pymemcache.client.base import Client
from pymemcache.client.hash import HashClient
from pymemcache.exceptions import MemcacheServerError

from tests.cache_servers import Server, memcached, own_cache

CONVERSATIONS = Path(__file__).parents[1] / "data/evcache/conversations.yaml"
ORIGINAL = pytest.param(
    memcached, id="original", marks=[pytest.mark.integration, pytest.mark.engines]
)


@pytest.fixture(scope="module", params=[pytest.param(own_cache, id="own"), ORIGINAL])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with request.param() as found:
        yield found


@pytest.fixture
def address(server: Server) -> tuple[str, int]:
    return server.address


@pytest.fixture
def client(address: tuple[str, int]) -> Iterator[Client]:
    one = Client(address, connect_timeout=5, timeout=5, default_noreply=False)
    with contextlib.closing(one):
        one.flush_all()
        yield one


def line_of(said: Any) -> bytes:
    """A line of a conversation, with its end."""
    if isinstance(said, str):
        return said.encode() + b"\r\n"
    if "count" in said:
        return (" ".join(["get", *(f"k{n}" for n in range(said["count"]))]) + "\r\n").encode()
    text = said.get("before", "") + said["text"] * said["times"] + said.get("after", "")
    return text.encode() + (b"" if said.get("unended") else b"\r\n")


@pytest.mark.parametrize("case", yaml.safe_load(CONVERSATIONS.read_text()), ids=lambda c: c["name"])
def test_answers_word_for_word(client: Client, address: tuple[str, int], case: Any) -> None:
    with socket.create_connection(address, timeout=5) as peer:
        peer.sendall(b"".join(line_of(said) for said in case["say"]))
        if case["hear"][-1] != "closed":
            peer.sendall(b"mn\r\n")
        heard = b""
        try:
            while not heard.endswith(b"MN\r\n") or heard.count(b"MN\r\n") <= case["hear"].count(
                "MN"
            ):
                data = peer.recv(65536)
                heard += data or b"closed\r\n"
                if not data:
                    break
        except ConnectionResetError:  # hung up while we were still talking
            heard += b"closed\r\n"
    lines = heard.decode().removesuffix("\r\nMN\r\n").removesuffix("\r\n").split("\r\n")
    assert ["VERSION *" if one.startswith("VERSION") else one for one in lines] == case["hear"]


def test_values_of_all_kinds_come_back(client: Client) -> None:
    values = {"empty": b"", "line": b"a\r\nEND\r\n", "all": bytes(range(256)), "mb": b"x" * 10**6}
    for key, value in values.items():
        assert client.set(key, value)
    assert {key: client.get(key) for key in values} == values
    assert client.get_many([*values, "missing"]) == values


def test_many_at_once(client: Client) -> None:
    values = {f"key-{n}": b"%d" % n for n in range(500)}
    assert client.set_many(values) == []
    assert client.get_many(values) == values
    assert client.delete_many(values)
    assert client.get_many(values) == {}


def test_cas_lets_one_of_two_writers_win(client: Client) -> None:
    client.set("a", b"0")
    value, first = client.gets("a")
    _, second = client.gets("a")
    assert value == b"0"
    assert client.cas("a", b"1", first) is True
    assert client.cas("a", b"2", second) is False
    assert client.cas("missing", b"2", second) is None
    assert client.get("a") == b"1"


def test_what_touch_does_is_no_change_and_what_incr_does_is_one(client: Client) -> None:
    client.set("n", b"1")
    _, before = client.gets("n")
    client.touch("n", 100)
    assert client.gets("n")[1] == before
    client.incr("n", 1)
    assert client.gets("n")[1] != before


def test_items_expire(client: Client, server: Server) -> None:
    client.set("relative", b"a", expire=1)
    client.set("absolute", b"b", expire=int(time.time()) + 2)
    client.set("later", b"c", expire=100)
    client.set("touched", b"d", expire=1)
    client.touch("touched", 100)
    assert client.get("later") == b"c"
    server.pass_time(3.1)  # the original counts whole seconds
    found = client.get_many(["relative", "absolute", "later", "touched"])
    assert found == {"later": b"c", "touched": b"d"}


def test_a_flush_to_come_takes_what_is_stored_until_then(client: Client, server: Server) -> None:
    client.set("a", b"a")
    assert client.flush_all(delay=3)
    assert client.get("a") == b"a"
    server.pass_time(3.1)
    assert client.get("a") is None
    client.set("a", b"b")
    assert client.get("a") == b"b"


def test_statistics_count(client: Client) -> None:
    before = client.stats()
    client.set("a", b"a")
    client.get_many(["a", "b", "c"])
    client.delete("c")
    after = client.stats()
    grown = {
        name: int(after[name]) - int(before[name])
        for name in (b"cmd_get", b"cmd_set", b"get_hits", b"get_misses", b"delete_misses")
    }
    assert grown == {
        b"cmd_get": 3,
        b"cmd_set": 1,
        b"get_hits": 1,
        b"get_misses": 2,
        b"delete_misses": 1,
    }
    known = {b"pid", b"uptime", b"time", b"version", b"curr_items", b"bytes", b"limit_maxbytes"}
    assert known <= set(after)


def test_what_is_too_large_is_refused_and_the_connection_lives(client: Client) -> None:
    with pytest.raises(MemcacheServerError, match="too large"):
        client.set("a", b"x" * (1024 * 1024))
    with contextlib.closing(Client(client.server, default_noreply=False)) as again:
        assert again.set("a", b"x")


def test_a_full_node_forgets_what_was_read_longest_ago(client: Client) -> None:
    value = b"x" * 100_000
    for n in range(400):  # 40 MB into 16
        client.set(f"key-{n}", value)
        client.get("key-0")
    stats = client.stats()
    assert int(stats[b"evictions"]) > 100
    assert int(stats[b"bytes"]) <= int(stats[b"limit_maxbytes"])
    assert client.get("key-0") == client.get("key-399") == value
    assert client.get("key-1") is None


def test_keys_are_dumped_for_a_warmer(client: Client, address: tuple[str, int]) -> None:
    client.set("plain", b"a")
    client.set("odd%c", b"b", expire=1000)
    time.sleep(0.1)
    with socket.create_connection(address, timeout=5) as peer, peer.makefile("rwb") as file:
        file.write(b"lru_crawler metadump all\r\n")
        file.flush()
        lines = list(iter(file.readline, b"END\r\n"))
    found = dict(line.split()[:2] for line in lines)
    assert set(found) == {b"key=plain", b"key=odd%25c"}
    assert found[b"key=plain"] == b"exp=-1"
    assert (
        0 <= int(found[b"key=odd%25c"].removeprefix(b"exp=")) - time.time() <= 1010
    )  # our own has let some time pass


def test_a_client_of_many_servers_works(address: tuple[str, int]) -> None:
    client = HashClient([address], use_pooling=True, max_pool_size=4)
    client.set_many({"a": b"1", "b": b"2"})
    assert client.get_many(["a", "b", "c"]) == {"a": b"1", "b": b"2"}
    client.quit()
