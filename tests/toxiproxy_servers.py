"""Fault proxies to test against, our own and the original, and what is said through them."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SCRIPT = Path(__file__).parent / "engines/toxiproxy.sh"
INSTALLS_WITHIN_S = 200
OURS_WITHIN_S = 20


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True, slots=True)
class Server:
    """A fault proxy's API."""

    port: int
    is_ours: bool
    pid: int

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Status, and the document or text."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        with closing(connection):
            data = body if isinstance(body, str | None) else json.dumps(body)
            connection.request(method, path, data, headers)
            reply = connection.getresponse()
            text = reply.read().decode()
        try:
            return reply.status, json.loads(text)
        except ValueError:
            return reply.status, text


@contextmanager
def ours(_folder: Path) -> Iterator[Server]:
    port = free_port()
    argv = [sys.executable, "-m", "demo_platform.toxiproxy", "--port", str(port)]
    server = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        assert server.stdout.readline() == f"API on http://127.0.0.1:{port}\n"
        yield Server(port, True, server.pid)
    finally:
        server.terminate()
        assert server.wait(OURS_WITHIN_S) == 0
        server.stdout.close()


@contextmanager
def original(folder: Path) -> Iterator[Server]:
    port = free_port()
    said = subprocess.run(
        [SCRIPT, folder, str(port)],
        capture_output=True,
        text=True,
        timeout=INSTALLS_WITHIN_S,
        check=False,
    )
    assert said.returncode == 0, said.stderr
    pid = int(said.stdout.split()[0].removeprefix("PID="))
    try:
        yield Server(port, False, pid)
    finally:
        subprocess.run(["kill", str(pid)], check=True)


def spoken(address: tuple[str, int], said: bytes = b"hello") -> tuple[bytes, float]:
    """What comes back, and after how many seconds."""
    with socket.create_connection(address, timeout=5) as peer:
        return exchanged(peer, said)


def exchanged(peer: socket.socket, said: bytes = b"hello") -> tuple[bytes, float]:
    began_s = time.monotonic()
    peer.sendall(said)
    heard = b""
    while len(heard) < len(said) and (data := peer.recv(65536)):
        heard += data
    return heard, time.monotonic() - began_s


def until(claim: Callable[[], bool], within_s: float = 5.0) -> None:
    ends_s = time.monotonic() + within_s
    while not claim():
        assert time.monotonic() < ends_s
        time.sleep(0.02)


def is_refused(address: tuple[str, int]) -> bool:
    try:
        socket.create_connection(address, timeout=2).close()
    except ConnectionRefusedError:
        return True
    return False
