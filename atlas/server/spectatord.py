"""Datagrams of spectatord's protocol, read on the event loop between two requests.

A wake-up reads what has arrived into one buffer, a newline behind each datagram, and takes it as a
whole; then requests have their turn. It costs as much as a dozen lines, so a UDP socket is left
alone for some milliseconds after each. A Unix socket is not: it holds ten datagrams on some
machines, and whoever sends one more waits. A timer ends each step, also one without any line.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from atlas.ingest.spectatord import Intake, IntakeStats
from atlas.server.sockets import CannotListen, bound_unix, open_udp
from atlas.settings import HOST_DEFAULT, SpectatordSettings

DATAGRAM_BYTES_MAX = 65_535
"""The longest datagram of UDP; of one that a Unix socket brings, what lies beyond is not read."""

_DATAGRAMS_AT_ONCE = 256
_BUFFER_BYTES = 4 * (DATAGRAM_BYTES_MAX + 2)
_REST_S = 0.01
_SO_RCVBUFFORCE = 33  # Linux: beyond what an ordinary user may have
_RECEIVE_BYTES_MAX = 1 << 30  # the kernel's number has 31 bits, and is doubled
_NEWLINE = 10
_INODE_FIELD, _DROPS_FIELD = 9, 12


@dataclass(frozen=True, slots=True)
class ListenerStats:
    """What the intake has taken, datagrams read, and those the kernel dropped, or None."""

    intake: IntakeStats
    datagram_count: int
    dropped_count: int | None


class Listener:
    """Reads sockets for as long as a loop runs it."""

    def __init__(
        self, intake: Intake, sockets: Sequence[socket.socket], now_ms: Callable[[], int]
    ) -> None:
        self._intake = intake
        self._sockets = sockets
        self._now_ms = now_ms
        self._buffer = bytearray(_BUFFER_BYTES)
        self._view = memoryview(self._buffer)
        self._datagram_count = 0
        self._timers: dict[socket.socket | None, asyncio.TimerHandle] = {}

    def start(self) -> None:
        """Begin to read, on the loop that runs."""
        loop = asyncio.get_running_loop()
        for one in self._sockets:
            loop.add_reader(one, self._wake_up, loop, one)
        self._tick(loop)

    def stop(self) -> None:
        """Read no more."""
        loop = asyncio.get_running_loop()
        for one in self._sockets:
            loop.remove_reader(one)
        for timer in self._timers.values():
            timer.cancel()

    def stats(self) -> ListenerStats:
        """What has arrived until now."""
        counts = [c for s in self._sockets if (c := dropped_count(s)) is not None]
        return ListenerStats(
            self._intake.stats(), self._datagram_count, sum(counts) if counts else None
        )

    def _wake_up(self, loop: asyncio.AbstractEventLoop, one: socket.socket) -> None:
        self.read(one)
        if one.family != socket.AF_UNIX:
            loop.remove_reader(one)
            again = loop.call_later(_REST_S, loop.add_reader, one, self._wake_up, loop, one)
            self._timers[one] = again

    def read(self, one: socket.socket) -> None:
        """Take what has arrived, up to a bound."""
        view, used = self._view, 0
        for _ in range(_DATAGRAMS_AT_ONCE):
            if used + DATAGRAM_BYTES_MAX + 2 > _BUFFER_BYTES:
                break
            try:
                size = one.recv_into(view[used:], DATAGRAM_BYTES_MAX + 1)
            except (BlockingIOError, InterruptedError):
                break
            self._datagram_count += 1
            if size > DATAGRAM_BYTES_MAX:
                size = self._end_of_last_line(used, used + size) - used
            view[used + size] = _NEWLINE
            used += size + 1
        self._intake.take(bytes(view[:used]), self._now_ms())

    def _end_of_last_line(self, start: int, end: int) -> int:
        """Where the lines end that are whole, of a datagram that is cut; the rest is counted."""
        self._intake.refused["size"] += 1
        return max(start, self._buffer.rfind(b"\n", start, end))

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        """End a step that is over, and wait for the end of the next."""
        now_ms = self._now_ms()
        self._intake.advance(now_ms)
        wait_ms = max(1, self._intake.end_ms - now_ms)
        self._timers[None] = loop.call_later(wait_ms / 1000, self._tick, loop)


@contextmanager
def bound_sockets(settings: SpectatordSettings) -> Iterator[list[socket.socket]]:
    """The sockets that the settings name, none if they name none. Raises CannotListen."""
    if settings.port is None and settings.host != HOST_DEFAULT:
        raise CannotListen(
            "an address for spectatord's lines, and no port",
            where=settings.host,
            fix="name one with --spectatord-port or spectatord.port, or leave the address out",
        )
    with ExitStack() as opened:
        sockets = []
        if settings.port is not None:
            sockets.append(opened.enter_context(open_udp(settings.host, settings.port)))
        if settings.unix_path is not None:
            option = "--spectatord-unix"
            unix = bound_unix(Path(settings.unix_path), socket.SOCK_DGRAM, option)
            sockets.append(opened.enter_context(unix))
        for one in sockets:
            one.setblocking(False)
            _enlarge(one, settings.buffer_bytes)
        yield sockets


def _enlarge(one: socket.socket, size: int) -> None:
    """Ask for a receive buffer; who is not root gets as much as the machine allows everybody."""
    size = min(size, _RECEIVE_BYTES_MAX)
    try:
        one.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, size)
    except OSError:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)


def dropped_count(one: socket.socket, tables: str = "/proc/net/udp") -> int | None:
    """Datagrams that the kernel dropped as the buffer was full; None where it does not say."""
    if one.family == socket.AF_UNIX:
        return None
    path = Path(f"{tables}6" if one.family == socket.AF_INET6 else tables)
    if not path.exists():
        return None
    inode = str(os.fstat(one.fileno()).st_ino)
    for line in path.read_text(encoding="ascii").splitlines()[1:]:
        fields = line.split()
        if fields[_INODE_FIELD] == inode:
            return int(fields[_DROPS_FIELD])
    return None
