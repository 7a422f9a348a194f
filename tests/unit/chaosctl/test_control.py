"""The control API's client against a small server on a unix socket."""

from __future__ import annotations

import json
import socket
import socketserver
import threading
from http.server import BaseHTTPRequestHandler

import pytest

from chaosctl.control import Control, NotUp
from monkeys.errors import TargetFailed


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append((self.command, self.path, self._body()))
        status, document = self.server.reply
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_PUT = do_DELETE = do_GET  # noqa: N815 - the names that http.server looks for

    def _body(self):
        length = int(self.headers.get("content-length") or 0)
        return json.loads(self.rfile.read(length)) if length else None

    def log_message(self, *_):
        return

    def address_string(self):
        return "unix"


@pytest.fixture
def server(tmp_path):
    with socketserver.UnixStreamServer(str(tmp_path / "c"), Handler) as made:
        made.asked, made.reply = [], (200, {"id": "w1"})
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def test_each_call_is_one_request(server):
    control = Control(server.server_address)
    assert control.platform() == {"id": "w1"}
    control.set_switches({"no-fallback": True})
    control.suspend("t", [{"group": "g", "zone": "z"}])
    control.release("t")
    assert server.asked == [
        ("GET", "/v1/platform", None),
        ("PUT", "/v1/switches", {"no-fallback": True}),
        ("PUT", "/v1/suspensions/t", {"groups": [{"group": "g", "zone": "z"}]}),
        ("DELETE", "/v1/suspensions/t", None),
    ]


def test_a_refusal_keeps_what_where_and_fix(server):
    server.reply = (400, {"error": {"what": "no such", "where": "/v1", "fix": "do that"}})
    with pytest.raises(TargetFailed) as caught:
        Control(server.server_address).platform()
    error = caught.value
    assert (error.what, error.where, error.fix) == ("no such", "/v1", "do that")


def test_an_answer_that_is_no_json_is_no_answer(server):
    server.reply = (200, b"<html>")
    with pytest.raises(TargetFailed, match="does not answer"):
        Control(server.server_address).platform()


def test_nobody_listening_says_how_to_start_it(tmp_path):
    with pytest.raises(NotUp) as caught:
        Control(tmp_path / "none").platform()
    assert caught.value.fix == "chaosctl demo up"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "left"))  # a socket file whose owner is dead
        with pytest.raises(NotUp):
            Control(tmp_path / "left").platform()


def test_silence_is_bounded(tmp_path):
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "s"))
        silent.listen()
        with pytest.raises(TargetFailed, match="timed out"):
            Control(tmp_path / "s", timeout_s=0.05).platform()
