"""Fills a node that has just come up from a node of another zone, so that its zone is not cold.

The keys are asked for by memcached's own dump command, so the other node may be the original. What
was stored here meanwhile is newer and stays, and what was deleted here meanwhile stays deleted.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from demo_platform.evcache.ketama import Ring
from demo_platform.evcache.replicas import NodeAddress
from demo_platform.evcache.replies import Broken, Expect, ReplyReader, Values
from demo_platform.evcache.storage import Outcome, Storage

KEYS_MAX = 50_000
KEYS_PER_REQUEST = 50
BYTES_PER_REQUEST = 1024 * 1024
"""And one item more: far less than a node says to one `get`."""

PAUSE_S = 0.01
"""Between two requests, so that filling a node leaves the other one time for its users."""

CONNECT_WITHIN_S = 0.3
ANSWER_WITHIN_S = 2.0
WHOLE_WITHIN_S = 60.0
_DUMP_LINE_BYTES_MAX = 4096


@dataclass(frozen=True, slots=True)
class Key:
    """A key as it was dumped; exptime: seconds since the epoch, or 0 for ever."""

    key: bytes
    exptime: int
    size_bytes: int


def parse_key(line: bytes) -> Key:
    """A line of a dump. Raises Broken.

    >>> parse_key(b"key=a%20b exp=-1 la=17 cas=3 fetch=no cls=1 size=63")
    Key(key=b'a b', exptime=0, size_bytes=63)
    """
    fields = dict(word.partition(b"=")[::2] for word in line.split())
    try:
        exptime, size_bytes = int(fields[b"exp"]), int(fields[b"size"])
        return Key(unquote_to_bytes(fields[b"key"]), max(0, exptime), size_bytes)
    except (KeyError, ValueError):
        raise Broken(f"not a key: {line[:80]!r}") from None


class Warmer:
    """Fills one storage."""

    def __init__(
        self, storage: Storage, *, ring: Ring, own_name: str, clock: Callable[[], float]
    ) -> None:
        self.copied = 0
        self._storage = storage
        self._ring = ring
        self._own_name = own_name
        self._clock = clock

    async def warm(self, sources: Sequence[NodeAddress]) -> bool:
        """Copy from the first source that lets itself be copied whole; False when none does."""
        self._storage.deleted = set()
        try:
            for source in sources:
                try:
                    async with asyncio.timeout(WHOLE_WITHIN_S):
                        await self._copy(source)
                except (OSError, TimeoutError, EOFError, asyncio.LimitOverrunError, Broken):
                    continue
                return True
            return False
        finally:
            self._storage.deleted = None

    async def _copy(self, source: NodeAddress) -> None:
        async with asyncio.timeout(ANSWER_WITHIN_S):
            reader, writer = await asyncio.open_connection(
                source.address, source.port, limit=_DUMP_LINE_BYTES_MAX
            )
        try:
            writer.write(b"lru_crawler metadump all\r\n")
            keys = [key async for key in _dumped(reader) if self._is_ours(key.key)]
            flushed = self._storage.tally.flushed
            for part in parts_of(keys):
                writer.write(b"get %b\r\n" % b" ".join(key.key for key in part))
                values = await _values(reader)
                if self._storage.tally.flushed != flushed:
                    return  # somebody wants everything forgotten, what is still to come as well
                self._keep(part, values)
                await asyncio.sleep(PAUSE_S)
        finally:
            writer.close()

    def _is_ours(self, key: bytes) -> bool:
        return self._ring.name_for(key) in {self._own_name, None}

    def _keep(self, keys: Iterable[Key], values: Values) -> None:
        now = self._clock()
        deleted = self._storage.deleted or set()
        for key in keys:
            found = values.get(key.key)
            if found is None or key.key in deleted:
                continue
            flags, data = found
            if self._storage.add(key.key, data, flags, key.exptime, now) is Outcome.STORED:
                self.copied += 1


async def answers(node: NodeAddress) -> bool:
    """Whether a node takes connections, and not only stands in a list."""
    try:
        async with asyncio.timeout(CONNECT_WITHIN_S):
            _, writer = await asyncio.open_connection(node.address, node.port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


def parts_of(keys: Iterable[Key]) -> Iterator[list[Key]]:
    """The keys in parts that are each asked for at once."""
    part: list[Key] = []
    size_bytes = 0
    for key in keys:
        part.append(key)
        size_bytes += key.size_bytes
        if len(part) >= KEYS_PER_REQUEST or size_bytes >= BYTES_PER_REQUEST:
            yield part
            part, size_bytes = [], 0
    if part:
        yield part


async def _dumped(reader: asyncio.StreamReader) -> AsyncIterator[Key]:
    count = 0
    while True:
        async with asyncio.timeout(ANSWER_WITHIN_S):
            line = (await reader.readuntil(b"\n")).rstrip()
        if line == b"END":
            return
        count += 1
        if count > KEYS_MAX:
            continue  # those last touched came first; the rest is read, and let go
        yield parse_key(line)


async def _values(reader: asyncio.StreamReader) -> Values:
    replies = ReplyReader()
    while True:
        async with asyncio.timeout(ANSWER_WITHIN_S):
            data = await reader.read(65536)
        if not data:
            raise EOFError
        replies.feed(data)
        reply = replies.next(Expect.VALUES)
        if isinstance(reply, dict):
            return reply
        if reply is not None:
            raise Broken(f"the node says {reply[:80]!r}")
