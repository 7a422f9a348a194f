"""The server as a process: where it listens, what it refuses, how it stops."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time

import pytest

from tests.integration.atlas.conftest import healthy

pytestmark = pytest.mark.integration


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_listens_on_both_and_leaves_nothing(spawn, socket_path):
    port = free_port()
    process = spawn("--unix", str(socket_path), "--port", str(port))
    healthy(f"unix:{socket_path}", process)
    healthy(f"http://127.0.0.1:{port}", process)
    started = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=10) == 0
    assert time.monotonic() - started < 3
    assert not socket_path.exists()


def test_stops_although_a_client_keeps_its_connection(spawn, socket_path):
    process = spawn("--unix", str(socket_path))
    healthy(f"unix:{socket_path}", process)
    with socket.socket(socket.AF_UNIX) as idle:
        idle.connect(str(socket_path))
        idle.sendall(b"GET /ok HTTP/1.1\r\nHost: x\r\n\r\n")
        assert idle.recv(1000)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=5) == 0
    assert not socket_path.exists()


def test_socket_of_a_killed_server_is_replaced(spawn, socket_path):
    first = spawn("--unix", str(socket_path))
    healthy(f"unix:{socket_path}", first)
    first.kill()
    first.wait(timeout=10)
    assert socket_path.exists()
    healthy(f"unix:{socket_path}", spawn("--unix", str(socket_path)))


def refused(process: subprocess.Popen[str]) -> str:
    _, error = process.communicate(timeout=20)
    assert process.returncode == 2
    assert "Traceback" not in error
    assert "\n  fix: " in error
    return error


def test_socket_of_a_live_server_is_refused(spawn, socket_path):
    healthy(f"unix:{socket_path}", spawn("--unix", str(socket_path)))
    error = refused(spawn("--unix", str(socket_path)))
    assert error.startswith(f"atlas: {socket_path}: cannot listen: a server answers there already")
    assert socket_path.exists()


def test_file_that_is_no_socket_is_refused_and_kept(spawn, socket_path):
    socket_path.write_text("precious")
    assert "a file is there that is no socket" in refused(spawn("--unix", str(socket_path)))
    assert socket_path.read_text() == "precious"


def test_path_that_is_too_long_is_refused(spawn, tmp_path):
    assert "cannot listen" in refused(spawn("--unix", str(tmp_path / ("x" * 120))))


def test_port_in_use_is_refused(spawn):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        error = refused(spawn("--port", str(port)))
    assert error.startswith(f"atlas: 127.0.0.1:{port}: cannot listen: address already in use")


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["--step", "500ms"], "step must be whole seconds"),
        (["--step", "5"], "invalid period 5"),
        (["--max-age", "2h", "--keep", "1h"], "is kept for"),
        (["--port", "99999"], "cannot listen"),
        (["--host", "no.such.host.invalid"], "cannot listen"),
        (["--max-series", "0"], "at least one series"),
    ],
)
def test_impossible_option_is_refused(spawn, arguments, what):
    assert what in refused(spawn(*arguments))


def test_parsing_a_program_loads_neither_numpy_nor_a_server(root):
    heavy = ["numpy", "scipy", "fastapi", "uvicorn", "msgspec", "prometheus_client"]
    program = (
        "import sys, atlas, atlas.client, atlas.asl, atlas.expr.math_expr\n"
        "atlas.asl.parse_exprs('name,a,:eq,:avg')\n"
        f"print([m for m in {heavy} if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_serving_never_loads_statistics(root):
    program = "import sys, atlas.server.serve; print('scipy.stats' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"
