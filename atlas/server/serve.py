"""Listening: sockets opened by us, so that what is wrong with one can be said well."""

from __future__ import annotations

import asyncio
import errno
import gc
import os
import signal
import socket
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import uvicorn

from atlas.errors import AtlasError
from atlas.library import system_now_ms
from atlas.server.app import make_app
from atlas.server.packing import packing
from atlas.settings import Settings
from atlas.store.memory import MemoryStore

_BACKLOG = 512
_GRACE_S = 1
_KEEP_ALIVE_S = 30
_STACK_BYTES = 8 * 1024 * 1024


class CannotListen(AtlasError):
    """An address that cannot be listened on."""


class _Server(uvicorn.Server):
    """Stops at a signal and returns, so that our own clean-up runs; the default raises it again."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        yield


def serve(settings: Settings) -> None:
    """Serve a new store until SIGTERM or SIGINT. Raises CannotListen before anything is served."""
    store = MemoryStore(settings.store.config())
    listen = settings.listen
    sockets = [_open_tcp(*listen.tcp_address)] if listen.tcp_address is not None else []
    bound = _bound_unix(listen.unix_path) if listen.unix_path is not None else nullcontext(None)
    with bound as unix_socket:
        if unix_socket is not None:
            sockets.append(unix_socket)
        app = make_app(store, system_now_ms, settings.requests)
        server = _Server(
            uvicorn.Config(
                app,
                log_level="warning",
                access_log=False,
                lifespan="off",
                server_header=False,
                timeout_graceful_shutdown=_GRACE_S,
                timeout_keep_alive=_KEEP_ALIVE_S,
            )
        )
        threading.stack_size(_STACK_BYTES)  # deep expressions take 1 MB; some platforms give less
        gc.collect()
        gc.freeze()  # what start-up made stays; the collector need not look at it again
        with packing(store, system_now_ms):
            server.run(sockets=sockets)


def _open_tcp(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except (OSError, OverflowError) as error:  # a port above 65535 overflows
        listener.close()
        number = getattr(error, "errno", None)
        fix = "choose another address with --host and --port"
        if number == errno.EADDRINUSE:
            fix = f"stop what listens there (`ss -ltnp sport = :{port}`), or choose another --port"
        reason = os.strerror(number) if number and number > 0 else str(error)
        what = f"cannot listen: {reason.lower()}"
        raise CannotListen(what, where=f"{host}:{port}", fix=fix) from error
    listener.listen(_BACKLOG)
    return listener


@contextmanager
def _bound_unix(path: Path) -> Iterator[socket.socket]:
    """A listening Unix socket whose file is removed at the end, if it is still ours."""
    _remove_stale(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
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
    listener.listen(_BACKLOG)
    try:
        yield listener
    finally:
        listener.close()
        if _identity(path) == identity:
            path.unlink(missing_ok=True)


def _remove_stale(path: Path) -> None:
    """Remove a socket file that nobody listens on. Raises CannotListen for anything else there."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise CannotListen(
            "cannot listen: a file is there that is no socket",
            where=str(path),
            fix="choose another --unix",
        )
    probe = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    probe.settimeout(1.0)
    try:
        probe.connect(str(path))
    except ConnectionRefusedError:
        path.unlink(missing_ok=True)
        return
    except OSError as error:
        raise CannotListen(
            f"cannot listen: {error.strerror or error}",
            where=str(path),
            fix="choose another --unix",
        ) from error
    finally:
        probe.close()
    raise CannotListen(
        "cannot listen: a server answers there already",
        where=str(path),
        fix="stop it, or choose another --unix",
    )


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
