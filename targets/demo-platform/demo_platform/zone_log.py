"""What a zone's processes have to say: a file of JSON lines, bounded, that all of them append to.

A line that belongs to a request has its trace's id, so that a trace leads to its lines and back.
The file is renamed when it is full, and the one before it is lost; who still has the old one open
notices within a second. A process that says too much is cut short, and its next line says by how
much.
"""

from __future__ import annotations

import fcntl
import logging
import os
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from demo_platform.rundir import LOGS_FOLDER
from demo_platform.topology import InstanceSpec

FILE_BYTES_MAX = 1_000_000
LINES_PER_SECOND_MAX = 20
TEXT_MAX = 2000
LOOK_S = 1.0

_OPEN = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC


class ZoneFile:
    """A file that several processes append to, and that begins anew when it is full."""

    def __init__(self, path: Path, *, size_bytes_max: int = FILE_BYTES_MAX) -> None:
        self._path = path
        self._size_bytes_max = size_bytes_max
        path.parent.mkdir(mode=0o700, exist_ok=True)
        self._fd = os.open(path, _OPEN, 0o600)

    def append(self, line: bytes) -> None:
        """Write a line at once, so that it is not mixed with those of others."""
        os.write(self._fd, line)

    def look(self) -> None:
        """Begin a new file if this one is full, or if somebody else has."""
        if self._is_ours() and os.fstat(self._fd).st_size > self._size_bytes_max:
            with suppress(BlockingIOError):  # somebody else is at it
                fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if self._is_ours():
                    self._path.replace(self._path.with_suffix(".old.jsonl"))
        if not self._is_ours():
            self.close()
            self._fd = os.open(self._path, _OPEN, 0o600)

    def close(self) -> None:
        """Write no more."""
        os.close(self._fd)

    def _is_ours(self) -> bool:
        try:
            return os.path.samestat(self._path.stat(), os.fstat(self._fd))
        except FileNotFoundError:
            return False


class ZoneLog(logging.Handler):
    """Python's log records as JSON lines. `extra={"trace": span}` names the trace."""

    def __init__(
        self, spec: InstanceSpec, file: ZoneFile, *, now: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__()
        self._about = {"service": spec.service, "instance": spec.id, "zone": spec.zone}
        self._file = file
        self._now = now
        self._second_ends = 0.0
        self._line_count = 0
        self._suppressed = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, unless this second has had enough."""
        now = self._now()
        if now >= self._second_ends:
            self._second_ends, self._line_count = now + LOOK_S, 0
            self._file.look()
        self._line_count += 1
        if self._line_count > LINES_PER_SECOND_MAX:
            self._suppressed += 1
            return
        self._file.append(msgspec.json.encode(self._document(record)) + b"\n")

    def _document(self, record: logging.LogRecord) -> dict[str, object]:
        moment = datetime.fromtimestamp(record.created, UTC)
        document: dict[str, object] = {
            "time": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage()[:TEXT_MAX],
            **self._about,
        }
        trace = getattr(record, "trace", None)
        if trace is not None and trace.trace_id:
            document |= {"trace_id": trace.trace_id, "span_id": trace.id}
        if record.exc_info:
            text = logging.Formatter().formatException(record.exc_info)
            document["exception"] = text[-TEXT_MAX:]
        if self._suppressed:
            document["suppressed"] = self._suppressed
            self._suppressed = 0
        return document


def begin_log(spec: InstanceSpec) -> None:
    """Have what this process logs written to its zone's file, beside the collector's socket."""
    if not spec.trace_socket:
        return
    folder = Path(spec.trace_socket).with_name(LOGS_FOLDER)
    root = logging.getLogger()
    root.addHandler(ZoneLog(spec, ZoneFile(folder / f"{spec.zone}.jsonl")))
    root.setLevel(logging.INFO)
