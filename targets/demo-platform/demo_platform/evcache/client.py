"""The cache as its users see it: read near, write everywhere.

A read asks the own zone's node. When that has nothing, or no time, another zone is asked, for a
bounded share of the reads; when it cannot be asked at all, the others are, until one can be. A
write goes to all zones at once and is good when a *quorum* of them has it. A zone that a change did
not reach is remembered, and told later to forget the entry (`fix_ups.py`).
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from demo_platform.evcache import codec
from demo_platform.evcache.changes import Change
from demo_platform.evcache.codec import Corrupt, Entry
from demo_platform.evcache.connection import Failure, NodeConnection, Result
from demo_platform.evcache.fix_ups import FixUps
from demo_platform.evcache.gauges import ClientMeters
from demo_platform.evcache.replicas import Replicas
from demo_platform.evcache.replies import Expect, Values
from demo_platform.evcache.storage import RELATIVE_S_MAX
from demo_platform.resilience.retry import RetryBudget

KEYS_PER_REQUEST = 50
"""So many entries of the largest size are less than a node says to one `get`."""

FIX_UPS_AT_ONCE = 100
FIX_UP_EVERY_S = 1.0

_STORED = (b"STORED",)
_GONE = (b"DELETED", b"NOT_FOUND")
_TOUCHED = (b"TOUCHED", b"NOT_FOUND")


class Quorum(Enum):
    """How many zones must have a write for it to be good."""

    ANY = "any"
    MAJORITY = "majority"
    ALL = "all"

    def needed(self, zone_count: int) -> int:
        """Zones out of so many; at least one, even of none."""
        if self is Quorum.ALL:
            return max(1, zone_count)
        return zone_count // 2 + 1 if self is Quorum.MAJORITY else 1


@dataclass(frozen=True, slots=True)
class Written:
    """How a write stands once its quorum was reached, or every zone has had its say."""

    is_good: bool
    zones: int
    failed: int


class CacheClient:
    """One app's entries in all zones of a region."""

    def __init__(
        self,
        app: str,
        replicas: Replicas,
        *,
        meters: ClientMeters,
        rng: random.Random,
        now: Callable[[], float],
        reads_other_zones: Callable[[], bool] = lambda: True,
        on_change: Callable[[Change], None] | None = None,
        chunk_bytes: int = codec.CHUNK_BYTES,
    ) -> None:
        self._app = app
        self._replicas = replicas
        self._meters = meters
        self._rng = rng
        self._now = now
        self._reads_other_zones = reads_other_zones
        self._on_change = on_change
        self._chunk_bytes = chunk_bytes
        self._budget = RetryBudget()
        self.fix_ups = FixUps()
        meters.watch(self.fix_ups)

    async def get(self, key: str) -> bytes | None:
        """The value, or None when no zone that was asked has it."""
        return (await self.get_many((key,))).get(key)

    async def get_many(self, keys: Sequence[str]) -> dict[str, bytes]:
        """The values that were found. What is no value is deleted, and not found."""
        names = {codec.name_of(self._app, key): key for key in keys}
        began = self._now()
        found = await self._read(names)
        self._meters.latency.record(self._now() - began)
        values: dict[str, bytes] = {}
        for name, (zone, flags, data) in found.items():
            try:
                whole = await self._whole(zone, name, flags, data)
            except Corrupt:
                self.poisoned(names[name])
                continue
            if whole is not None:
                values[names[name]] = whole
        return values

    def set(
        self,
        key: str,
        value: bytes,
        *,
        ttl_s: float,
        quorum: Quorum = Quorum.MAJORITY,
        is_change: bool = True,
    ) -> asyncio.Future[Written]:
        """Store in every zone; a future that need not be awaited.

        ttl_s: rounded up to whole seconds, at most 30 days. is_change: zones that it does not reach
        hold something wrong until they are fixed up; a value that is only filled in again does not
        do such harm.
        Raises codec.TooLarge.
        """
        name = codec.name_of(self._app, key)
        write_id = int(self._rng.random() * 2**32)
        entries = codec.entries_of(name, value, write_id=write_id, chunk_bytes=self._chunk_bytes)
        exptime = _exptime(ttl_s)
        requests = [(entry.name, _set_request(entry, exptime)) for entry in entries]
        if is_change and self._on_change is not None:
            self._on_change(Change(self._app, key))
        return self._everywhere(requests, _STORED, quorum, is_change=is_change)

    def delete(self, key: str, *, quorum: Quorum = Quorum.ALL) -> asyncio.Future[Written]:
        """Forget in every zone; what is not there counts as forgotten."""
        change = Change(self._app, key)
        if self._on_change is not None:
            self._on_change(change)
        return self.carry_out(change, quorum=quorum)

    def poisoned(self, key: str) -> None:
        """Get rid of what stands under a key and cannot be a value of this app."""
        self._meters.poisoned.add()
        self.carry_out(Change(self._app, key), quorum=Quorum.ANY)

    def carry_out(self, change: Change, *, quorum: Quorum = Quorum.ALL) -> asyncio.Future[Written]:
        """Forget what has changed elsewhere, and tell no other region of it."""
        name = codec.name_of(change.app, change.key)
        return self._everywhere([(name, b"delete %b\r\n" % name)], _GONE, quorum, is_change=True)

    def touch(
        self, key: str, *, ttl_s: float, quorum: Quorum = Quorum.MAJORITY
    ) -> asyncio.Future[Written]:
        """Give an entry a new time to live in every zone that has it."""
        name = codec.name_of(self._app, key)
        requests = [(name, b"touch %b %d\r\n" % (name, _exptime(ttl_s)))]
        # What is touched may be what should be deleted there, and goes on waiting for it.
        return self._everywhere(requests, _TOUCHED, quorum, is_change=False, replaces=False)

    async def run(self) -> None:
        """Make good what zones have missed, until cancelled."""
        while True:
            await asyncio.sleep(FIX_UP_EVERY_S)
            await self.fix_up()

    async def fix_up(self) -> None:
        """Try once to delete what may be out of date."""
        due = self.fix_ups.due(FIX_UPS_AT_ONCE, self._now())
        asked = [
            (zone, name, node.ask(b"delete %b\r\n" % name, Expect.LINE))
            for zone, name in due
            if (node := self._replicas.node(zone, name)) is not None
        ]
        for zone, name, future in asked:
            if await future in _GONE:
                self.fix_ups.settle(zone, name)
                self._meters.fixed.add()

    async def _read(self, names: Iterable[bytes]) -> dict[bytes, tuple[str, int, bytes]]:
        """Zone, flags and data of each entry found, by name."""
        own = self._replicas.own_zone
        self._budget.deposit()
        values, unasked, missed = await self._read_zone(own, tuple(names))
        found = {name: (own, *kept) for name, kept in values.items()}
        if not (unasked or missed) or not self._reads_other_zones():
            return found
        again = list(unasked)
        if missed and self._budget.withdraw():
            again += missed
        for zone in self._replicas.other_zones():
            if not again:
                break
            values, again, _ = await self._read_zone(zone, again)
            found |= {name: (zone, *kept) for name, kept in values.items()}
        return found

    async def _read_zone(
        self, zone: str, names: Sequence[bytes]
    ) -> tuple[Values, list[bytes], list[bytes]]:
        """What was found, and the names that nobody could be asked for, or that were missed."""
        unasked: list[bytes] = []
        missed: list[bytes] = []
        values: Values = {}
        by_node: dict[NodeConnection, list[bytes]] = {}
        for name in names:
            node = self._replicas.node(zone, name)
            if node is None:
                unasked.append(name)
            else:
                by_node.setdefault(node, []).append(name)
        if unasked:
            self._meters.read(zone, Failure.FAST_FAIL.value, len(unasked))
        asked = [
            (part, node.ask(b"get %b\r\n" % b" ".join(part), Expect.VALUES))
            for node, of_node in by_node.items()
            for part in _parts(of_node)
        ]
        for part, future in asked:
            result = await future
            if isinstance(result, dict):
                values |= {name: result[name] for name in part if name in result}
                lost = [name for name in part if name not in result]
                missed += lost
                self._meters.read(zone, "hit", len(part) - len(lost))
                self._meters.read(zone, "miss", len(lost))
            elif result is Failure.TIMED_OUT:
                missed += part
                self._meters.read(zone, result.value, len(part))
            else:
                unasked += part
                self._meters.read(zone, _ending(result), len(part))
        return values, unasked, missed

    async def _whole(self, zone: str, name: bytes, flags: int, data: bytes) -> bytes | None:
        manifest = codec.manifest_of(name, flags, data)
        if manifest is None:
            return codec.value_of(flags, data)
        pieces, unasked, missed = await self._read_zone(zone, manifest.names)
        if unasked or missed:
            return None  # a piece was forgotten, or is late: the value is not there any more
        if any(kept[0] != manifest.flags for kept in pieces.values()):
            raise Corrupt("a piece has other flags than its value")
        whole = codec.joined(manifest, {piece: kept[1] for piece, kept in pieces.items()})
        return codec.value_of(manifest.flags, whole)

    def _everywhere(
        self,
        requests: Sequence[tuple[bytes, bytes]],
        good: tuple[bytes, ...],
        quorum: Quorum,
        *,
        is_change: bool,
        replaces: bool = True,
    ) -> asyncio.Future[Written]:
        """Send to every zone. replaces: a zone that has taken it holds nothing older any more."""
        zones = self._replicas.zones()
        count = _Count(quorum.needed(len(zones)), len(zones))
        main = requests[-1][0]

        def settle(zone: str, is_good: bool) -> None:
            self._meters.write(zone, is_good=is_good)
            if is_good and replaces:
                self.fix_ups.settle(zone, main)
            elif is_change:
                self.fix_ups.note(zone, main, self._now())
            count.add(is_good)

        for zone in zones:
            asked: list[asyncio.Future[Result]] = []
            for name, request in requests:
                node = self._replicas.node(zone, name)
                if node is None:
                    break
                asked.append(node.ask(request, Expect.LINE))
            _when_all(asked, len(requests), good, zone, settle)
        return count.decided


class _Count:
    """Zones that have answered one write."""

    __slots__ = ("_failed", "_good", "_needed", "_zones", "decided")

    def __init__(self, needed: int, zones: int) -> None:
        self.decided: asyncio.Future[Written] = asyncio.get_running_loop().create_future()
        self._needed = needed
        self._zones = zones
        self._good = 0
        self._failed = 0
        self._decide()

    def add(self, is_good: bool) -> None:
        self._good += is_good
        self._failed += not is_good
        self._decide()

    def _decide(self) -> None:
        is_good = self._good >= self._needed
        if not self.decided.done() and (is_good or self._good + self._failed >= self._zones):
            self.decided.set_result(Written(is_good, self._zones, self._failed))


def _when_all(
    asked: Sequence[asyncio.Future[Result]],
    wanted: int,
    good: tuple[bytes, ...],
    zone: str,
    settle: Callable[[str, bool], None],
) -> None:
    """Settle for a zone once the last of its operations has ended."""
    left = len(asked)
    is_good = left == wanted
    if not asked:
        settle(zone, False)
        return

    def ended(future: asyncio.Future[Result]) -> None:
        nonlocal left, is_good
        left -= 1
        is_good = is_good and future.result() in good
        if not left:
            settle(zone, is_good)

    for future in asked:
        future.add_done_callback(ended)


def _exptime(ttl_s: float) -> int:
    """Whole seconds, and no more than a node takes for a time to live."""
    return min(RELATIVE_S_MAX, max(1, math.ceil(ttl_s)))


def _set_request(entry: Entry, exptime: int) -> bytes:
    head = b"set %b %d %d %d\r\n" % (entry.name, entry.flags, exptime, len(entry.data))
    return b"".join((head, entry.data, b"\r\n"))


def _parts(names: Sequence[bytes]) -> Iterable[Sequence[bytes]]:
    return (names[at : at + KEYS_PER_REQUEST] for at in range(0, len(names), KEYS_PER_REQUEST))


def _ending(result: Result) -> str:
    """The word for a read without values; what a node refuses has failed, whatever it says."""
    return (result if isinstance(result, Failure) else Failure.UNREACHABLE).value
