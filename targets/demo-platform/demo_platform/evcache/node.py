"""A cache node on the wire: connections to one storage, each a session, all of them bounded."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from typing import cast

from demo_platform.evcache.counts import Counts
from demo_platform.evcache.session import Session
from demo_platform.evcache.storage import Storage
from demo_platform.metrics import Meters
from demo_platform.sockets import listening

CONNECTIONS_MAX = 512
REPLY_BYTES = 256 * 1024
"""About how much is said to a peer before it has to take some of it."""

UNREAD_S = 10.0
"""How long a peer may leave its replies unread."""

BACKLOG = 512
_TOO_MANY = b"ERROR Too many open connections\r\n"


def steady_clock() -> Callable[[], float]:
    """Seconds since the epoch, as they were at the start plus what has really passed since.

    A clock that is set back or forth would make items live on, or vanish all at once.
    """
    began = time.time() - time.monotonic()
    return lambda: began + time.monotonic()


class CacheNode:
    """A storage that peers may speak with."""

    def __init__(
        self,
        storage: Storage,
        *,
        clock: Callable[[], float],
        connections_max: int = CONNECTIONS_MAX,
    ) -> None:
        self.storage = storage
        self.counts = Counts()
        self.clock = clock
        self.connections_max = connections_max
        self._began = clock()
        self._peers: set[_Peer] = set()

    async def listen(self, address: str, port: int) -> asyncio.Server:
        """Take connections from now on. Raises DemoError when the port is not to be had."""
        loop = asyncio.get_running_loop()
        return await loop.create_server(lambda: _Peer(self), sock=listening(address, port))

    def hang_up(self) -> None:
        """Close every connection."""
        for peer in tuple(self._peers):
            peer.abort()

    def session(self) -> Session:
        """A conversation with this node."""
        process = {"pid": os.getpid(), "uptime": int(self.clock() - self._began)}
        return Session(self.storage, self.counts, process)

    def admit(self, peer: _Peer) -> bool:
        """Count a peer in, if there is room."""
        if len(self._peers) >= self.connections_max:
            self.counts.rejected_connections += 1
            return False
        self._peers.add(peer)
        self.counts.total_connections += 1
        self.counts.curr_connections = len(self._peers)
        return True

    def dismiss(self, peer: _Peer) -> None:
        """Count a peer out; one that was never in is no error."""
        self._peers.discard(peer)
        self.counts.curr_connections = len(self._peers)

    def publish(self, meters: Meters) -> None:
        """Have the node's state published from now on."""
        counts, storage = self.counts, self.storage
        for name, read in {
            "evcache.node.items": lambda: float(len(storage)),
            "evcache.node.bytes": lambda: float(storage.size_bytes),
            "evcache.node.connections": lambda: float(counts.curr_connections),
        }.items():
            meters.gauge(name, read)
        for name, total in {
            "evcache.node.hits": lambda: counts.get_hits,
            "evcache.node.misses": lambda: counts.get_misses,
            "evcache.node.writes": lambda: counts.cmd_set,
            "evcache.node.evictions": lambda: storage.tally.evicted,
        }.items():
            meters.gauge(name, _Growth(total).read)


class _Growth:
    """How much a total has grown since it was last read, which is once a second."""

    def __init__(self, total: Callable[[], int]) -> None:
        self._total = total
        self._before = 0

    def read(self) -> float:
        before, self._before = self._before, self._total()
        return float(max(0, self._before - before))


class _Peer(asyncio.Protocol):
    """One connection."""

    def __init__(self, node: CacheNode) -> None:
        self._node = node
        self._session = node.session()
        self._clock = node.clock
        self._transport: asyncio.Transport | None = None
        self._is_full = False
        self._impatient: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        if not self._node.admit(self):
            self._transport.write(_TOO_MANY)
            self._transport.close()

    def connection_lost(self, _error: Exception | None) -> None:
        self._calm_down()
        self._transport = None
        self._node.dismiss(self)

    def data_received(self, data: bytes) -> None:
        self._session.feed(data)
        self._answer()

    def pause_writing(self) -> None:
        self._is_full = True
        if self._transport is not None:
            self._transport.pause_reading()
            loop = asyncio.get_running_loop()
            self._impatient = loop.call_later(UNREAD_S, self.abort)

    def resume_writing(self) -> None:
        self._is_full = False
        self._calm_down()
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()
            self._answer()

    def abort(self) -> None:
        """Cut the connection, with whatever was still to be said."""
        if self._transport is not None:
            self._transport.abort()

    def _answer(self) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        while not self._is_full:
            reply = self._session.work(self._clock(), reply_bytes=REPLY_BYTES)
            if reply:
                transport.write(reply)
            if self._session.is_over:
                transport.close()
                return
            if self._session.is_done:
                return

    def _calm_down(self) -> None:
        if self._impatient is not None:
            self._impatient.cancel()
            self._impatient = None
