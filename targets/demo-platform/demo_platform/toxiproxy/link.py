"""One direction of a connection through a proxy: from one socket, past the toxics, to the other.

Without toxics what comes is written at once, in the callback that brought it. With toxics it waits
its turn in a queue that one task works off; a full queue stops the reading, so that a slow link
is felt by the sender and takes no memory.
"""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from demo_platform.toxiproxy.toxics import Chunk, Kind

QUEUE_BYTES_MAX = 1 << 20
_LINGER_NONE = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True, eq=False)
class Toxic:
    """A toxic of a proxy. Compared by identity: one that was changed is another one.

    toxicity: on which share of the connections it is, 0…1.
    """

    name: str
    type: str
    stream: str
    toxicity: float
    kind: Kind
    lease_ms: int = 0


class Link:
    """Moves bytes from `source` to `sink`; both are given when their connections are made.

    on_end: told when the end of the stream has been passed on.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        toxics: Sequence[Toxic],
        on_end: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._on_end = on_end
        self._chances: dict[str, float] = {}
        self._toxics: tuple[Toxic, ...] = ()
        self._passed: dict[object, int] = {}
        self._queue: deque[Chunk | None] = deque()
        self._queued_bytes = 0
        self._changed = asyncio.Event()
        self._work = asyncio.Event()
        self._pump: asyncio.Task[None] | None = None
        self._silence: asyncio.TimerHandle | None = None
        self.source: asyncio.Transport | None = None
        self.sink: asyncio.Transport | None = None
        self.has_ended = False
        self.set_toxics(toxics)

    @property
    def now_s(self) -> float:
        """The loop's clock."""
        return self._loop.time()

    def set_toxics(self, toxics: Sequence[Toxic]) -> None:
        """These from now on; whoever waits for one of the old ones waits no more."""
        before = self._toxics
        self._toxics = tuple(toxic for toxic in toxics if self._has(toxic))
        if before == self._toxics:
            return
        gone = {toxic.name for toxic in before} - {toxic.name for toxic in self._toxics}
        if any(t.kind.ends_when_removed for t in before if t.name in gone):
            self.close()
        self._changed.set()
        self._changed = asyncio.Event()
        self._watch_silence()

    def feed(self, data: bytes) -> None:
        """Bytes have come."""
        if not self._toxics and not self._is_busy and self.sink is not None:
            self.sink.write(data)
            return
        self._queue.append(Chunk(data, self.now_s))
        self._queued_bytes += len(data)
        if self._queued_bytes > QUEUE_BYTES_MAX and self.source is not None:
            self.source.pause_reading()
        self._watch_silence()
        self.go_on()

    def finish(self) -> None:
        """No more will come."""
        if not self._toxics and not self._is_busy and self.sink is not None:
            self._end_sink()
            return
        self._queue.append(None)
        self.go_on()

    def go_on(self) -> None:
        """See to the queue; also when the sink has just been connected."""
        if self._queue and self.sink is not None:
            self._work.set()
            if self._pump is None or self._pump.done():
                self._pump = self._loop.create_task(self._work_off())

    async def wait(self, for_s: float) -> bool:
        """Wait; False when the toxics changed meanwhile."""
        if for_s <= 0:
            return True
        changed = self._changed
        with suppress(TimeoutError):
            async with asyncio.timeout(for_s):
                await changed.wait()
        return not changed.is_set()

    def passed_bytes(self, toxic: object, more: int) -> int:
        """Count bytes that passed a toxic of this link; their sum."""
        self._passed[toxic] = self._passed.get(toxic, 0) + more
        return self._passed[toxic]

    def close(self) -> None:
        """End the connection, both ways."""
        for transport in (self.sink, self.source):
            if transport is not None:
                transport.close()

    def reset(self) -> None:
        """End the connection by a reset, both ways."""
        for transport in (self.sink, self.source):
            if transport is not None:
                reset(transport)

    def drop(self) -> None:
        """The connection is gone: so is what waits."""
        self._queue.clear()
        if self._silence is not None:
            self._silence.cancel()
        if self._pump is not None:
            self._pump.cancel()

    @property
    def _is_busy(self) -> bool:
        """Whether something came before that has not been passed on yet."""
        return bool(self._queue) or self._queued_bytes > 0

    def _has(self, toxic: Toxic) -> bool:
        """Whether a toxic is on this connection: chance says so once for each name."""
        chance = self._chances.setdefault(toxic.name, random.random())  # noqa: S311 - no secret
        return chance < toxic.toxicity

    async def _work_off(self) -> None:
        while self._queue:
            chunk = self._queue.popleft()
            if chunk is None:
                await self.wait(max((t.kind.close_delay_s for t in self._toxics), default=0.0))
                self._end_sink()
                continue
            size = len(chunk.data)
            await self._send(chunk, self._toxics, 0)
            self._queued_bytes -= size
            if self._queued_bytes <= QUEUE_BYTES_MAX and self.source is not None:
                with suppress(RuntimeError):  # it is not paused
                    self.source.resume_reading()

    async def _send(self, chunk: Chunk, toxics: tuple[Toxic, ...], index: int) -> None:
        if index < len(toxics):
            kind = toxics[index].kind
            await kind.carry(chunk, lambda piece: self._send(piece, toxics, index + 1), self)
        elif self.sink is not None:
            self.sink.write(chunk.data)

    def _end_sink(self) -> None:
        self.has_ended = True
        if self.sink is not None and not self.sink.is_closing():
            self.sink.write_eof()
        self._on_end()

    def _watch_silence(self) -> None:
        """Close when nothing comes for as long as a toxic allows; each chunk begins it anew."""
        if self._silence is not None:
            self._silence.cancel()
            self._silence = None
        silences = [t.kind.silence_s for t in self._toxics if t.kind.silence_s is not None]
        if silences:
            self._silence = self._loop.call_later(min(silences), self.close)


def reset(transport: asyncio.Transport) -> None:
    """Close a connection so that its peer sees it break."""
    raw: socket.socket | None = transport.get_extra_info("socket")
    if raw is not None:
        with suppress(OSError):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NONE)
    transport.abort()
