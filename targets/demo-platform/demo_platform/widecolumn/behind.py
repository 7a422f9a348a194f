"""Rows that are written a little later, several at once: for writes that nobody waits for.

A write to all replicas costs much more than a row in it. So rows are gathered, of each the last
version, and written together. What the store refuses is written with the next, as of the time at
which it was handed in, so that it overrules nothing that was written meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from demo_platform.widecolumn.client import MonotonicMicros
from demo_platform.widecolumn.consistency import Consistency
from demo_platform.widecolumn.refusals import Kind, StoreRefused
from demo_platform.widecolumn.schema import TABLES, Columns, Value
from demo_platform.widecolumn.store import WideColumnStore

GATHER_S = 4.0
"""How long the first row of several waits: what is lost when the instance is killed."""

ROWS_AT_ONCE = 40
"""A node takes a millisecond for each, and its coordinator waits for a tenth of a second."""

ROWS_MAX = 512
"""That wait; of more, those that have waited for longest are lost."""


_Key = tuple[Value, ...]
"""A table and the key of a row in it."""


class WritesBehind:
    """The rows that are still to be written. micros: the writer's clock.

    dropped: rows that were lost, because there were too many or the store cannot ever take them.
    """

    def __init__(
        self,
        store: WideColumnStore,
        *,
        micros: Callable[[], int] | None = None,
        rows_max: int = ROWS_MAX,
    ) -> None:
        self.dropped = 0
        self._store = store
        self._micros = micros or MonotonicMicros()
        self._rows_max = rows_max
        self._rows: dict[_Key, tuple[Columns, int]] = {}
        self._writing: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._rows)

    def put(self, table: str, row: Columns) -> None:
        """Have a row written soon, in place of one with the same key that still waits."""
        key = (table, *(row[name] for name in TABLES[table].key))
        self._rows.pop(key, None)
        self._rows[key] = (row, self._micros())
        self._drop()
        if self._writing is None or self._writing.done():
            self._writing = asyncio.get_running_loop().create_task(self._write_until_done())

    async def flush(self) -> None:
        """Write what waits; if it is refused, or this is cancelled, it goes on waiting."""
        taken, self._rows = self._rows, {}
        try:
            for table in dict.fromkeys(key[0] for key in taken):
                keys = [key for key in taken if key[0] == table]
                for at in range(0, len(keys), ROWS_AT_ONCE):
                    rows = {key: taken[key] for key in keys[at : at + ROWS_AT_ONCE]}
                    await self._write(str(table), rows)
                    for key in rows:
                        del taken[key]
        finally:
            self._rows = taken | self._rows
            self._drop()

    async def close(self) -> None:
        """Write what waits one last time."""
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.gather(self._writing, return_exceptions=True)
        await self.flush()

    async def _write(self, table: str, rows: dict[_Key, tuple[Columns, int]]) -> None:
        try:
            await self._store.write_all(table, list(rows.values()), level=Consistency.LOCAL_QUORUM)
        except StoreRefused as refused:
            if refused.kind is Kind.INVALID:
                self.dropped += len(rows)
                return
            newer = self._rows
            self._rows = {k: row for k, row in rows.items() if k not in newer} | newer
            self._drop()

    async def _write_until_done(self) -> None:
        while self._rows:
            await asyncio.sleep(GATHER_S)
            await self.flush()

    def _drop(self) -> None:
        while len(self._rows) > self._rows_max:
            del self._rows[next(iter(self._rows))]
            self.dropped += 1
