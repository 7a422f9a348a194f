"""A desk to sit at: recorded runs, a recorded platform behind a real socket, and a real store."""

from __future__ import annotations

import shutil
import socket
import socketserver
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
import uvicorn

import chaosctl.stores.atlas
from atlas import Atlas, Datapoint
from atlas.server.app import make_app
from atlas.store.memory import StoreConfig
from chaosctl.context import Context, in_thread
from chaosctl.dashboard import sources
from chaosctl.dashboard.app import Dashboard
from chaosctl.report.glyphs import ASCII, UNICODE
from chaosctl.worlds import store_at
from tests.screens import RUNS

NOW_MS = 1_795_273_500_000
PLATFORM = (RUNS / "platform.json").read_bytes()


class UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


class Recorded(BaseHTTPRequestHandler):
    """Answers every question with the platform as it was recorded."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("content-length", str(len(PLATFORM)))
        self.end_headers()
        self.wfile.write(PLATFORM)

    def address_string(self):
        return "unix"

    def log_message(self, *_):
        pass


@dataclass
class World:
    """Folders, sockets and a clock that stands until it is moved."""

    home: Path
    now_ms: int = NOW_MS
    seconds: float = 100.0

    def context(self, *, threads=False):
        env = {f"CHAOSCTL_{n}_DIR": str(self.home / n) for n in ("STATE", "RUNTIME", "LOCK")}
        env |= {"PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(sys.path)}
        return Context(
            env=env,
            now_ms=lambda: self.now_ms,
            monotonic=time.monotonic if threads else lambda: self.seconds,
            in_background=in_thread if threads else at_once,
        )

    def pass_time(self, seconds):
        self.now_ms += round(seconds * 1000)
        self.seconds += seconds

    def dashboard(self, *, unicode=True, threads=False):
        context = self.context(threads=threads)
        glyphs = UNICODE if unicode else ASCII
        # Pictures are of an instant: without threads time passes by `pass_time` and `tick` alone.
        tick_s = 1.0 if threads else 3600.0
        return Dashboard(context, store_at(context, ""), glyphs, tick_s=tick_s)


def at_once(work, reply):
    """Background work without a background, so that pictures are the same each time."""
    try:
        value = work()
    except Exception as error:  # noqa: BLE001 - carried to the caller, as a thread's is
        value = error
    reply(value)


@pytest.fixture
def world():
    """Nothing is up, no run was ever made."""
    home = Path(tempfile.mkdtemp(prefix="dash-"))  # short: sockets live in it
    (home / "RUNTIME" / "demo").mkdir(parents=True, mode=0o700)
    (home / "STATE" / "runs").mkdir(parents=True)
    yield World(home)
    shutil.rmtree(home)


@pytest.fixture
def runs(world):
    """Two recorded runs."""
    for folder in RUNS.iterdir():
        if folder.is_dir():
            shutil.copytree(folder, world.home / "STATE" / "runs" / folder.name)
    return world


@pytest.fixture
def platform(runs):
    """The recorded platform answers."""
    server = UnixServer(str(runs.home / "RUNTIME" / "demo" / "control.sock"), Recorded)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield runs
    server.shutdown()
    server.server_close()


@pytest.fixture
def store(platform, monkeypatch):
    """A store with fifty seconds of a quiet evening in it, and a gap of four."""
    for module in (sources, chaosctl.stores.atlas):  # a busy machine changes no picture
        monkeypatch.setattr(module, "TIMEOUT_S", 30.0)
    atlas = Atlas(StoreConfig(step_ms=1000), now_ms=lambda: NOW_MS)
    atlas.publish(evening())
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(platform.home / "RUNTIME" / "demo" / "store.sock"))
    listener.listen(64)
    app = make_app(atlas.store, lambda: NOW_MS)
    config = uvicorn.Config(app, log_level="error", access_log=False, lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    yield platform
    server.should_exit = True
    thread.join(5)
    listener.close()


def evening():
    """30 starts a second with a swing, one in a hundred fails; requests of three services."""
    last = NOW_MS // 1000
    for second in range(last - 50, last + 1):
        if last - 20 <= second < last - 16:
            continue
        swing = (second * 7) % 11 - 5
        for result, value in (("success", 30.0 + swing), ("failure", 0.3)):
            yield point("playback.starts", second, value, **{"ipc.result": result})
        for status, value in (("2xx", 90.0), ("5xx", 0.5)):
            yield point("edge.requests", second, value, status=status)
        for app, rate in (("edge", 90.0), ("api", 120.0), ("playback", 60.0)):
            ended = {"success": rate, "unexpected_error": rate / 50, "throttled": 0.0}
            for status, value in ended.items():
                tags = {"statistic": "count", "ipc.status": status}
                yield point("ipc.server.call", second, value, app=app, **tags)
            for bucket, share in (("T0060", 0.9), ("T0073", 0.1)):  # 5 ms, and 100 ms
                tags = {"percentile": bucket, "ipc.status": "success"}
                yield point("ipc.server.call", second, rate * share, app=app, **tags)


def point(name, second, value, *, app="", **tags):
    own = {"nf.app": app} if app else {}
    kept = {"name": name, "atlas.dstype": "gauge", **own, **tags}
    return Datapoint(kept, second * 1000, value)


def text_of(app):
    """What is on the screen, line by line."""
    width = app.size.width
    strips = app.screen._compositor.render_strips()
    return "\n".join(strip.text[:width] for strip in strips)
