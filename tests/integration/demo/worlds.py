"""Starts real worlds for tests, talks to them, and names what is left of them."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo_platform.topology import SIZES, slots_of
from tests.integration.observer.difference import Residue, diff
from tests.integration.observer.snapshot import Scope, Snapshot, become_subreaper, take

ROOT = Path(__file__).parents[3]
PLAIN = "tests.integration.demo.plain_instance"
CRASHING = "tests.integration.demo.crashing_instance"
READY_WITHIN_S = 40.0
COUNTS = {name: len(slots_of(size)) for name, size in SIZES.items()}
"""How many instances register, by size."""
SMALL = COUNTS["small"]

_LAUNCH = """
import sys
from dataclasses import replace
from demo_platform.arguments import parse, settings_of
from demo_platform.errors import DemoError
from demo_platform.keeper import keep
try:
    sys.exit(keep(replace(settings_of(parse(sys.argv[2:])), instances=sys.argv[1])))
except DemoError as error:
    sys.exit(str(error))
"""


@dataclass(slots=True)
class World:
    """A keeper that was started, and the picture of the machine before it was."""

    keeper: subprocess.Popen[str]
    folder: Path
    scope: Scope
    before: Snapshot
    started_s: float

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """One request to the control API; status and answer."""
        connection = _UnixConnection(str(self.folder / "control.sock"))
        try:
            connection.request(method, path, None if body is None else json.dumps(body))
            response = connection.getresponse()
            answer = response.read()
            return response.status, json.loads(answer) if answer else None
        finally:
            connection.close()

    def platform(self) -> dict[str, Any]:
        """The platform's document now."""
        document: dict[str, Any] = self.ask("GET", "/v1/platform")[1]
        return document

    def until(
        self, claim: Callable[[dict[str, Any]], object], within_s: float = READY_WITHIN_S
    ) -> dict[str, Any]:
        """The first document of which the claim holds."""
        deadline = time.monotonic() + within_s
        document: dict[str, Any] = {}
        while time.monotonic() < deadline:
            assert self.keeper.poll() is None, f"keeper ended: {self.said()}"
            try:
                document = self.platform()
            except (FileNotFoundError, ConnectionError):
                document = {}
            if document and claim(document):
                return document
            time.sleep(0.05)
        raise AssertionError(f"not within {within_s} s: {_summary(document)}\n{self.log()[-2000:]}")

    def until_ready(self) -> dict[str, Any]:
        """The document once the platform is ready."""
        return self.until(lambda document: document["state"] == "ready")

    def said(self) -> str:
        """What the keeper, which has ended, wrote on its standard error."""
        return self.keeper.communicate(timeout=10)[1]

    def log(self) -> str:
        """The keeper's log, where there is one."""
        path = self.folder / "keeper.log"
        return path.read_text() if path.exists() else ""

    def supervisor_pid(self) -> int:
        """The host's number of the world's first process."""
        return int(self.platform()["supervisor"]["pid"])

    def left(self, within_s: float = 2.0) -> tuple[list[Residue], float]:
        """What is left once nothing more goes away or the time is over; and the seconds taken."""
        began_s = time.monotonic()
        while True:
            reap_adopted(self.keeper)
            asked_s = time.monotonic() - began_s
            left = diff(self.before, take(self.scope))
            if not left or asked_s > within_s:
                return left, asked_s
            time.sleep(0.02)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("demo", timeout=10)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(10)
        self.sock.connect(self._path)


@contextmanager
def world(
    *options: str,
    instances: str = "",
    folder: Path | None = None,
    through: Sequence[str] = (),
) -> Iterator[World]:
    """A world in a short folder of its own, taken down at the end whatever happened to it.

    instances: a module of the tests in place of the real services.
    through: a program, with arguments, that runs the keeper.
    """
    become_subreaper()
    parent = folder.parent if folder else Path(tempfile.mkdtemp(prefix="w", dir="/tmp"))
    place = folder or parent / "demo"
    scope = Scope(root=os.getpid(), folders=(parent,))
    before, started_s = take(scope), time.monotonic()
    started = World(_start([*through], place, options, instances), place, scope, before, started_s)
    try:
        yield started
    finally:
        if started.keeper.poll() is None:
            started.keeper.terminate()
        started.keeper.communicate(timeout=15)
        reap_adopted(started.keeper)
        if folder is None:
            shutil.rmtree(parent, ignore_errors=True)


def _summary(document: dict[str, Any]) -> str:
    waiting = [i["id"] for i in document.get("instances", ()) if i["state"] != "up"]
    known = {key: document.get(key) for key in ("state", "fabric", "registered", "problems")}
    return f"{known}, not up: {waiting}"


def _start(
    through: list[str], place: Path, options: tuple[str, ...], instances: str
) -> subprocess.Popen[str]:
    program = ["-c", _LAUNCH, instances] if instances else ["-m", "demo_platform"]
    return subprocess.Popen(
        [*through, sys.executable, *program, "up", "--dir", str(place), *options],
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'targets/demo-platform'}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def kill(pid: int, number: signal.Signals = signal.SIGKILL) -> None:
    """Send a signal to a process by its host number."""
    os.kill(pid, number)


def reap_adopted(keeper: subprocess.Popen[str]) -> None:
    """Collect the zombies of a killed keeper's children, which this process has adopted."""
    if keeper.poll() is None:
        return
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return
