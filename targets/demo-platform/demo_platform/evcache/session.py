"""A connection to a cache node without the connection: bytes in, bytes out. Pure.

The text protocol of memcached, with its limits and its error messages. Every reply is appended to
one list; `work` stops when enough has been said, so that a peer who asks for much and reads little
costs no memory, and goes on when it is called again. What is too long to be a command, or too large
to be an item, is never kept either.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from demo_platform.evcache.counts import VERSION, Counts, stats_lines
from demo_platform.evcache.lines import (
    ERROR,
    UINT64,
    Refused,
    StoreLine,
    check_keys,
    exptime_of,
    number_of,
    quoted,
    without_noreply,
)
from demo_platform.evcache.storage import NEVER, Item, Outcome, Storage

LINE_BYTES_MAX = 2048
MULTIGET_BYTES_MAX = 64 * 1024
REPLY_BYTES_MAX = 8 * 1024 * 1024
"""A single `get` that would say more than this is refused."""

_LINE_BYTES = 64  # about what a reply takes besides the values in it

_END = b"END\r\n"
_BAD_DELETE = b"CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]\r\n"
_BAD_DATA = b"CLIENT_ERROR bad data chunk\r\n"
_BAD_DELTA = b"CLIENT_ERROR invalid numeric delta argument\r\n"
_REPLY_TOO_LONG = b"SERVER_ERROR out of memory writing get response\r\n"
_TOO_LARGE = Outcome.TOO_LARGE + b"\r\n"
_MULTIGETS = (b"get ", b"gets ", b"gat ", b"gats ")
_RETRIEVALS = {b"get", b"gets", b"gat", b"gats"}
_STORES = {b"set", b"add", b"replace", b"append", b"prepend", b"cas"}
_ANSWERED_ANYWAY = _RETRIEVALS | _STORES
"""Commands whose errors are sent even if the last word of the line is `noreply`."""


class Session:
    """One peer's conversation with a node.

    is_over: say what is left and hang up. is_done: nothing is left to do before more is heard.
    """

    def __init__(
        self, storage: Storage, counts: Counts, process: Mapping[str, int] | None = None
    ) -> None:
        self.is_over = False
        self.is_done = True
        self._storage = storage
        self._counts = counts
        self._process = process or {}
        self._buffer = b""
        self._at = 0
        self._later: list[bytes] = []
        self._missing = 0
        self._store: StoreLine | None = None
        self._swallow = 0
        self._out: list[bytes] = []
        self._said = 0
        self._handlers: dict[bytes, Callable[[list[bytes], float], None]] = {
            **dict.fromkeys(_STORES, self._expect_data),
            b"get": self._get,
            b"gets": self._get,
            b"gat": self._get_and_touch,
            b"gats": self._get_and_touch,
            b"delete": self._delete,
            b"touch": self._touch,
            b"incr": self._count,
            b"decr": self._count,
            b"stats": self._stats,
            b"flush_all": self._flush_all,
            b"version": self._version,
            b"verbosity": self._verbosity,
            b"mn": self._no_op,
            b"lru_crawler": self._crawl,
            b"quit": self._quit,
        }

    def feed(self, data: bytes) -> None:
        """Take what the peer has said."""
        if self._swallow:
            skipped = min(self._swallow, len(data))
            self._swallow -= skipped
            data = data[skipped:]
        self._later.append(data)
        self._missing -= len(data)
        if self._missing <= 0:
            self._buffer = b"".join((self._buffer[self._at :], *self._later))
            self._at = 0
            self._later.clear()

    def work(self, now: float, *, reply_bytes: int) -> bytes:
        """Do what was asked, until nothing is left or this much has been said."""
        self._said = 0
        self.is_done = False
        out = self._out
        while not self.is_over and self._said + _LINE_BYTES * len(out) < reply_bytes:
            if not (self._take_line(now) if self._store is None else self._take_data(now)):
                self.is_done = True
                break
        reply = b"".join(out)
        out.clear()
        return reply

    def _take_line(self, now: float) -> bool:
        end = self._buffer.find(b"\n", self._at)
        if end < 0:
            self._check_length()
            return False
        line = self._buffer[self._at : end]
        self._at = end + 1
        words = line.removesuffix(b"\r").split(b" ")
        if b"" in words:
            words = [word for word in words if word]
        handler = self._handlers.get(words[0]) if words else None
        if handler is None:
            self._out.append(ERROR)
            return True
        try:
            handler(words, now)
        except Refused as refused:
            if words[-1] != b"noreply" or words[0] in _ANSWERED_ANYWAY:
                self._out.append(refused.args[0])
        return True

    def _check_length(self) -> None:
        """Hang up on who says much and ends no line."""
        waiting = len(self._buffer) - self._at
        is_multiget = self._buffer.startswith(_MULTIGETS, self._at)
        if waiting > (MULTIGET_BYTES_MAX if is_multiget else LINE_BYTES_MAX):
            self.is_over = True

    def _expect_data(self, words: list[bytes], now: float) -> None:
        store = StoreLine(words)
        if store.size > self._storage.item_bytes_max:
            self._refuse_data(store, now)
        else:
            self._store = store

    def _refuse_data(self, store: StoreLine, now: float) -> None:
        """Answer at once, and let the data go by without keeping it."""
        here = min(store.takes, len(self._buffer) - self._at)
        self._at += here
        self._swallow = store.takes - here
        if store.verb == b"set":
            self._storage.delete(store.key, now)
        if store.wants_reply:
            self._out.append(_TOO_LARGE)

    def _take_data(self, now: float) -> bool:
        store = self._store
        if store is None or self._later:
            return False
        end = self._at + store.size
        self._missing = end + 2 - len(self._buffer)
        if self._missing > 0:
            return False
        value = self._buffer[self._at : end]
        is_ended = self._buffer.startswith(b"\r\n", end)
        self._at = end + 2
        self._store = None
        outcome = self._stored(store, value, now) + b"\r\n" if is_ended else _BAD_DATA
        if store.wants_reply:
            self._out.append(outcome)
        return True

    def _stored(self, store: StoreLine, value: bytes, now: float) -> Outcome:
        storage, key, flags, exptime = self._storage, store.key, store.flags, store.exptime
        self._counts.cmd_set += 1
        match store.verb:
            case b"set":
                return storage.set(key, value, flags, exptime, now)
            case b"add":
                return storage.add(key, value, flags, exptime, now)
            case b"replace":
                return storage.replace(key, value, flags, exptime, now)
            case b"append":
                return storage.append(key, value, now)
            case b"prepend":
                return storage.prepend(key, value, now)
        outcome = storage.cas(key, value, flags, exptime, unique=store.unique, now=now)
        self._counts.cas_hits += outcome is Outcome.STORED
        self._counts.cas_badval += outcome is Outcome.EXISTS
        self._counts.cas_misses += outcome is Outcome.NOT_FOUND
        return outcome

    def _get(self, words: list[bytes], now: float) -> None:
        if len(words) < 2:
            raise Refused(ERROR)
        check_keys(words, 1)
        found = ((key, self._storage.get(key, now)) for key in words[1:])
        self._say_values(found, with_unique=words[0] == b"gets")

    def _get_and_touch(self, words: list[bytes], now: float) -> None:
        if len(words) < 2:
            raise Refused(ERROR)
        exptime = exptime_of(words[1])
        check_keys(words, 2)
        found = [(key, self._storage.touch(key, exptime, now)) for key in words[2:]]
        hits = sum(item is not None for _, item in found)
        self._counts.cmd_touch += len(found)
        self._counts.touch_hits += hits
        self._counts.touch_misses += len(found) - hits
        self._say_values(iter(found), with_unique=words[0] == b"gats")

    def _say_values(self, found: Iterator[tuple[bytes, Item | None]], *, with_unique: bool) -> None:
        out = self._out
        counts = self._counts
        begins, size = len(out), 0
        for key, item in found:
            counts.cmd_get += 1
            if item is None:
                counts.get_misses += 1
                continue
            counts.get_hits += 1
            value = item.value
            if with_unique:
                head = b"VALUE %b %d %d %d\r\n" % (key, item.flags, len(value), item.unique)
            else:
                head = b"VALUE %b %d %d\r\n" % (key, item.flags, len(value))
            out += (head, value, b"\r\n")
            size += len(value)
            if size > REPLY_BYTES_MAX:
                del out[begins:]
                raise Refused(_REPLY_TOO_LONG)
        out.append(_END)
        self._said += size

    def _delete(self, words: list[bytes], now: float) -> None:
        if len(words) < 2:
            raise Refused(ERROR)
        words, wants_reply = without_noreply(words) if len(words) > 2 else (words, True)
        check_keys(words[:2], 1)
        if len(words) > 4:
            raise Refused(ERROR)
        if len(words) > 2 and words[2:] != [b"0"]:
            raise Refused(_BAD_DELETE)
        outcome = self._storage.delete(words[1], now)
        self._counts.delete_hits += outcome is Outcome.DELETED
        self._counts.delete_misses += outcome is Outcome.NOT_FOUND
        self._say(outcome + b"\r\n", wants_reply)

    def _touch(self, words: list[bytes], now: float) -> None:
        words, wants_reply = without_noreply(words)
        if len(words) != 3:
            raise Refused(ERROR)
        check_keys(words[:2], 1)
        exptime = exptime_of(words[2])
        item = self._storage.touch(words[1], exptime, now)
        self._counts.cmd_touch += 1
        self._counts.touch_hits += item is not None
        self._counts.touch_misses += item is None
        outcome = Outcome.NOT_FOUND if item is None else Outcome.TOUCHED
        self._say(outcome + b"\r\n", wants_reply)

    def _count(self, words: list[bytes], now: float) -> None:
        words, wants_reply = without_noreply(words)
        if len(words) != 3:
            raise Refused(ERROR)
        check_keys(words[:2], 1)
        delta = number_of(words[2], 0, UINT64)
        if delta is None:
            raise Refused(_BAD_DELTA)
        is_up = words[0] == b"incr"
        number = self._storage.count(words[1], delta if is_up else -delta, now)
        is_hit, counts = not isinstance(number, Outcome), self._counts
        counts.incr_hits += is_up and is_hit
        counts.incr_misses += is_up and not is_hit
        counts.decr_hits += not is_up and is_hit
        counts.decr_misses += not is_up and not is_hit
        text = number if isinstance(number, Outcome) else b"%d" % number
        self._say(text + b"\r\n", wants_reply)

    def _stats(self, words: list[bytes], now: float) -> None:
        match words[1:]:
            case []:
                self._out += stats_lines(self._counts, self._storage, self._process, now)
            case [b"reset"]:
                self._counts.reset()
                self._out.append(b"RESET\r\n")
                return
            case [b"settings"]:
                self._out.append(b"STAT maxbytes %d\r\n" % self._storage.limit_bytes)
                self._out.append(b"STAT item_size_max %d\r\n" % self._storage.item_bytes_max)
            case _:
                raise Refused(ERROR)
        self._out.append(_END)

    def _flush_all(self, words: list[bytes], now: float) -> None:
        words, wants_reply = without_noreply(words)
        if len(words) > 2:
            raise Refused(ERROR)
        delay_s = exptime_of(words[1]) if len(words) == 2 else 0
        self._storage.flush(delay_s, now)
        self._counts.cmd_flush += 1
        self._say(b"OK\r\n", wants_reply)

    def _version(self, _words: list[bytes], _now: float) -> None:
        self._out.append(b"VERSION " + VERSION + b"\r\n")

    def _verbosity(self, words: list[bytes], _now: float) -> None:
        words, wants_reply = without_noreply(words)
        if len(words) not in {2, 3}:
            raise Refused(ERROR)
        self._say(b"OK\r\n", wants_reply)

    def _no_op(self, _words: list[bytes], _now: float) -> None:
        self._out.append(b"MN\r\n")

    def _crawl(self, words: list[bytes], now: float) -> None:
        """Name every live key, as a warmer asks for it."""
        if words[1:] != [b"metadump", b"all"]:
            raise Refused(ERROR)
        for key, item in self._storage.keys(now):
            exptime = -1 if item.expires_at == NEVER else int(item.expires_at)
            size = len(item.value)
            line = b"key=%b exp=%d cas=%d size=%d\n" % (quoted(key), exptime, item.unique, size)
            self._out.append(line)
        self._out.append(_END)

    def _quit(self, _words: list[bytes], _now: float) -> None:
        self.is_over = True

    def _say(self, text: bytes, wants_reply: bool) -> None:
        if wants_reply:
            self._out.append(text)
