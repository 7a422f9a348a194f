"""Sockets opened by us, so that what is wrong with one can be said well."""

from __future__ import annotations

import errno
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from atlas.errors import AtlasError

_BACKLOG = 512
_PROBE_S = 1.0


class CannotListen(AtlasError):
    """An address that cannot be listened on."""


def open_tcp(host: str, port: int) -> socket.socket:
    """A socket that listens. Raises CannotListen."""
    listener = socket.socket(_family(host), socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    _bind(listener, host, port, "--", f"`ss -ltnp sport = :{port}`")
    listener.listen(_BACKLOG)
    return listener


def open_udp(host: str, port: int) -> socket.socket:
    """A socket for datagrams. Raises CannotListen."""
    listener = socket.socket(_family(host), socket.SOCK_DGRAM)
    _bind(listener, host, port, "--spectatord-", f"`ss -lunp sport = :{port}`")
    return listener


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _bind(listener: socket.socket, host: str, port: int, options: str, listing: str) -> None:
    """Bind, and close if that fails; `options` is how those of the address begin."""
    try:
        listener.bind((host, port))
    except (OSError, OverflowError) as error:  # a port above 65535 overflows
        listener.close()
        number = getattr(error, "errno", None)
        fix = f"choose another address with {options}host and {options}port"
        if number == errno.EADDRINUSE:
            fix = f"stop what listens there ({listing}), or choose another {options}port"
        reason = os.strerror(number) if number and number > 0 else str(error)
        what = f"cannot listen: {reason.lower()}"
        raise CannotListen(what, where=f"{host}:{port}", fix=fix) from error


@contextmanager
def bound_unix(
    path: Path, kind: socket.SocketKind = socket.SOCK_STREAM, option: str = "--unix"
) -> Iterator[socket.socket]:
    """A bound Unix socket whose file is removed at the end, if it is still ours.

    One for streams listens. Raises CannotListen; `option` is what its fix names.
    """
    _remove_stale(path, kind, option)
    listener = socket.socket(socket.AF_UNIX, kind)
    try:
        listener.bind(str(path))
    except OSError as error:
        listener.close()
        raise CannotListen(
            f"cannot listen: {error.strerror or error}",
            where=str(path),
            fix="choose a path in a folder that you may write to, shorter than 100 bytes",
        ) from error
    identity = _identity(path)
    if kind == socket.SOCK_STREAM:
        listener.listen(_BACKLOG)
    try:
        yield listener
    finally:
        listener.close()
        if _identity(path) == identity:
            path.unlink(missing_ok=True)


def _remove_stale(path: Path, kind: socket.SocketKind, option: str) -> None:
    """Remove a socket file that nobody listens on. Raises CannotListen for anything else there."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise CannotListen(
            "cannot listen: a file is there that is no socket",
            where=str(path),
            fix=f"choose another {option}",
        )
    probe = socket.socket(socket.AF_UNIX, kind)
    probe.settimeout(_PROBE_S)
    try:
        probe.connect(str(path))
    except ConnectionRefusedError:
        path.unlink(missing_ok=True)
        return
    except OSError as error:
        raise CannotListen(
            f"cannot listen: {error.strerror or error}",
            where=str(path),
            fix=f"choose another {option}",
        ) from error
    finally:
        probe.close()
    raise CannotListen(
        "cannot listen: a server answers there already",
        where=str(path),
        fix=f"stop it, or choose another {option}",
    )


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
