"""The system calls that the standard library lacks, for worlds and what is planted in them."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

NEW_MOUNT, NEW_USER, NEW_PID, NEW_NET = 0x00020000, 0x10000000, 0x20000000, 0x40000000

BIND, RECURSIVE, PRIVATE = 0x1000, 0x4000, 0x40000

_libc = ctypes.CDLL(None, use_errno=True)


def unshare(flags: int) -> None:
    """Leave the namespaces of these kinds for new ones."""
    _checked(_libc.unshare(flags), "unshare")


def enter(pid: int, kind: str) -> None:
    """Go into a process's namespace of a kind (`net`, `mnt`, `user`), unless already there."""
    path = Path(f"/proc/{pid}/ns/{kind}")
    if path.readlink() == Path(f"/proc/self/ns/{kind}").readlink():
        return
    with path.open() as handle:
        _checked(_libc.setns(handle.fileno(), 0), f"setns {kind}")


def mount(source: str, point: str, kind: str, options: str = "") -> None:
    """Mount; the kind `none` binds what is there already."""
    flags = BIND if kind == "none" else 0
    data = options.encode() or None
    result = _libc.mount(source.encode(), point.encode(), kind.encode(), flags, data)
    _checked(result, f"mount on {point}")


def keep_mounts_to_ourselves() -> None:
    """From now on nobody else sees what this process and its children mount."""
    unshare(NEW_MOUNT)
    _checked(_libc.mount(b"none", b"/", None, RECURSIVE | PRIVATE, None), "private mounts")


def unmount(point: str) -> None:
    """Unmount at once."""
    _checked(_libc.umount2(point.encode(), 2), f"unmount {point}")


def become_root_of_new_world() -> None:
    """Enter new user, network, process and mount namespaces in which this user is root."""
    user, group = os.getuid(), os.getgid()
    unshare(NEW_USER | NEW_NET | NEW_PID | NEW_MOUNT)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"0 {user} 1")
    Path("/proc/self/gid_map").write_text(f"0 {group} 1")


def _checked(result: int, what: str) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")
