"""What the fault proxy must do, ours and the original, asked by unmodified toxiproxy-python."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from toxiproxy import Toxiproxy
from toxiproxy.exceptions import InvalidToxic, NotFound, ProxyExists

from tests.toxiproxy_servers import (
    INSTALLS_WITHIN_S,
    Server,
    exchanged,
    free_port,
    is_refused,
    original,
    ours,
    spoken,
    until,
)

ENGINES = [
    pytest.mark.integration,
    pytest.mark.engines,
    pytest.mark.timeout(INSTALLS_WITHIN_S + 60),
]
PROXY = {"name": "echo", "listen": "127.0.0.1:0"}


@pytest.fixture(
    scope="module",
    params=[pytest.param(ours, id="ours"), pytest.param(original, id="original", marks=ENGINES)],
)
def running(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    with request.param(tmp_path_factory.mktemp("toxiproxy")) as found:
        yield found


@pytest.fixture
def server(running: Server) -> Iterator[Server]:
    yield running
    for name in running.ask("GET", "/proxies")[1]:
        running.ask("DELETE", f"/proxies/{name}")


@pytest.fixture
def client(server: Server) -> Toxiproxy:
    toxiproxy = Toxiproxy()
    toxiproxy.update_api_consumer("127.0.0.1", server.port)
    return toxiproxy


@pytest.fixture
def upstream() -> Iterator[int]:
    """A server that says everything back, and hangs up when it is hung up on."""
    listener = socket.create_server(("127.0.0.1", 0))

    def echo(peer: socket.socket) -> None:
        with peer, suppress(OSError):
            while data := peer.recv(65536):
                peer.sendall(data)

    def accept() -> None:
        with suppress(OSError):
            while True:
                peer, _ = listener.accept()
                threading.Thread(target=echo, args=(peer,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    yield listener.getsockname()[1]
    # Closing alone does not wake who waits in accept().
    with suppress(OSError):
        listener.shutdown(socket.SHUT_RDWR)
    listener.close()


@pytest.fixture
def proxied(server: Server, upstream: int) -> tuple[str, int]:
    """The address of a proxy before the echo."""
    _, made = server.ask("POST", "/proxies", PROXY | {"upstream": f"127.0.0.1:{upstream}"})
    host, _, port = made["listen"].rpartition(":")
    return host, int(port)


def add(server: Server, kind: str, stream: str = "downstream", **attributes: int) -> None:
    toxic = {"type": kind, "stream": stream, "attributes": attributes}
    status, said = server.ask("POST", "/proxies/echo/toxics", toxic)
    assert status == 200, said


def test_the_python_client_makes_changes_and_ends_proxies(client: Toxiproxy, upstream: int) -> None:
    assert client.running()
    assert b"version" in client.version()
    proxy = client.create(name="echo", upstream=f"127.0.0.1:{upstream}")
    host, _, port = proxy.listen.rpartition(":")
    address = host, int(port)
    assert spoken(address)[0] == b"hello"
    with pytest.raises(ProxyExists):
        client.create(name="echo", upstream="127.0.0.1:1")
    with proxy.down():
        assert is_refused(address)
    assert spoken(address)[0] == b"hello"
    proxy.add_toxic(type="latency", attributes={"latency": 200})
    assert proxy.get_toxic("latency_downstream").attributes == {"latency": 200, "jitter": 0}
    assert spoken(address)[1] >= 0.2
    with pytest.raises(InvalidToxic):
        proxy.add_toxic(type="nonsense")
    assert client.reset()
    assert proxy.toxics() == {}
    assert spoken(address)[1] < 0.2
    with pytest.raises(NotFound):
        proxy.destroy_toxic("latency_downstream")
    wanted = [{"name": "two", "upstream": "127.0.0.1:9", "listen": "127.0.0.1:0"}]
    assert [each.name for each in client.populate(wanted)] == ["two"]
    assert sorted(client.proxies()) == ["echo", "two"]
    client.destroy_all()
    assert client.proxies() == {}


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "said"),
    [
        ("POST", "/proxies", {"upstream": "a:1"}, 400, "missing required field: name"),
        ("POST", "/proxies", {"name": "b"}, 400, "missing required field: upstream"),
        ("POST", "/proxies", PROXY | {"upstream": "a:1"}, 409, "proxy already exists"),
        ("POST", "/proxies", "{bad", 400, "bad request body: "),
        ("POST", "/proxies", {"name": 1, "upstream": "a:1"}, 400, "bad request body: "),
        ("GET", "/proxies/none", None, 404, "proxy not found"),
        ("POST", "/proxies/none", {}, 404, "proxy not found"),
        ("DELETE", "/proxies/none", None, 404, "proxy not found"),
        ("GET", "/proxies/echo/toxics/none", None, 404, "toxic not found"),
        ("PATCH", "/proxies/echo/toxics/none", {}, 404, "toxic not found"),
        ("DELETE", "/proxies/echo/toxics/none", None, 404, "toxic not found"),
        ("POST", "/proxies/echo/toxics", {"type": "none"}, 400, "invalid toxic type"),
        (
            *("POST", "/proxies/echo/toxics", {"type": "latency", "stream": "none"}, 400),
            "stream was invalid, can be either upstream or downstream",
        ),
        (
            *("POST", "/proxies/echo/toxics"),
            *({"type": "latency", "attributes": {"latency": "x"}}, 400, "bad request body: "),
        ),
        ("POST", "/populate", [{"name": ""}], 400, "missing required field: name at proxy 1"),
    ],
)
def test_a_mistake_is_refused_as_by_the_original(
    server: Server,
    proxied: tuple[str, int],
    method: str,
    path: str,
    body: Any,
    status: int,
    said: str,
) -> None:
    before = server.ask("GET", "/proxies")
    got, answer = server.ask(method, path, body)
    assert (got, answer["status"]) == (status, status)
    # Of a body that is wrong each says in words of its own what it stumbled on.
    assert answer["error"].startswith(said) if said.endswith(": ") else answer["error"] == said
    assert server.ask("GET", "/proxies") == before
    assert spoken(proxied)[0] == b"hello"


def test_a_port_that_is_taken_is_said(server: Server) -> None:
    taken = {"name": "p", "listen": f"127.0.0.1:{server.port}", "upstream": "127.0.0.1:9"}
    said = {"error": f"listen tcp 127.0.0.1:{server.port}: bind: address already in use"}
    assert server.ask("POST", "/proxies", taken) == (500, said | {"status": 500})
    assert server.ask("GET", "/proxies") == (200, {})


def test_a_browser_is_turned_away(server: Server) -> None:
    assert server.ask("GET", "/proxies", **{"User-Agent": "Mozilla/5.0"})[0] == 403


def test_a_proxy_is_shown_as_it_is(server: Server, proxied: tuple[str, int], upstream: int) -> None:
    add(server, "slicer", "upstream", average_size=3)
    status, shown = server.ask("PATCH", "/proxies/echo/toxics/slicer_upstream", {"toxicity": 0.5})
    assert (status, shown["toxicity"], shown["attributes"]["average_size"]) == (200, 0.5, 3)
    status, shown = server.ask("POST", "/proxies/echo", {"enabled": False})
    shown.pop("Logger", None)  # the original lets an inner thing slip out
    assert (status, shown) == (
        200,
        {
            "name": "echo",
            "listen": f"127.0.0.1:{proxied[1]}",
            "upstream": f"127.0.0.1:{upstream}",
            "enabled": False,
            "toxics": [
                {
                    "attributes": {"average_size": 3, "size_variation": 0, "delay": 0},
                    "name": "slicer_upstream",
                    "type": "slicer",
                    "stream": "upstream",
                    "toxicity": 0.5,
                }
            ],
        },
    )


def test_populate_leaves_alone_what_is_so_already(server: Server, upstream: int) -> None:
    wanted = {
        "name": "echo",
        "listen": f"127.0.0.1:{free_port()}",
        "upstream": f"127.0.0.1:{upstream}",
    }
    other = wanted | {"name": "other", "listen": "127.0.0.1:0", "enabled": False}
    status, made = server.ask("POST", "/populate", [wanted, other])
    assert (status, [each["enabled"] for each in made["proxies"]]) == (201, [True, False])
    add(server, "latency", latency=1)
    _, made = server.ask("POST", "/populate", [wanted])
    assert len(made["proxies"][0]["toxics"]) == 1
    _, made = server.ask("POST", "/populate", [wanted | {"upstream": "127.0.0.1:9"}])
    assert made["proxies"][0]["toxics"] == []


def test_latency_is_felt_on_open_connections_and_gone_when_taken_off(
    server: Server, proxied: tuple[str, int]
) -> None:
    with socket.create_connection(proxied, timeout=5) as peer:
        assert exchanged(peer)[1] < 0.25
        add(server, "latency", latency=250)
        add(server, "latency", "upstream", latency=250)
        heard, took_s = exchanged(peer)
        assert heard == b"hello"
        assert 0.5 <= took_s < 1.5
        server.ask("DELETE", "/proxies/echo/toxics/latency_upstream")
        server.ask("DELETE", "/proxies/echo/toxics/latency_downstream")
        assert exchanged(peer)[1] < 0.25


def test_taking_latency_off_lets_go_of_what_it_held(
    server: Server, proxied: tuple[str, int]
) -> None:
    with socket.create_connection(proxied, timeout=5) as peer:
        add(server, "latency", latency=60_000)
        peer.sendall(b"held")
        time.sleep(0.2)
        server.ask("POST", "/reset")
        assert peer.recv(10) == b"held"


def test_bandwidth_is_limited(server: Server, proxied: tuple[str, int]) -> None:
    add(server, "bandwidth", rate=200)
    heard, took_s = spoken(proxied, b"x" * 100_000)
    assert len(heard) == 100_000
    assert 0.4 <= took_s < 2.0


def test_all_bytes_pass_in_order_whatever_holds_them(
    server: Server, proxied: tuple[str, int]
) -> None:
    add(server, "slicer", average_size=7, size_variation=3, delay=10)
    add(server, "latency", "upstream", latency=20, jitter=10)
    said = bytes(n % 251 for n in range(3000))
    assert spoken(proxied, said)[0] == said


def test_a_megabyte_passes_untouched(proxied: tuple[str, int]) -> None:
    said = bytes(n % 251 for n in range(1 << 20))
    with socket.create_connection(proxied, timeout=10) as peer:
        writer = threading.Thread(target=peer.sendall, args=(said,))
        writer.start()
        heard = b""
        while len(heard) < len(said):
            heard += peer.recv(65536)
        writer.join()
    assert heard == said


def test_a_time_out_swallows_and_then_closes(server: Server, proxied: tuple[str, int]) -> None:
    add(server, "timeout", timeout=300)
    began_s = time.monotonic()
    with socket.create_connection(proxied, timeout=5) as peer:
        peer.sendall(b"hello")
        with suppress(ConnectionResetError):
            assert peer.recv(10) == b""
    assert 0.25 <= time.monotonic() - began_s < 2


def test_a_time_out_of_0_swallows_until_it_is_taken_off(
    server: Server, proxied: tuple[str, int]
) -> None:
    add(server, "timeout", timeout=0)
    with socket.create_connection(proxied, timeout=0.4) as peer:
        peer.sendall(b"hello")
        with pytest.raises(TimeoutError):
            peer.recv(10)
        server.ask("DELETE", "/proxies/echo/toxics/timeout_downstream")
        peer.settimeout(5)
        with suppress(ConnectionResetError):
            assert peer.recv(10) == b""
    assert spoken(proxied)[0] == b"hello"


def test_a_peer_is_reset(server: Server, proxied: tuple[str, int]) -> None:
    add(server, "reset_peer", timeout=0)
    with socket.create_connection(proxied, timeout=5) as peer:
        peer.sendall(b"hello")
        with pytest.raises(ConnectionResetError):
            peer.recv(10)


def test_data_is_limited_for_each_connection(server: Server, proxied: tuple[str, int]) -> None:
    add(server, "limit_data", bytes=7)
    for _ in range(2):
        with socket.create_connection(proxied, timeout=5) as peer:
            peer.sendall(b"0123456789")
            heard = b""
            with suppress(ConnectionResetError):
                while data := peer.recv(10):
                    heard += data
        assert heard == b"0123456"


def test_a_close_is_slow(server: Server, proxied: tuple[str, int]) -> None:
    add(server, "slow_close", delay=400)
    with socket.create_connection(proxied, timeout=5) as peer:
        exchanged(peer)
        began_s = time.monotonic()
        peer.shutdown(socket.SHUT_WR)
        assert peer.recv(10) == b""
    assert 0.35 <= time.monotonic() - began_s < 2


@pytest.mark.parametrize("ends", ["client", "upstream"])
def test_a_connection_that_has_ended_leaves_nothing_open(
    server: Server, proxied: tuple[str, int], ends: str
) -> None:
    folder = Path(f"/proc/{server.pid}/fd")
    before = len(list(folder.iterdir()))
    for _ in range(20):
        with socket.create_connection(proxied, timeout=5) as peer:
            exchanged(peer)
            if ends == "upstream":  # it hangs up when it is hung up on
                peer.shutdown(socket.SHUT_WR)
                assert peer.recv(10) == b""
    until(lambda: len(list(folder.iterdir())) <= before + 2)


def test_toxicity_0_is_on_nobody(server: Server, proxied: tuple[str, int]) -> None:
    toxic = {"type": "timeout", "toxicity": 0, "attributes": {"timeout": 1}}
    assert server.ask("POST", "/proxies/echo/toxics", toxic)[0] == 200
    assert all(spoken(proxied)[0] == b"hello" for _ in range(5))


def test_taken_down_it_refuses_and_ends_what_is_open(
    server: Server, proxied: tuple[str, int]
) -> None:
    with socket.create_connection(proxied, timeout=5) as peer:
        exchanged(peer)
        assert server.ask("PATCH", "/proxies/echo", {"enabled": False})[0] == 200
        with suppress(ConnectionResetError):
            assert peer.recv(10) == b""
    assert is_refused(proxied)
    assert server.ask("POST", "/reset")[0] == 204
    assert spoken(proxied)[0] == b"hello"


def test_a_dead_upstream_ends_the_connection(server: Server) -> None:
    dead = {"name": "dead", "listen": "127.0.0.1:0", "upstream": f"127.0.0.1:{free_port()}"}
    _, made = server.ask("POST", "/proxies", dead)
    address = "127.0.0.1", int(made["listen"].rpartition(":")[2])
    # Accepted, for the proxy is there; then reset by ours, closed by the original.
    try:
        with socket.create_connection(address, timeout=5) as peer:
            assert (peer.recv(10), server.is_ours) == (b"", False)
    except ConnectionResetError:
        assert server.is_ours


def test_what_has_a_lease_ends_by_itself(server: Server, proxied: tuple[str, int]) -> None:
    if not server.is_ours:
        assert "leases" not in server.ask("GET", "/version")[1]
        return
    assert server.ask("GET", "/version")[1]["leases"] is True
    toxic = {"type": "latency", "attributes": {"latency": 5000}, "lease_ms": 300}
    status, shown = server.ask("POST", "/proxies/echo/toxics", toxic)
    assert (status, shown["lease_ms"]) == (200, 300)
    assert spoken(proxied)[1] < 2
    assert server.ask("GET", "/proxies/echo/toxics") == (200, [])
    server.ask("PATCH", "/proxies/echo", {"enabled": False, "lease_ms": 300})
    assert is_refused(proxied)
    until(lambda: not is_refused(proxied))
    wrong = toxic | {"lease_ms": -1}
    assert server.ask("POST", "/proxies/echo/toxics", wrong)[0] == 400
