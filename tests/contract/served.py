"""A service in its own protocol, served by a thread of its own on the loopback address."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import replace

from demo_platform.knobs import Knobs
from demo_platform.metrics import Meters
from demo_platform.server import ServiceServer
from demo_platform.service import NO_CACHE, Body, Cache, Node, Request, ServiceFailed, Wire
from demo_platform.services import SERVICES
from demo_platform.widecolumn.consistency import Consistency
from demo_platform.widecolumn.schema import Columns, Value
from demo_platform.widecolumn.store import NoStore
from demo_platform.wires.grpc_server import serve_grpc
from demo_platform.wires.rsocket_server import serve_rsocket

STARTS_WITHIN_S = 10.0


class Others:
    """The other services, which all fail but those that are given an answer."""

    def __init__(self, answers: dict[str, Body]) -> None:
        self._answers = answers

    async def call(self, service: str, route: str, body: Body, request: Request) -> Body:
        if f"{service}/{route}" not in self._answers:
            raise ServiceFailed(service, 502, "as told")
        return self._answers[f"{service}/{route}"]


SAME_FOR_ALL: dict[str, Columns] = {
    "members": {"plan": "standard"},
    "drm_keys": {"secret": "0123456789abcdef" * 2},
}


class Rows(NoStore):
    """A store in which every row of a table is the same, and other tables are empty."""

    async def read(
        self, table: str, key: Columns, *, level: Consistency = Consistency.LOCAL_QUORUM
    ) -> dict[str, Value] | None:
        del level
        row = SAME_FOR_ALL.get(table)
        return None if row is None else {**key, **row}


@contextmanager
def serving(
    name: str, answers: dict[str, Body], *, cache: Cache = NO_CACHE, **capacity: float
) -> Iterator[str]:
    """Serve until the block ends; gives the address. capacity: in place of the declared one."""
    port = _free_port()
    running = threading.Event()
    stop: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def live() -> None:
        service = SERVICES[name]
        service = replace(service, capacity=replace(service.capacity, **capacity))
        ended = asyncio.Event()
        async with AsyncExitStack() as stack:
            node = Node("i-1", "us-east-1a", Others(answers), cache, Rows())
            server = ServiceServer(service, node, Knobs(), Meters({}))
            if service.wire is Wire.GRPC:
                await serve_grpc(server, name, "127.0.0.1", port, stack)
            else:
                await serve_rsocket(server, service, "127.0.0.1", port, stack)
            stop.append((asyncio.get_running_loop(), ended))
            running.set()
            await ended.wait()

    thread = threading.Thread(target=lambda: asyncio.run(live()), daemon=True)
    thread.start()
    assert running.wait(STARTS_WITHIN_S)
    try:
        yield f"127.0.0.1:{port}"
    finally:
        loop, ended = stop[0]
        loop.call_soon_threadsafe(ended.set)
        thread.join(STARTS_WITHIN_S)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
