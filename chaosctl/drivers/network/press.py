"""The press: one process that asks instances for something, so many times a second.

It is started in the network of the instances' world, or in our own where there is none, as
`python -m chaosctl.drivers.network.press <record> <orders as JSON>`, in a session of its own. It
says `ready` and begins. It ends at its own deadline, at SIGTERM, and when the world has ended; what
it asked for is over with it, so that one that is killed leaves nothing.

Its load is an open loop: it asks as often however slow the answers are, as a crowd would.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from chaosctl.procfs import open_process

READY = b"ready\n"

_ANSWER_S = 2.0
_IN_FLIGHT_MAX = 256
"""Of one instance; who is that far behind is asked again when it has answered somebody."""
_TICK_S = 0.01
_MEMBERS, _TITLES = 1000, 100


@dataclass(frozen=True, slots=True)
class Orders:
    """What a press is told. calls: address, port and route of each instance.

    Ends with the process world_pid, or after for_ms.
    """

    calls: tuple[tuple[str, int, str], ...]
    per_second: float
    for_ms: int
    world_pid: int
    world_ticks: int


Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Crowd:
    """All who ask one instance; connections are used again."""

    def __init__(self, address: str, port: int, route: str) -> None:
        self._address, self._port, self._route = address, port, route
        self._idle: list[Connection] = []
        self._asking: set[asyncio.Task[None]] = set()
        self._number = 0

    async def ask(self, per_second: float) -> None:
        """Ask for ever."""
        loop = asyncio.get_running_loop()
        begun_s, asked = loop.time(), 0
        while True:
            await asyncio.sleep(_TICK_S)
            wanted = int((loop.time() - begun_s) * per_second)
            for _ in range(min(wanted - asked, _IN_FLIGHT_MAX - len(self._asking))):
                task = asyncio.create_task(self._ask_once())
                self._asking.add(task)
                task.add_done_callback(self._asking.discard)
            asked = wanted

    async def _ask_once(self) -> None:
        connection: Connection | None = None
        # Refused, late or broken: that is what an overload looks like from outside.
        with suppress(OSError, TimeoutError, asyncio.IncompleteReadError, ValueError):
            async with asyncio.timeout(_ANSWER_S):
                connection = self._idle.pop() if self._idle else await self._connect()
                await self._exchange(connection)
                self._idle.append(connection)
                connection = None
        if connection is not None:
            connection[1].close()

    async def _connect(self) -> Connection:
        return await asyncio.open_connection(self._address, self._port)

    async def _exchange(self, connection: Connection) -> None:
        reader, writer = connection
        writer.write(self._request())
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(length_of(head))

    def _request(self) -> bytes:
        self._number += 1
        member, title = self._number % _MEMBERS + 1, self._number % _TITLES + 1
        body = json.dumps({"member": member, "title": title, "q": "a", "position_s": 0}).encode()
        lines = (
            f"POST /{self._route} HTTP/1.1",
            f"Host: {self._address}",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
        )
        return "\r\n".join((*lines, "", "")).encode() + body


def length_of(head: bytes) -> int:
    """How long the body after an answer's head is. Raises ValueError when it does not say.

    >>> length_of(b"HTTP/1.1 200 OK\\r\\ncontent-length: 12\\r\\n\\r\\n")
    12
    """
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    raise ValueError("an answer without its length")


def main(arguments: Sequence[str]) -> int:
    """Press the instances of a record until told to stop."""
    data = json.loads(arguments[1])
    orders = Orders(**{**data, "calls": tuple(tuple(call) for call in data["calls"])})
    for ignored in (signal.SIGINT, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    world_fd = open_process(orders.world_pid, orders.world_ticks)
    if world_fd is not None:
        asyncio.run(_press(orders, world_fd))
    return 0


async def _press(orders: Orders, world_fd: int) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_reader(world_fd, stop.set)
    crowds = [Crowd(*call) for call in orders.calls]
    asking = [asyncio.create_task(crowd.ask(orders.per_second)) for crowd in crowds]
    os.write(1, READY)
    os.close(1)
    with suppress(TimeoutError):
        async with asyncio.timeout(orders.for_ms / 1000):
            await stop.wait()
    for task in asking:
        task.cancel()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
