"""What a cache node holds: items under keys, each until it expires or room is needed. Pure.

The rules are memcached's. Room is counted in bytes, with what an item costs besides its key and
value; when it is used up, the item that was not touched for longest goes first. Every function that
depends on time is handed `now`, seconds since the epoch on a clock that is never set back.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

LIMIT_BYTES = 16 * 1024 * 1024
ITEM_BYTES_MAX = 1024 * 1024
ITEM_OVERHEAD_BYTES = 300
"""What the objects of an item take besides its bytes; measured by `tests/bench/evcache.py`."""

NEVER = float("inf")
RELATIVE_S_MAX = 60 * 60 * 24 * 30
"""A longer time to live than this is not one: it is an instant, in seconds since the epoch."""

COUNT_LIMIT = 2**64
_HEADER_BYTES = 48 + 8 + 1 + 2  # what memcached counts besides: header, cas, and two terminators
_FLAGS_BYTES = 4
_NUMBER = re.compile(rb"\s*\+?(\d{1,32})(?:\s|\Z)")


class Outcome(bytes, Enum):
    """How a change ended, in the protocol's words."""

    STORED = b"STORED"
    NOT_STORED = b"NOT_STORED"
    EXISTS = b"EXISTS"
    NOT_FOUND = b"NOT_FOUND"
    DELETED = b"DELETED"
    TOUCHED = b"TOUCHED"
    TOO_LARGE = b"SERVER_ERROR object too large for cache"
    NON_NUMERIC = b"CLIENT_ERROR cannot increment or decrement non-numeric value"


class Item:
    """A value with the flags of its writer. unique: grows with every change of any item."""

    __slots__ = ("expires_at", "flags", "unique", "value")

    def __init__(self, value: bytes, flags: int, expires_at: float, unique: int) -> None:
        self.value = value
        self.flags = flags
        self.expires_at = expires_at
        self.unique = unique


@dataclass(slots=True)
class Tally:
    """What has happened to a storage; each number only grows."""

    stored: int = 0
    evicted: int = 0
    expired: int = 0
    flushed: int = 0


def expires_at(exptime: int, now: float) -> float:
    """The instant that a protocol's `exptime` means.

    >>> expires_at(0, now=1e9), expires_at(60, now=1e9), expires_at(2_000_000_000, now=1e9)
    (inf, 1000000060.0, 2000000000.0)
    >>> expires_at(-1, now=1e9) <= 1e9
    True
    """
    if exptime == 0:
        return NEVER
    if exptime < 0:
        return 0.0
    return float(exptime) if exptime > RELATIVE_S_MAX else now + exptime


class Storage:
    """Items of one node."""

    def __init__(
        self, *, limit_bytes: int = LIMIT_BYTES, item_bytes_max: int = ITEM_BYTES_MAX
    ) -> None:
        self.limit_bytes = limit_bytes
        self.item_bytes_max = item_bytes_max
        self.size_bytes = 0
        self.tally = Tally()
        self.deleted: set[bytes] | None = None
        """Keys deleted while somebody fills this storage; None while nobody does."""
        self._items: OrderedDict[bytes, Item] = OrderedDict()
        self._unique = 0
        self._flush_at = NEVER

    def __len__(self) -> int:
        """Items held, those included that have expired and were not asked for since."""
        return len(self._items)

    def get(self, key: bytes, now: float) -> Item | None:
        """The live item, which is now the one last touched."""
        if now >= self._flush_at:
            self._flush_now()
        item = self._items.get(key)
        if item is None:
            return None
        if item.expires_at <= now:
            self._drop(key, item)
            self.tally.expired += 1
            return None
        self._items.move_to_end(key)
        return item

    def set(self, key: bytes, value: bytes, flags: int, exptime: int, now: float) -> Outcome:
        """Store, whatever is there. What is too large takes the old item with it."""
        old = self.get(key, now)
        if self._is_too_large(key, value, flags):
            if old is not None:
                self._drop(key, old)
            return Outcome.TOO_LARGE
        return self._store(key, value, flags, expires_at(exptime, now), old)

    def add(self, key: bytes, value: bytes, flags: int, exptime: int, now: float) -> Outcome:
        """Store where nothing is."""
        if self._is_too_large(key, value, flags):
            return Outcome.TOO_LARGE
        if self.get(key, now) is not None:
            return Outcome.NOT_STORED
        return self._store(key, value, flags, expires_at(exptime, now), None)

    def replace(self, key: bytes, value: bytes, flags: int, exptime: int, now: float) -> Outcome:
        """Store where something is."""
        if self._is_too_large(key, value, flags):
            return Outcome.TOO_LARGE
        old = self.get(key, now)
        if old is None:
            return Outcome.NOT_STORED
        return self._store(key, value, flags, expires_at(exptime, now), old)

    def cas(
        self, key: bytes, value: bytes, flags: int, exptime: int, *, unique: int, now: float
    ) -> Outcome:
        """Store if nobody has since the reader was told `unique`."""
        if self._is_too_large(key, value, flags):
            return Outcome.TOO_LARGE
        old = self.get(key, now)
        if old is None:
            return Outcome.NOT_FOUND
        if old.unique != unique:
            return Outcome.EXISTS
        return self._store(key, value, flags, expires_at(exptime, now), old)

    def append(self, key: bytes, value: bytes, now: float) -> Outcome:
        """Lengthen what is there; flags and expiry stay."""
        old = self.get(key, now)
        return Outcome.NOT_STORED if old is None else self._rewrite(key, old.value + value, old)

    def prepend(self, key: bytes, value: bytes, now: float) -> Outcome:
        """Lengthen what is there at its front; flags and expiry stay."""
        old = self.get(key, now)
        return Outcome.NOT_STORED if old is None else self._rewrite(key, value + old.value, old)

    def delete(self, key: bytes, now: float) -> Outcome:
        """Forget an item."""
        if self.deleted is not None:
            self.deleted.add(key)
        item = self.get(key, now)
        if item is None:
            return Outcome.NOT_FOUND
        self._drop(key, item)
        return Outcome.DELETED

    def touch(self, key: bytes, exptime: int, now: float) -> Item | None:
        """Give an item a new time to live; None when there is none. It keeps its `unique`."""
        item = self.get(key, now)
        if item is not None:
            item.expires_at = expires_at(exptime, now)
        return item

    def count(self, key: bytes, delta: int, now: float) -> int | Outcome:
        """Add `delta` to a decimal number: up, it wraps at 2**64; down, it stops at 0.

        As in the original, a number that fits is written over the old one: one that became
        shorter is followed by spaces.
        """
        old = self.get(key, now)
        if old is None:
            return Outcome.NOT_FOUND
        match = _NUMBER.match(old.value)
        if match is None or int(match[1]) >= COUNT_LIMIT:
            return Outcome.NON_NUMERIC
        before = int(match[1])
        after = max(0, before + delta) if delta < 0 else (before + delta) % COUNT_LIMIT
        self._rewrite(key, _over(old.value, after), old)
        return after

    def flush(self, delay_s: int, now: float) -> None:
        """Forget everything, now or in `delay_s` seconds; what is stored until then goes too."""
        self._flush_at = NEVER
        if delay_s <= 0:
            self._flush_now()
        else:
            self._flush_at = expires_at(delay_s, now)

    def keys(self, now: float) -> Iterator[tuple[bytes, Item]]:
        """Live items, those last touched first. The caller changes nothing meanwhile."""
        if now >= self._flush_at:
            self._flush_now()
        return ((k, i) for k, i in reversed(self._items.items()) if i.expires_at > now)

    def _store(
        self, key: bytes, value: bytes, flags: int, expires: float, old: Item | None
    ) -> Outcome:
        self._unique += 1
        self.tally.stored += 1
        if old is None:
            self._items[key] = Item(value, flags, expires, self._unique)
            self.size_bytes += len(key) + len(value) + ITEM_OVERHEAD_BYTES
        else:
            self.size_bytes += len(value) - len(old.value)
            old.value, old.flags, old.expires_at, old.unique = value, flags, expires, self._unique
        while self.size_bytes > self.limit_bytes:
            self._drop(*next(iter(self._items.items())))
            self.tally.evicted += 1
        return Outcome.STORED

    def _rewrite(self, key: bytes, value: bytes, old: Item) -> Outcome:
        if self._is_too_large(key, value, old.flags):
            return Outcome.NOT_STORED
        return self._store(key, value, old.flags, old.expires_at, old)

    def _drop(self, key: bytes, item: Item) -> None:
        del self._items[key]
        self.size_bytes -= len(key) + len(item.value) + ITEM_OVERHEAD_BYTES

    def _flush_now(self) -> None:
        self._items.clear()
        self.size_bytes = 0
        self._flush_at = NEVER
        self.tally.flushed += 1

    def _is_too_large(self, key: bytes, value: bytes, flags: int) -> bool:
        size_bytes = _HEADER_BYTES + len(key) + len(value) + (_FLAGS_BYTES if flags else 0)
        return size_bytes > self.item_bytes_max


def _over(old: bytes, number: int) -> bytes:
    text = b"%d" % number
    return text if len(text) > len(old) else text.ljust(len(old))
