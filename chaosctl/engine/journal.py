"""The journal: append-only JSON lines, on disk before what they announce happens.

A line that cannot be written is kept and tried again with the next: trouble with the disk never
stops an undo. Only who says `required` is refused; that is how no record means no injection.

Each line has the digest of the one before, so that nobody changes a line, or takes one out, without
`verify_journal` seeing it. Lines at the end may be missing: nothing follows them.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chaosctl.context import Context
from chaosctl.errors import ChaosctlError
from chaosctl.judge.verdict import Verdict

SCHEMA = "chaosctl/journal/v1"
FILE_NAME = "journal.jsonl"
WAITING_BYTES_MAX = 8 << 20

Event = Mapping[str, Any]
"""One line of a journal: schema, seq, prev, at_ms, t_ms, event, and the event's own fields."""

Write = Callable[[int, bytes], int]
Sync = Callable[[int], None]


class JournalNotWritable(ChaosctlError):
    """A required line could not be made durable."""

    verdict = Verdict.INCONCLUSIVE


class JournalTooNew(ChaosctlError):
    """It was written by a version with another schema, and may hold what is not undone."""


class Journal:
    """The append end of one run's journal. Not for several threads."""

    def __init__(
        self,
        descriptor: int,
        path: Path,
        context: Context,
        *,
        started_ms: int,
        next_seq: int,
        previous: bytes = b"",
        write: Write = os.write,
        sync: Sync = os.fsync,
    ) -> None:
        self._descriptor, self.path, self._context = descriptor, path, context
        self.started_ms, self._next_seq = started_ms, next_seq
        self._write, self._sync = write, sync
        self._waiting = b""
        self._previous = previous
        self.trouble = ""
        """Why lines are waiting to be written; empty while all is well."""
        self.lost = 0
        """Lines given up because too many were waiting."""

    def append(
        self, event: str, *, durable: bool = True, required: bool = False, **fields: Any
    ) -> dict[str, Any]:
        """Write one event and return it. Raises JournalNotWritable only if `required`.

        durable: on disk before this returns, as far as the disk lets us.
        """
        now_ms = self._context.now_ms()
        line: dict[str, Any] = {
            "schema": SCHEMA,
            "seq": self._next_seq,
            "prev": _digest(self._previous),
            "at_ms": now_ms,
            "t_ms": now_ms - self.started_ms,
            "event": event,
            **fields,
        }
        self._next_seq += 1
        text = to_json(line).encode()
        if len(self._waiting) + len(text) > WAITING_BYTES_MAX:
            self.lost += 1
        else:
            self._waiting += text + b"\n"
            self._previous = text
        self._flush(durable=durable)
        if required and self.trouble:
            raise JournalNotWritable(
                f"journal cannot be written: {self.trouble}; nothing was injected",
                where=str(self.path),
                fix="free some space there, or name another folder in CHAOSCTL_STATE_DIR",
            )
        return line

    def close(self) -> None:
        """Write what still waits, if it can be, and let go of the file."""
        self._flush(durable=True)
        os.close(self._descriptor)

    def _flush(self, *, durable: bool) -> None:
        try:
            while self._waiting:
                # What a full disk takes of a line is not written twice: the rest follows later.
                self._waiting = self._waiting[self._write(self._descriptor, self._waiting) :]
            if durable:
                self._sync(self._descriptor)
        except OSError as error:
            self.trouble = error.strerror or str(error)
        else:
            self.trouble = ""


def create_journal(
    folder: Path, context: Context, *, write: Write = os.write, sync: Sync = os.fsync
) -> Journal:
    """A new journal; its name in the folder is on disk when this returns. Raises OSError."""
    path = folder / FILE_NAME
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o600)
    sync_folder(folder)
    sync_folder(folder.parent)
    return Journal(
        descriptor,
        path,
        context,
        started_ms=context.now_ms(),
        next_seq=0,
        write=write,
        sync=sync,
    )


def reopen_journal(folder: Path, context: Context) -> Journal:
    """The journal of a run that another process began, to add to. Raises OSError."""
    path = folder / FILE_NAME
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW)
    content = path.read_bytes()
    lines = list(_whole_lines(content, str(path)))
    journal = Journal(
        descriptor,
        path,
        context,
        started_ms=int(lines[0].event["at_ms"]) if lines else context.now_ms(),
        next_seq=max((int(line.event["seq"]) for line in lines), default=-1) + 1,
        previous=lines[-1].text if lines else b"",
    )
    if content and not content.endswith(b"\n"):
        journal._waiting = b"\n"  # a torn last line stays alone on its line
    return journal


def read_journal(folder: Path) -> list[dict[str, Any]]:
    """Every whole event of a run, in order; a torn line is left out.

    Raises ChaosctlError if there is no journal, JournalTooNew if it is of a newer schema.
    """
    path = folder / FILE_NAME
    return parse_journal(_content(path), str(path))


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ChaosctlError(
            f"no journal: {error.strerror}",
            where=str(path),
            fix="`chaosctl status` lists the runs there are",
        ) from error


def parse_journal(content: bytes, where: str = "") -> list[dict[str, Any]]:
    """The events in the text of a journal. Raises ChaosctlError for a newer schema."""
    return [line.event for line in _whole_lines(content, where)]


def verify_journal(folder: Path) -> int:
    """How many events a run's journal has, none of them changed since it was written.

    Raises ChaosctlError with the first line that does not follow the one before.
    """
    path = folder / FILE_NAME
    previous = b""
    count = 0
    for line in _whole_lines(_content(path), str(path)):
        if line.event.get("prev") != _digest(previous):
            raise ChaosctlError(
                "this line does not follow the one before: a line was changed or taken out,"
                " or the journal is of a version that did not chain them",
                where=f"{path}:{line.number}",
                fix="trust the lines before it only, and compare with a copy of the run folder",
            )
        previous, count = line.text, count + 1
    return count


@dataclass(frozen=True, slots=True)
class _Line:
    """A whole line: its number from 1, its text without the end, and what it says."""

    number: int
    text: bytes
    event: dict[str, Any]


def _whole_lines(content: bytes, where: str) -> Iterator[_Line]:
    for number, text in enumerate(content.split(b"\n"), 1):
        try:
            event = json.loads(text)
        except ValueError:
            continue  # torn by a crash or a full disk; what was durable is whole
        if not isinstance(event, dict) or "event" not in event:
            continue
        if event.get("schema") != SCHEMA:
            raise JournalTooNew(
                f"journal has schema {event.get('schema')!r}, this version knows {SCHEMA!r}",
                where=where,
                fix="read it with the version of chaosctl that wrote it, or a newer one",
            )
        yield _Line(number, text, event)


def _digest(text: bytes) -> str:
    """What the next line says of a line; of none before the first."""
    return hashlib.sha256(text).hexdigest()


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_whole(path: Path, text: str) -> None:
    """Replace a file so that a crash leaves the old one or the new one. Raises OSError."""
    beside = path.with_name(f".{path.name}.new")
    with beside.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    sync_folder(path.parent)


def to_json(value: Any, *, indent: int | None = None) -> str:
    """One JSON text; a number that is none (no data) becomes null."""
    separators = (",", ":") if indent is None else None
    return json.dumps(_plain(value), ensure_ascii=False, indent=indent, separators=separators)


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(_plain(item) for item in value)
    return str(value) if isinstance(value, Path) else value
