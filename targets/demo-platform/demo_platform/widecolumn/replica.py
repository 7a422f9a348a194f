"""A node as a replica: what it does for coordinators, with the capacity that it has."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from demo_platform.resilience.concurrency_limit import ConcurrencyLimit, Shed
from demo_platform.widecolumn.cells import digest
from demo_platform.widecolumn.disk import Disk, DiskFailed
from demo_platform.widecolumn.messages import (
    Digest,
    Done,
    Failed,
    Mutate,
    Scan,
    Scanned,
    Stream,
    Streamed,
)
from demo_platform.widecolumn.sample_data import SEEDED_AT_US
from demo_platform.widecolumn.schema import TABLES
from demo_platform.widecolumn.store import ROWS_MAX

OVERLOADED = "overloaded"
STREAM_ROWS = 200


@dataclass(frozen=True, slots=True)
class StoreCapacity:
    """What a node can do: `slots` at once, each for so long.

    read_s: for rows that are there, and in a table that is not cached. That there are none a filter
    in memory says at once, as Cassandra's Bloom filters do.
    write_s: for each row, which goes to memory and a log.
    queue_wait_s: how long work may wait for a slot; what would wait longer is refused at once.
    row_s: for each row that a read steps over, dead ones included, besides the first.
    """

    slots: int = 2
    read_s: float = 0.02
    write_s: float = 0.001
    row_s: float = 0.0001
    queue_wait_s: float = 0.05


class Replica:
    """One node's share of the data, and the slots in which it works on it."""

    def __init__(
        self,
        disk: Disk,
        *,
        capacity: Callable[[], StoreCapacity],
        now: Callable[[], float],
        wall_clock: Callable[[], float],
    ) -> None:
        self.disk = disk
        self.sheds = 0
        self.disk_failures = 0
        self._capacity = capacity
        self._limit = ConcurrencyLimit()
        self._now = now
        self._wall_clock = wall_clock

    async def mutate(self, *mutations: Mutate) -> Done | Failed:
        """Merge rows, all or none, once there is a slot."""
        rows = [((one.table, one.partition, one.clustering), one.row) for one in mutations]
        try:
            await self._work(self._capacity().write_s * len(rows))
            self.disk.write_all(rows)
        except Shed:
            return self._shed()
        except DiskFailed as error:
            return self._failed(error)
        return Done()

    async def scan(self, request: Scan) -> Scanned | Digest | Failed:
        """Read rows, and have them once there is a slot."""
        capacity = self._capacity()
        limit = max(1, min(request.limit, ROWS_MAX))
        try:
            rows, is_whole = self.disk.scan(
                (request.table, request.partition),
                request.first,
                request.last,
                limit,
                self._wall_clock(),
            )
            if rows and not _is_cached(request.table):
                await self._work(capacity.read_s + capacity.row_s * (len(rows) - 1))
        except Shed:
            return self._shed()
        except DiskFailed as error:
            return self._failed(error)
        return Digest(digest(rows)) if request.is_digest else Scanned(rows, is_whole)

    def stream(self, request: Stream) -> Streamed | Failed:
        """The next rows for a node that joins; what every node has from the start is left out."""
        after = (request.table, request.partition, request.clustering)
        try:
            page = self.disk.page(after, STREAM_ROWS, newer_than_us=SEEDED_AT_US)
        except DiskFailed as error:
            return self._failed(error)
        return Streamed([Mutate(*where, row) for where, row in page])

    async def _work(self, work_s: float) -> None:
        capacity, now = self._capacity(), self._now()
        done_at = self._limit.reserve(
            slots=capacity.slots, work_s=work_s, wait_s=capacity.queue_wait_s, now=now
        )
        await asyncio.sleep(done_at - now)

    def _shed(self) -> Failed:
        self.sheds += 1
        return Failed(OVERLOADED)

    def _failed(self, error: DiskFailed) -> Failed:
        self.disk_failures += 1
        return Failed(str(error))


def _is_cached(table: str) -> bool:
    return table in TABLES and TABLES[table].is_cached
