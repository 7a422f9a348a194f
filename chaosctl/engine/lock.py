"""One run at a time per target: locked files in a folder that all users of the machine share.

The folder is open to everybody (mode 1777), so nothing in it is trusted: no link is followed, only
plain files with one name are opened, and what a file says of the holder is only shown. The lock is
the kernel's (flock); it lives as long as the run or its watchdog, which inherits the descriptor,
and cannot go stale. Lock files stay: removing one would let two runs lock two files of one name.
"""

from __future__ import annotations

import fcntl
import getpass
import hashlib
import json
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chaosctl.context import Context
from chaosctl.engine.journal import to_json
from chaosctl.engine.process import identify
from chaosctl.errors import NotStarted

HOLDER_BYTES_MAX = 4096
NAME_MAX = 150


@dataclass(slots=True)
class TargetLock:
    """A lock that is held; `descriptor` is for the watchdog to inherit."""

    target_id: str
    descriptor: int

    def release(self, *, is_over: bool = True) -> None:
        """Let go, also of what the watchdog has inherited, who may still be on its way out.

        is_over: nothing is left to undo; else the lock stays for as long as the watchdog lives.
        """
        if self.descriptor >= 0:
            if is_over:
                fcntl.flock(self.descriptor, fcntl.LOCK_UN)
            os.close(self.descriptor)
            self.descriptor = -1


def lock_target(context: Context, target_id: str, folder: Path) -> TargetLock:
    """Lock a target for the run in `folder`. Raises NotStarted naming who has it."""
    lock_dir = _shared_dir(context.lock_dir)
    path = lock_dir / lock_name(target_id)
    descriptor = _open_lock_file(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = _read_holder(descriptor)
        os.close(descriptor)
        raise NotStarted(
            f"target is taken by {describe_holder(holder)}",
            where=target_id,
            fix="wait for it, see `chaosctl status`, or stop it with `chaosctl halt`",
        ) from None
    _write_holder(descriptor, folder)
    return TargetLock(target_id, descriptor)


def lock_name(target_id: str) -> str:
    """File name for a target id, which may hold anything."""
    name = re.sub(r"[^A-Za-z0-9._-]|^\.", lambda found: f"%{ord(found[0]):02x}", target_id)
    if len(name) <= NAME_MAX:
        return name
    return f"{name[:NAME_MAX]}-{hashlib.sha256(target_id.encode()).hexdigest()[:16]}"


def read_holders(context: Context) -> list[Mapping[str, Any]]:
    """What each lock file says of its last holder. Written by others: check before you believe."""
    holders = []
    try:
        names = sorted(context.lock_dir.iterdir())
    except OSError:
        return []
    for path in names:
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            if holder := _read_holder(descriptor):
                holders.append(holder)
        finally:
            os.close(descriptor)
    return holders


def describe_holder(holder: Mapping[str, Any]) -> str:
    """Who holds a lock, for people."""
    if not holder:
        return "another run"
    return f"run {holder.get('run')} of {holder.get('user')} (process {holder.get('pid')})"


def _shared_dir(path: Path) -> Path:
    try:
        path.mkdir(parents=True, exist_ok=True)
        found = path.lstat()
        if found.st_uid == os.getuid() and stat.S_IMODE(found.st_mode) != 0o1777:
            path.chmod(0o1777)
            found = path.lstat()
    except OSError as error:
        raise _unusable(path, error.strerror or str(error)) from error
    if not stat.S_ISDIR(found.st_mode):
        raise _unusable(path, "it is not a folder")
    if found.st_mode & 0o022 and not found.st_mode & stat.S_ISVTX:
        raise _unusable(path, "anybody could replace the files in it")
    return path


def _open_lock_file(path: Path) -> int:
    """Open or make. Never O_CREAT on a file of another user: fs.protected_regular forbids it."""
    careful = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    for _ in range(10):
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | careful, 0o666)
            os.fchmod(descriptor, 0o666)  # others may say that they hold it; umask would forbid
            return descriptor
        except FileExistsError:
            pass
        except OSError as error:
            raise _unusable(path, error.strerror or str(error)) from error
        for how in (os.O_RDWR, os.O_RDONLY):
            try:
                return _plain_file(os.open(path, how | careful), path)
            except FileNotFoundError:
                break
            except PermissionError:
                continue
            except OSError as error:
                raise _unusable(path, error.strerror or str(error)) from error
    raise _unusable(path, "it cannot be opened")


def _plain_file(descriptor: int, path: Path) -> int:
    found = os.fstat(descriptor)
    if stat.S_ISREG(found.st_mode) and found.st_nlink == 1:
        return descriptor
    os.close(descriptor)
    raise _unusable(path, "it is not a plain file with one name")


def _unusable(path: Path, why: str) -> NotStarted:
    return NotStarted(
        f"lock cannot be used: {why}",
        where=str(path),
        fix="remove it, or name another folder in CHAOSCTL_LOCK_DIR (the same for all users)",
    )


def _read_holder(descriptor: int) -> Mapping[str, Any]:
    try:
        data = json.loads(os.pread(descriptor, HOLDER_BYTES_MAX, 0))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def _write_holder(descriptor: int, folder: Path) -> None:
    """Best effort: a full disk or a file open for reading only leaves the holder unnamed."""
    me = identify()
    text = to_json(
        {
            "run": folder.name,
            "folder": str(folder),
            "user": _user_name(),
            "uid": os.getuid(),
            **me.as_json(),
        }
    )
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, text.encode(), 0)
    except OSError:
        return


def _user_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
