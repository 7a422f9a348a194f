"""Activities are performed by real processes: what they give, and that they end."""

from __future__ import annotations

import http.server
import json
import os
import sys
import threading
import time

import pytest

from chaosctl.drivers.activities.activity import Activity, Surroundings
from chaosctl.drivers.activities.given import Given
from chaosctl.drivers.activities.performing import Performer, wait_until_gone

pytestmark = pytest.mark.integration

FUNCTIONS = """
import os, time
def add(one, two=2, configuration=None, secrets=None):
    print("noise on standard output")
    return {"sum": one + two, "zone": configuration["zone"], "key": secrets["key"]}
def fail():
    raise ValueError("no such thing as key-4711")
def leave(): os._exit(7)
def hang(): time.sleep(60)
def size(value): return len(value)
def not_json(): return object
"""


@pytest.fixture
def perform(tmp_path, request):
    (tmp_path / "own_functions.py").write_text(FUNCTIONS)
    marker = f"test-{os.getpid()}-{request.node.name}"
    where = Surroundings(str(tmp_path), (str(tmp_path),), sys.executable, marker)
    given = Given({"zone": "a", "limit": 0.2}, {"shop": {"key": "key-4711"}})
    performer = Performer(given, where)
    yield performer
    performer.end_all()
    assert wait_until_gone(marker, 2.0) == []


def process(path, arguments=None, **more) -> Activity:
    return Activity("p", True, {"type": "process", "path": path, "arguments": arguments}, **more)


def python(func, arguments=None, **more) -> Activity:
    provider = {"type": "python", "module": "own_functions", "func": func, "arguments": arguments}
    return Activity("p", True, provider, secrets=("shop",), **more)


def test_a_process_gives_status_and_output(perform):
    answer = perform.perform(process("sh", ["-c", "echo out; echo err >&2; exit 3"]))
    assert answer.value == {"status": 3, "stdout": "out\n", "stderr": "err\n"}
    assert perform.did(process("sh"), answer) == "ended with status 3: err"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["${zone}", 1], "a 1\n"),
        ("$((1+1)) ${zone}", "2 a\n"),
        ({"-n": "", "x": "${zone}"}, "x a"),
    ],
)
def test_arguments_come_as_list_line_or_map(perform, arguments, said):
    assert perform.perform(process("echo", arguments)).value["stdout"] == said


def test_a_tolerance_decides_whether_an_action_failed(perform):
    activity = process("sh", ["-c", "exit 1"], tolerance=[0, 1], has_tolerance=True)
    assert perform.did(activity, perform.perform(activity)) == ""


def test_a_secret_is_not_in_what_is_told(perform):
    answer = perform.perform(process("echo", ["${key}"]))
    assert answer.value["stdout"] == "key-4711\n"
    assert answer.text == "status 0: [secret]"


def test_a_process_that_is_not_there_is_a_failure(perform):
    answer = perform.perform(process("no-such-program"))
    assert not answer.ok
    assert "no-such-program" in answer.text


def test_binary_and_endless_output_are_bounded(perform):
    answer = perform.perform(process("sh", ["-c", "head -c 300000 /dev/urandom"]))
    assert answer.ok
    assert 0 < len(answer.value["stdout"]) <= 64 << 10
    assert len(answer.text) <= 300


def test_a_process_is_ended_with_its_children_when_time_is_up(perform, tmp_path):
    script = "(sleep 2; touch late) & (trap '' TERM; sleep 2; touch later) & wait"
    began = time.monotonic()
    answer = perform.perform(process("sh", ["-c", script], limit_s="${limit}"))
    assert answer.text.startswith("did not end within 0.2 s")
    assert time.monotonic() - began < 1.8
    time.sleep(2.0)
    assert [path.name for path in tmp_path.iterdir() if "late" in path.name] == []


def test_what_an_action_leaves_running_on_purpose_is_left_alone(perform, tmp_path):
    answer = perform.perform(process("sh", ["-c", "(sleep 1; touch done) & echo started"]))
    assert answer.value["stdout"] == "started\n"
    time.sleep(1.0)
    assert (tmp_path / "done").exists()


def test_a_function_gets_arguments_configuration_and_secrets(perform):
    answer = perform.perform(python("add", {"one": "${limit}"}))
    assert answer.value == {"sum": 2.2, "zone": "a", "key": "key-4711"}
    assert "4711" not in answer.text


@pytest.mark.parametrize(
    ("func", "said"),
    [
        ("fail", "ValueError: no such thing as [secret]"),
        ("leave", "ended with status 7"),
        ("nonesuch", "AttributeError"),
    ],
)
def test_a_function_that_fails_says_how(perform, func, said):
    answer = perform.perform(python(func))
    assert not answer.ok
    assert said in answer.text


def test_a_function_that_hangs_is_ended(perform):
    assert perform.perform(python("hang", limit_s=0.3)).text.startswith("did not end within 0.3 s")


def test_a_value_that_is_no_json_becomes_text(perform):
    assert "class" in perform.perform(python("not_json")).value


def test_end_all_ends_what_runs_and_begins_nothing_more(perform):
    threading.Timer(0.3, perform.end_all).start()
    began = time.monotonic()
    assert not perform.perform(process("sleep", ["30"])).ok
    assert time.monotonic() - began < 2
    assert not perform.perform(process("true")).ok


@pytest.fixture
def address():
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._answer(409 if "refuse" in self.path else 200, body)

        def do_GET(self):
            self._answer(200, self.headers.get("X-Key", ""))

        def _answer(self, status, body):
            text = json.dumps({"path": self.path, "said": body}).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def web(url, **more) -> Activity:
    return Activity("w", True, {"type": "http", "url": url, **more})


def test_http_arguments_go_into_query_form_or_json(perform, address):
    query = perform.perform(web(f"{address}/a", arguments={"q": "${zone}"}))
    assert query.value["body"]["path"] == "/a?q=a"
    form = perform.perform(web(f"{address}/b", method="POST", arguments={"q": 1}))
    assert form.value["body"]["said"] == "q=1"
    json_kind = {"Content-Type": "application/json", "X-Key": "${key}"}
    sent = web(f"{address}/c", method="POST", headers=json_kind, arguments={"q": 1})
    assert perform.perform(sent).value["body"]["said"] == '{"q": 1}'


def test_http_status_is_an_answer_and_fails_an_action(perform, address):
    action = web(f"{address}/refuse", method="POST", arguments={"q": 1})
    answer = perform.perform(action)
    assert answer.value["status"] == 409
    assert perform.did(action, answer).startswith("was answered with status 409")


def test_http_refused_is_a_failure(perform):
    answer = perform.perform(web("http://127.0.0.1:1/"))
    assert not answer.ok
    assert "refused" in answer.text
