"""Sends a process' metrics once a second to a spectatord, over a unix socket that never blocks.

What spectator's library ships for that would wait for a store that is stopped, and the whole
instance with it. Here a store that is behind has the lines offered again when it can take some:
those of the last few steps, for older ones are dropped and counted. No fault of the network touches
such a socket.

A line belongs to the step in which the store reads it. Lines are therefore sent about the middle
of a step, a little apart for each process: where a busy machine makes one late by a third of a
second, it still is in its step.
"""

from __future__ import annotations

import asyncio
import socket
import time
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator

from demo_platform.metrics import Meters

MIDDLE_S = 0.375
SPREAD_S = 0.25
DATAGRAM_BYTES_MAX = 60_000
WAITING_MAX = 4
"""Datagrams that a store that is behind is still offered: some seconds' worth."""


class Publisher:
    """The loop that sends; `dropped` counts the lines that nobody took."""

    def __init__(
        self,
        meters: Meters,
        socket_path: str,
        *,
        instance_id: str,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._meters = meters
        self._offset_s = MIDDLE_S + SPREAD_S * (zlib.crc32(instance_id.encode()) % 1000) / 1000
        self._wall = wall
        self._outlet = Outlet(socket_path)
        self._dropped = meters.counter("spectator.lines", id="dropped")
        self._seen_dropped = 0

    async def run(self) -> None:
        """Send until cancelled."""
        try:
            while True:
                await asyncio.sleep(until_next_s(self._wall(), self._offset_s))
                self._dropped.add(self._outlet.dropped - self._seen_dropped)
                self._seen_dropped = self._outlet.dropped
                self._outlet.send(self._meters.take())
        finally:
            self._outlet.close()


class Outlet:
    """A socket to a spectatord, and what it has not taken yet."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._is_connected = False
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[tuple[bytes, int]] = deque()
        self.dropped = 0

    def send(self, lines: Iterable[str]) -> None:
        """Send lines, now or as soon as the other side can take them."""
        self._waiting.extend(datagrams(lines))
        while len(self._waiting) > WAITING_MAX and not self._go_on():
            self._drop(1)
        self._go_on()

    def close(self) -> None:
        """Be done; what waits is dropped."""
        self._loop.remove_writer(self._socket)
        self._socket.close()

    def _go_on(self) -> bool:
        """Send what waits; False when the other side can take no more now."""
        try:
            if not self._is_connected:
                self._socket.connect(self._path)
                self._is_connected = True
            while self._waiting:
                self._socket.send(self._waiting[0][0])
                self._waiting.popleft()
        except BlockingIOError:
            self._loop.add_writer(self._socket, self._go_on)
            return False
        except OSError:  # nobody listens there
            self._is_connected = False
            self._drop(len(self._waiting))
        self._loop.remove_writer(self._socket)
        return True

    def _drop(self, datagram_count: int) -> None:
        for _ in range(datagram_count):
            self.dropped += self._waiting.popleft()[1]


def datagrams(lines: Iterable[str]) -> Iterator[tuple[bytes, int]]:
    """Lines as datagrams, as few as they fit in; with the number of lines in each."""
    text: list[bytes] = []
    size_bytes = 0
    for line in lines:
        encoded = line.encode()
        if text and size_bytes + len(encoded) > DATAGRAM_BYTES_MAX:
            yield b"\n".join(text), len(text)
            text, size_bytes = [], 0
        text.append(encoded)
        size_bytes += len(encoded) + 1
    if text:
        yield b"\n".join(text), len(text)


def until_next_s(now_s: float, offset_s: float) -> float:
    """How long until so far into a second, at least half a second from now: never twice in a step.

    >>> round(until_next_s(100.0, 0.4), 3), round(until_next_s(100.39, 0.4), 3)
    (1.4, 1.01)
    >>> round(until_next_s(100.41, 0.4), 3), round(until_next_s(100.9, 0.4), 3)
    (0.99, 0.5)
    """
    wait_s = (offset_s - now_s) % 1.0
    return wait_s if wait_s >= 0.5 - 1e-9 else wait_s + 1.0
