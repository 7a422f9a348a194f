"""A store for tests: takes what is published on a unix socket, and adds it up."""

from __future__ import annotations

import json
import socketserver
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

Tags = dict[str, str]


class Sink:
    """Every datapoint published, with all its tags."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._points: list[tuple[Tags, int, float]] = []

    def take(self, body: dict[str, Any]) -> None:
        """Keep a published body."""
        with self._lock:
            for metric in body["metrics"]:
                tags = {**body["tags"], **metric["tags"]}
                self._points.append((tags, metric["timestamp"], metric["value"]))

    def points(self, **wanted: str) -> list[tuple[Tags, int, float]]:
        """Datapoints that carry these tags; a dot in a tag's name is written as two underscores."""
        tags = {key.replace("__", "."): value for key, value in wanted.items()}
        with self._lock:
            return [point for point in self._points if tags.items() <= point[0].items()]

    def total(self, by: str, *, from_ms: int = 0, **wanted: str) -> dict[str, float]:
        """Sums by one tag's value, of the datapoints from an instant on."""
        sums: defaultdict[str, float] = defaultdict(float)
        for tags, timestamp_ms, value in self.points(**wanted):
            if timestamp_ms >= from_ms:
                sums[tags[by]] += value
        return dict(sums)


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 128


@contextmanager
def sink(path: Path) -> Iterator[Sink]:
    """A sink that listens on the path."""
    kept = Sink()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kept.take(json.loads(body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def address_string(self) -> str:
            return "unix"

        def log_message(self, *_: object) -> None:
            return

    with _Server(str(path), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield kept
        finally:
            server.shutdown()
            thread.join()
