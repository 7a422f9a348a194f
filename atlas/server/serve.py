"""A server as a process: its sockets, its store, its threads, until a signal."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import uvicorn
from fastapi import FastAPI

from atlas.ingest.spectatord import Intake
from atlas.library import system_now_ms
from atlas.server.app import make_app
from atlas.server.packing import packing
from atlas.server.sockets import bound_unix, open_tcp
from atlas.server.spectatord import Listener, bound_sockets
from atlas.settings import Listen, Settings
from atlas.store.memory import MemoryStore

_GRACE_S = 1
_KEEP_ALIVE_S = 30
_STACK_BYTES = 8 * 1024 * 1024


class _Server(uvicorn.Server):
    """Stops at a signal and returns, so that our own clean-up runs; the default raises it again."""

    def __init__(self, config: uvicorn.Config, listener: Listener | None) -> None:
        super().__init__(config)
        self._listener = listener

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self._listener is not None:
            self._listener.start()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._listener is not None:
            self._listener.stop()
        await super().shutdown(sockets)


def serve(settings: Settings) -> None:
    """Serve a new store until SIGTERM or SIGINT. Raises CannotListen before anything is served."""
    store = MemoryStore(settings.store.config())
    with _bound(settings.listen) as sockets, bound_sockets(settings.spectatord) as datagrams:
        listener = None
        if datagrams:
            intake = Intake(store, settings.spectatord.meters, system_now_ms())
            listener = Listener(intake, datagrams, system_now_ms)
        app = make_app(store, system_now_ms, settings.requests, listener)
        server = _Server(_config(app), listener)
        threading.stack_size(_STACK_BYTES)  # deep expressions take 1 MB; some platforms give less
        gc.collect()
        gc.freeze()  # what start-up made stays; the collector need not look at it again
        with packing(store, system_now_ms):
            server.run(sockets=sockets)


@contextmanager
def _bound(listen: Listen) -> Iterator[list[socket.socket]]:
    with ExitStack() as opened:
        sockets = [open_tcp(*listen.tcp_address)] if listen.tcp_address is not None else []
        if listen.unix_path is not None:
            sockets.append(opened.enter_context(bound_unix(listen.unix_path)))
        yield sockets


def _config(app: FastAPI) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=_GRACE_S,
        timeout_keep_alive=_KEEP_ALIVE_S,
    )
