"""A spectatord for tests: takes lines on a unix socket, and adds them up."""

from __future__ import annotations

import socket
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.metric_lines import metric_of

Tags = dict[str, str]
STOP = b"stop"


class Sink:
    """Every line that was sent, with all its tags and the second in which it came."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._unread: list[tuple[int, bytes]] = []
        self._points: list[tuple[Tags, int, float]] = []

    def take(self, text: bytes) -> None:
        """Keep a datagram's lines; they are read when somebody asks, not while others wait.

        They tell of the second before; their instant is one by which that had not begun.
        """
        self._unread.append(((int(time.time()) - 1) * 1000, text))

    def points(self, **wanted: str) -> list[tuple[Tags, int, float]]:
        """Datapoints that carry these tags; a dot in a tag's name is written as two underscores."""
        tags = {key.replace("__", "."): value for key, value in wanted.items()}
        with self._lock:
            unread, self._unread = self._unread, []
            for timestamp_ms, text in unread:
                for one in map(metric_of, text.decode().splitlines()):
                    self._points.append((one["tags"], timestamp_ms, one["value"]))
            return [point for point in self._points if tags.items() <= point[0].items()]

    def total(self, by: str, *, from_ms: int = 0, **wanted: str) -> dict[str, float]:
        """Sums by one tag's value, of the datapoints from an instant on."""
        sums: defaultdict[str, float] = defaultdict(float)
        for tags, timestamp_ms, value in self.points(**wanted):
            if timestamp_ms >= from_ms:
                sums[tags[by]] += value
        return dict(sums)


@contextmanager
def sink(path: Path) -> Iterator[Sink]:
    """A sink that listens on the path."""
    kept = Sink()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ours:
        ours.bind(str(path))

        def serve() -> None:
            while (datagram := ours.recv(1 << 17)) != STOP:
                kept.take(datagram)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield kept
        finally:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stopping:
                stopping.sendto(STOP, str(path))
            thread.join()
