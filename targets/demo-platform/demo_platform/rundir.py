"""The runtime folder of one world: claimed by a lock that the kernel lets go when its holders die.

Keeper and supervisor share one open file of the folder itself, locked. As long as either lives,
the world is somebody's; once both are gone, whatever a killed world left behind is nobody's and
the next `up` takes it away.
"""

import contextlib
import fcntl
import json
import os
import shutil
import stat
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo_platform.errors import DemoError
from demo_platform.process import is_alive

CONTROL_SOCKET = "control.sock"
SPANS_SOCKET = "spans.sock"
LOGS_FOLDER = "logs"
KEEPER_FILE = "keeper.json"
LOG_FILE = "keeper.log"
FILES_FOLDER = "files"
FILTERS_FOLDER = "filters"

_SOCKET_PATH_BYTES_MAX = 99
_DYING_WORLD_WAIT_S = 5.0


@dataclass(frozen=True, slots=True)
class RunDir:
    """A claimed runtime folder. lock_fd holds the claim; forked children inherit it."""

    path: Path
    lock_fd: int

    @property
    def control_socket(self) -> Path:
        """Where the control API listens."""
        return self.path / CONTROL_SOCKET

    @property
    def files(self) -> Path:
        """Where instances keep their files: on a tmpfs of the world where it has one."""
        return self.path / FILES_FOLDER

    @property
    def filters(self) -> Path:
        """Where the edges look for filters."""
        return self.path / FILTERS_FOLDER


def filters_beside(own: Path) -> Path:
    """The world's folder of the edges' filters, from an instance's own folder in `files`."""
    return own.parent.parent / FILTERS_FOLDER


def check_socket_path(path: Path, option: str) -> None:
    """Refuse a path that no unix socket can have."""
    length = len(os.fsencode(path))
    if length > _SOCKET_PATH_BYTES_MAX:
        raise DemoError(
            f"path is too long for a unix socket: {length} bytes, {_SOCKET_PATH_BYTES_MAX} at most",
            where=str(path),
            fix=f"choose a shorter {option}",
        )


def claim(path: Path) -> RunDir:
    """Make the folder ours, empty and mode 0700, or say who has it."""
    path = Path(os.path.abspath(path))  # noqa: PTH100 -- resolve() would follow a planted link
    check_socket_path(path / CONTROL_SOCKET, "--dir")
    deadline = time.monotonic() + _DYING_WORLD_WAIT_S
    while True:
        _make(path)
        lock_fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        if _lock(lock_fd) and _is_still(path, lock_fd):
            break
        os.close(lock_fd)
        if _keeper_lives(path) or time.monotonic() > deadline:
            raise _taken(path)
        time.sleep(0.05)  # its keeper is dead: the supervisor is removing the folder right now
    _empty(path)
    path.with_name(path.name + ".log").unlink(missing_ok=True)
    return RunDir(path, lock_fd)


def remove(path: Path) -> None:
    """Take the folder and all in it away; one that is gone already is fine."""
    for _ in range(3):  # a companion may still be making files while it dies
        shutil.rmtree(path, ignore_errors=True)
        if not path.exists():
            return
        time.sleep(0.05)
    shutil.rmtree(path)


def keep_log(path: Path) -> Path:
    """Save the log beside the folder, for whoever wants to know why; one at a time."""
    saved = path.with_name(path.name + ".log")
    shutil.copyfile(path / LOG_FILE, saved)
    return saved


def write_keeper(rundir: RunDir, document: dict[str, Any]) -> None:
    """Replace keeper.json in one step."""
    draft = rundir.path / (KEEPER_FILE + ".new")
    draft.write_text(json.dumps(document, indent=1) + "\n")
    draft.replace(rundir.path / KEEPER_FILE)


def read_keeper(path: Path) -> dict[str, Any]:
    """What keeper.json says; empty where there is none, or half of one."""
    try:
        document = json.loads((path / KEEPER_FILE).read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return document if isinstance(document, dict) else {}


def _make(path: Path) -> None:
    with contextlib.suppress(FileExistsError):
        try:
            path.mkdir(mode=0o700, parents=True)
        except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
            raise DemoError(
                f"cannot make the runtime folder: {error.strerror}",
                where=str(path),
                fix="choose a folder that this user may write with --dir",
            ) from error
    status = path.lstat()
    if not stat.S_ISDIR(status.st_mode):
        raise DemoError(
            "runtime folder is a link or a file", where=str(path), fix="remove it, or use --dir"
        )
    if status.st_uid != os.getuid():
        raise DemoError(
            f"runtime folder belongs to user {status.st_uid}, not to {os.getuid()}",
            where=str(path),
            fix="choose a folder of your own with --dir",
        )
    foreign = {entry.name for entry in path.iterdir()} - _known_names(path)
    if foreign:
        raise DemoError(
            f"runtime folder holds other files: {', '.join(sorted(foreign)[:3])!r}",
            where=str(path),
            fix="choose an empty or new folder with --dir",
        )
    if status.st_mode & 0o077:
        path.chmod(0o700)


def _known_names(path: Path) -> set[str]:
    """What a world may leave behind: a folder with a keeper.json is one, all of it is ours."""
    if (path / KEEPER_FILE).exists():
        return {entry.name for entry in path.iterdir()}
    socket_files = {CONTROL_SOCKET, SPANS_SOCKET}
    return socket_files | {
        LOG_FILE,
        LOGS_FOLDER,
        FILES_FOLDER,
        FILTERS_FOLDER,
        KEEPER_FILE + ".new",
    }


def _lock(lock_fd: int) -> bool:
    try:
        fcntl.flock(lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_still(path: Path, lock_fd: int) -> bool:
    """Whether the locked folder is the one at the path, not one that was just removed."""
    try:
        return os.path.samestat(path.lstat(), os.fstat(lock_fd))
    except FileNotFoundError:
        return False


def _keeper_lives(path: Path) -> bool:
    keeper = read_keeper(path)
    return is_alive(int(keeper.get("pid", 0)), int(keeper.get("started_ticks", 0)))


def _taken(path: Path) -> DemoError:
    pid = read_keeper(path).get("pid", "unknown")
    return DemoError(
        f"a platform is already up: keeper {pid}",
        where=str(path),
        fix="use it, take it down with `chaosctl demo down`, or choose another --dir",
    )


def _empty(path: Path) -> None:
    for entry in path.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
