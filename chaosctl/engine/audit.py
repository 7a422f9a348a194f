"""The audit log: who changed what, by which command, and how it ended. Only ever added to.

One JSON line for each command that changed something, each with the digest of the line before, in
a file that only its user can read. It is written when the command is through, under a lock that is
held for a moment; trouble with it is said, and stops neither a run nor an undo. Lines taken from
the end leave no trace in the file: who needs to know that keeps a copy elsewhere.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import pwd
import socket
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from chaosctl.context import Context
from chaosctl.engine.journal import to_json
from chaosctl.errors import ChaosctlError

SCHEMA = "chaosctl/audit/v1"
FILE_NAME = "audit.jsonl"
LOCK_S = 1.0
TAIL_BYTES = 64 << 10
WORDS_MAX, WORD_LENGTH_MAX = 64, 200
"""Of a command line; so a line is always shorter than the tail that is read for the one before."""

RUNS_MAX = 200


def audit_file(context: Context) -> Path:
    """Where the log is."""
    return context.state_dir / FILE_NAME


def append_audit(
    context: Context, command: str, *, runs: Sequence[str] = (), **said: object
) -> str:
    """Add a line about a command that is through; why it could not be, or nothing.

    said: how it ended, as in verdict, undo, exit_code, reason.
    """
    path = audit_file(context)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(path, flags, 0o600)
    except OSError as error:
        return f"audit log {path} cannot be opened: {error.strerror}"
    try:
        if not _lock(descriptor, context):
            return f"audit log {path} is held by another process"
        before, is_torn = _last_line(descriptor)
        line = _line(context, command, runs, said, before)
        os.write(descriptor, b"\n" * is_torn + line + b"\n")
        os.fsync(descriptor)
    except (OSError, ChaosctlError) as error:
        return f"audit log {path} cannot be written: {error}"
    finally:
        os.close(descriptor)
    return ""


def read_audit(path: Path, *, verify: bool = False) -> Iterator[dict[str, Any]]:
    """Every line, in order. Raises ChaosctlError for a newer schema.

    verify: also for the first line that does not follow the one before.
    """
    before = b""
    try:
        with path.open("rb") as file:
            for number, text in enumerate(file, 1):
                line = _parse(text.rstrip(b"\n"), f"{path}:{number}")
                if line is None:
                    continue
                if verify and line.get("prev") != _digest(before):
                    raise ChaosctlError(
                        "this line does not follow the one before: a line was changed or taken out",
                        where=f"{path}:{number}",
                        fix="trust the lines before it only, and compare with a copy",
                    )
                before = text.rstrip(b"\n")
                yield line
    except FileNotFoundError:
        return
    except OSError as error:
        raise ChaosctlError(
            f"audit log cannot be read: {error.strerror}",
            where=str(path),
            fix="read it as the user whose runs it tells of",
        ) from error


def _line(
    context: Context, command: str, runs: Sequence[str], said: dict[str, object], before: bytes
) -> bytes:
    last = _parse(before, "") if before else None
    argv = [word[:WORD_LENGTH_MAX] for word in context.argv[:WORDS_MAX]]
    return to_json(
        {
            "schema": SCHEMA,
            "seq": int(last["seq"]) + 1 if last else 0,
            "prev": _digest(before),
            "at_ms": context.now_ms(),
            "user": _user(),
            "uid": os.getuid(),
            "sudo_user": context.env.get("SUDO_USER", "")[:WORD_LENGTH_MAX],
            "host": socket.gethostname(),
            "command": command,
            "argv": argv,
            "runs": list(runs)[:RUNS_MAX],
            **said,
        }
    ).encode()


def _parse(text: bytes, where: str) -> dict[str, Any] | None:
    """A whole line; None for one that was torn by a crash."""
    try:
        line = json.loads(text)
    except ValueError:
        return None
    if not isinstance(line, dict):
        return None
    if line.get("schema") != SCHEMA:
        raise ChaosctlError(
            f"audit log has schema {line.get('schema')!r}, this version knows {SCHEMA!r}",
            where=where,
            fix="read it with the version of chaosctl that wrote it, or a newer one",
        )
    return line


def _last_line(descriptor: int) -> tuple[bytes, bool]:
    """The last whole line, and whether a torn one follows it."""
    size = os.fstat(descriptor).st_size
    tail = os.pread(descriptor, TAIL_BYTES, max(0, size - TAIL_BYTES))
    is_torn = bool(tail) and not tail.endswith(b"\n")
    for text in reversed(tail.split(b"\n")):
        if _parse(text, "") is not None:
            return text, is_torn
    return b"", is_torn


def _lock(descriptor: int, context: Context) -> bool:
    until = context.monotonic() + LOCK_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if context.monotonic() >= until:
                return False
            context.sleep(0.01)
        except OSError:
            return True  # a file system without locks
        else:
            return True


def _digest(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()


def _user() -> str:
    """By the kernel's word and not the environment's."""
    with suppress(KeyError):
        return pwd.getpwuid(os.getuid()).pw_name
    return str(os.getuid())
