"""HTTP probes, against real servers on the loopback."""

from __future__ import annotations

import math
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from chaosctl.probes import PROBES, Answer, CannotAsk

REPLIES = {
    "/well": (200, b"status: ready\ndepth: 17\n"),
    "/json": (200, b'{"status": "ok", "queue": {"depth": 17, "full": false}}'),
    "/nan": (200, b'{"queue": {"depth": NaN}}'),
    "/huge": (200, b'{"a": "' + b"x" * 100_000 + b'"}'),
    "/deep": (200, b"[" * 60_000),
    "/binary": (200, bytes(range(256)) * 4),
    "/sick": (503, b"no database"),
    "/moved": (302, b""),
    "/empty": (204, b""),
}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/slow":
            time.sleep(0.5)
        status, body = REPLIES.get(self.path, (200, b""))
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers["Content-Length"]))
        body = sent + self.headers["X-Who"].encode()
        self.send_response(201)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def ask(url: str, *, timeout_s: float = 5.0, **parameters: object) -> Answer:
    return PROBES["http"]({"url": url, **parameters}).ask(timeout_s)


@pytest.mark.parametrize(
    ("path", "parameters", "value", "text"),
    [
        ("/well", {}, 1, "status 200"),
        ("/empty", {}, 1, "status 204"),
        ("/sick", {}, 0, "status 503"),
        ("/moved", {}, 0, "status 302"),
        ("/sick", {"expect": {"status": (503,)}}, 1, "status 503"),
        ("/well", {"expect": {"status": (204, 301)}}, 0, "status 200"),
        ("/well", {"expect": {"contains": "ready"}}, 1, "status 200"),
        ("/well", {"expect": {"contains": "asleep"}}, 0, "does not contain 'asleep'"),
        ("/well", {"expect": {"matches": "^depth: [0-9]+$"}}, 1, "status 200"),
        ("/well", {"expect": {"matches": "epth: (16|17)"}}, 1, "status 200"),
        ("/well", {"expect": {"matches": "depth: x"}}, 0, "matches 'depth: x'"),
        ("/json", {"expect": {"json": {"path": "$.status", "equals": "ok"}}}, 1, "status 200"),
        ("/json", {"expect": {"json": {"path": "$.status", "equals": "no"}}}, 0, '"ok", not "no"'),
        ("/json", {"expect": {"json": {"path": "$.queue.full", "equals": 0}}}, 0, "false, not 0"),
        ("/json", {"expect": {"json": {"path": "$.nowhere"}}}, 0, "nothing at $.nowhere"),
        ("/well", {"expect": {"json": {"path": "$.status"}}}, 0, "is no JSON"),
        ("/deep", {"expect": {"json": {"path": "$.status"}}}, 0, "is no JSON"),
        ("/huge", {"expect": {"json": {"path": "$.a"}}}, 0, "longer than 64 KiB"),
        ("/huge", {"expect": {"contains": "xxx"}}, 1, "status 200"),
        ("/binary", {"expect": {"contains": "ABC"}}, 1, "status 200"),
        ("/slow", {"expect": {"within": 100}}, 0, "not within 100 ms"),
        ("/json", {"take": "$.queue.depth"}, 17, "17"),
        ("/json", {"take": "$.queue.full"}, math.nan, "no number at $.queue.full"),
        ("/json", {"take": "$.nowhere"}, math.nan, "no number"),
        ("/nan", {"take": "$.queue.depth"}, math.nan, "no number"),
        ("/sick", {"take": "$.queue.depth"}, math.nan, "status 503"),
        ("/sick", {"take": "latency"}, math.inf, "status 503"),
    ],
)
def test_reply_is_held_against_what_is_expected(base, path, parameters, value, text):
    answer = ask(base + path, **parameters)
    assert answer.value == pytest.approx(value, nan_ok=True)
    assert text in answer.text


def test_latency_is_taken_in_ms(base):
    assert 500 <= ask(f"{base}/slow", take="latency").value < 3000


def test_method_headers_and_body_are_sent(base):
    answer = ask(
        f"{base}/x",
        method="POST",
        headers={"X-Who": "me"},
        body="hello ",
        expect={"contains": "hello me"},
    )
    assert answer.value == 1


def test_refusal_and_time_out_are_the_target_s(base):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        assert ask(closed) == Answer(0.0, "connection refused")
        assert ask(closed, take="latency").value == math.inf
    assert ask(f"{base}/slow", timeout_s=0.1) == Answer(0.0, "no answer within 0.1 s")


@contextmanager
def raw_server(talk) -> Iterator[str]:
    """A server that says what it likes."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                try:
                    talk(connection)
                except OSError:
                    return  # who asked has gone

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"
        thread.join(5)


def drip(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    for _ in range(200):
        connection.sendall(b"X: y\r\n")
        time.sleep(0.05)


def test_server_that_drips_is_cut_off_in_time():
    with raw_server(drip) as url:
        began = time.monotonic()
        assert ask(url, timeout_s=0.3) == Answer(0.0, "no answer within 0.3 s")
        assert time.monotonic() - began < 2


@pytest.mark.parametrize("said", [b"\x00\xff\x13garbage\r\n\r\n", b"", b"SSH-2.0-OpenSSH\r\n"])
def test_what_speaks_no_http_is_an_answer_too(said):
    with raw_server(lambda connection: connection.sendall(said)) as url:
        answer = ask(url)
        assert answer.value == 0
        assert answer.text.isprintable()


def test_request_that_cannot_be_is_our_own_trouble(base):
    with pytest.raises(CannotAsk):
        ask(base, headers={"X": "a\nb"})


def test_pattern_that_would_take_for_ever_is_our_own_trouble(base):
    with pytest.raises(CannotAsk, match="too much work"):
        ask(f"{base}/huge", expect={"matches": "(x+)+$"})
