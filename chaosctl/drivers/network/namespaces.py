"""Going into the namespaces of a world, from outside.

A process with one thread may enter a user namespace that the same user owns, and has every
capability inside; from there it may go in and out of the network namespaces of that world. It can
not come back out of the user namespace, so a helper serves one world in its life.

Between requests it rests in an empty network namespace of its own: a process that sits in the
world's would keep its bridge and links alive after the world has ended.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from chaosctl.procfs import is_alive

_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
_LIBC = ctypes.CDLL(None, use_errno=True)


class Gone(Exception):
    """The process whose namespace was to be entered is no more."""


class Denied(Exception):
    """The kernel does not let us in."""


class OtherWorld(Exception):
    """This process already serves another world and cannot leave it."""


@dataclass(frozen=True, slots=True)
class Place:
    """A process whose namespaces are meant, by number and start time."""

    pid: int
    ticks: int


class Door:
    """The way into one world's namespaces."""

    def __init__(self) -> None:
        self._resting_fd = -1

    def enter_world(self, place: Place) -> None:
        """Enter the user namespace of a world; nothing happens if we are in it already."""
        try:
            with _opened(place, "user") as fd:
                if not _is_own("user", fd):
                    self._leave_home(fd)
                elif not self._is_inside:
                    self._rest()
        except Denied:
            if self._is_inside:  # from inside one world, another is out of reach
                raise OtherWorld from None
            raise

    @property
    def _is_inside(self) -> bool:
        return self._resting_fd >= 0

    def _leave_home(self, fd: int) -> None:
        if self._is_inside:
            raise OtherWorld
        _setns(fd, _CLONE_NEWUSER)
        self._rest()

    @contextmanager
    def network_of(self, place: Place) -> Iterator[None]:
        """Be in the network namespace of a process, and go back to rest."""
        with _opened(place, "net") as fd:
            _setns(fd, _CLONE_NEWNET)
        try:
            yield
        finally:
            _setns(self._resting_fd, _CLONE_NEWNET)

    def _rest(self) -> None:
        if _LIBC.unshare(_CLONE_NEWNET):
            raise Denied(f"unshare: {os.strerror(ctypes.get_errno())}")
        self._resting_fd = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


@contextmanager
def _opened(place: Place, kind: str) -> Iterator[int]:
    """A namespace of a process; its start time is read after the namespace is held."""
    try:
        fd = os.open(f"/proc/{place.pid}/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, ProcessLookupError):
        raise Gone from None
    except PermissionError as error:
        if not is_alive(place.pid, place.ticks):
            raise Gone from None
        raise Denied(f"{kind} namespace of process {place.pid}: {error.strerror}") from None
    try:
        if not is_alive(place.pid, place.ticks):
            raise Gone
        yield fd
    finally:
        os.close(fd)


def _is_own(kind: str, fd: int) -> bool:
    own, other = Path(f"/proc/self/ns/{kind}").stat(), os.fstat(fd)
    return (own.st_dev, own.st_ino) == (other.st_dev, other.st_ino)


def _setns(fd: int, kind: int) -> None:
    if _LIBC.setns(fd, kind):
        raise Denied(f"setns: {os.strerror(ctypes.get_errno())}")
