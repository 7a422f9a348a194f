"""What one node keeps, in SQLite: a file of its own in the instance's folder.

A write is in the write-ahead log before it is acknowledged, so a process that is killed loses
nothing; the log is not forced to the platter, as Cassandra's is not by default. The file is
bounded. A disk that is full, this one or the machine's, is a DiskFailed for whoever writes; reads
go on.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from demo_platform.widecolumn.cells import NO_ROW, Row, merge
from demo_platform.widecolumn.schema import GC_GRACE_S, TABLES

PAGE_BYTES = 4096
PAGES_MAX = 3584
"""14 MB for a node; an instance's disk that stays has 16, and the log takes its share."""

CACHE_KB = 256
CHECKPOINT_PAGES = 128
TOMBSTONES_MAX = 2000
"""Dead rows that one read may step over."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Row).decode
_FULL = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE)

Where = tuple[str, bytes, bytes]
"""Table, partition and clustering of a row."""


class DiskFailed(Exception):
    """The disk did not do it: "disk full", "too many tombstones", or what SQLite says."""


class Disk:
    """The rows of one node."""

    def __init__(self, path: Path | str, *, pages_max: int = PAGES_MAX) -> None:
        """Open or make the file. Raises DiskFailed."""
        try:
            self._db = sqlite3.connect(path, isolation_level=None, cached_statements=32)
            for setting in (
                f"page_size={PAGE_BYTES}",
                # The index of the log is then kept in memory: a mapped file on a full disk kills.
                "locking_mode=EXCLUSIVE",
                "journal_mode=WAL",
                "synchronous=OFF",
                f"cache_size=-{CACHE_KB}",
                f"wal_autocheckpoint={CHECKPOINT_PAGES}",
                f"journal_size_limit={CHECKPOINT_PAGES * PAGE_BYTES}",
                f"max_page_count={pages_max}",
            ):
                self._db.execute(f"PRAGMA {setting}")
            self._db.execute(
                "CREATE TABLE IF NOT EXISTS rows (name TEXT, partition BLOB, clustering BLOB,"
                " newest_us INTEGER, row BLOB, PRIMARY KEY (name, partition, clustering))"
                " WITHOUT ROWID"
            )
        except sqlite3.Error as error:
            raise _failure(error) from error

    def write(self, where: Where, row: Row) -> None:
        """Merge a version of a row into what is there. Raises DiskFailed."""
        try:
            self._merge(where, row)
        except sqlite3.Error as error:
            raise _failure(error) from error

    def write_all(self, rows: Iterable[tuple[Where, Row]]) -> None:
        """Merge versions of several rows, or none of them. Raises DiskFailed."""
        try:
            self._db.execute("BEGIN")
            for where, row in rows:
                self._merge(where, row)
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            self._roll_back()
            raise _failure(error) from error

    def _merge(self, where: Where, row: Row) -> None:
        found = self._db.execute(
            "SELECT row FROM rows WHERE name=? AND partition=? AND clustering=?", where
        ).fetchone()
        known = _decode(found[0]) if found else NO_ROW
        merged = merge((known, row))
        if merged == known:
            return
        self._db.execute(
            "REPLACE INTO rows VALUES (?,?,?,?,?)",
            (*where, merged.newest_us(), _encode(merged)),
        )

    def _roll_back(self) -> None:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    def fill(self, rows: Iterable[tuple[Where, Row]]) -> None:
        """Write many rows at once where there are none yet. Raises DiskFailed."""
        try:
            self._db.execute("BEGIN")
            self._db.executemany(
                "INSERT OR IGNORE INTO rows VALUES (?,?,?,?,?)",
                ((*where, row.newest_us(), _encode(row)) for where, row in rows),
            )
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            self._roll_back()
            raise _failure(error) from error

    def scan(
        self, partition: tuple[str, bytes], first: bytes, last: bytes, limit: int, now_s: float
    ) -> tuple[list[tuple[bytes, Row]], bool]:
        """Rows between two clustering keys until so many live ones, and whether these are all.

        Raises DiskFailed, also when there are too many dead ones among them.
        """
        rows: list[tuple[bytes, Row]] = []
        alive = 0
        grace_s = _grace_s(partition[0])
        try:
            cursor = self._db.execute(
                "SELECT clustering, row FROM rows WHERE name=? AND partition=?"
                " AND clustering BETWEEN ? AND ? ORDER BY clustering",
                (*partition, first, last),
            )
            for clustering, encoded in cursor:
                if alive == limit:
                    return rows, False
                row = _decode(encoded).purged(now_s, grace_s)
                if row is None:
                    continue
                rows.append((clustering, row))
                alive += row.live(now_s) is not None
                if len(rows) - alive > TOMBSTONES_MAX:
                    raise DiskFailed("too many tombstones")
        except sqlite3.Error as error:
            raise _failure(error) from error
        return rows, True

    def page(self, after: Where, count: int, *, newer_than_us: int = -1) -> list[tuple[Where, Row]]:
        """The next rows after a place, in order, that were written later. Raises DiskFailed."""
        try:
            found = self._db.execute(
                "SELECT name, partition, clustering, row FROM rows"
                " WHERE (name, partition, clustering) > (?,?,?) AND newest_us > ?"
                " ORDER BY name, partition, clustering LIMIT ?",
                (*after, newer_than_us, count),
            ).fetchall()
        except sqlite3.Error as error:
            raise _failure(error) from error
        return [((name, part, key), _decode(row)) for name, part, key, row in found]

    def compact(
        self, after: Where, count: int, now_s: float, *, newer_than_us: int = -1
    ) -> Where | None:
        """Drop what is long dead among the next rows that are newer; where to go on, or None.

        Raises DiskFailed.
        """
        page = self.page(after, count, newer_than_us=newer_than_us)
        try:
            for where, row in page:
                left = row.purged(now_s, _grace_s(where[0]))
                if left is None:
                    self._db.execute(
                        "DELETE FROM rows WHERE name=? AND partition=? AND clustering=?", where
                    )
                elif left is not row:
                    self._db.execute(
                        "REPLACE INTO rows VALUES (?,?,?,?,?)",
                        (*where, left.newest_us(), _encode(left)),
                    )
        except sqlite3.Error as error:
            raise _failure(error) from error
        return page[-1][0] if len(page) == count else None

    def size_bytes(self) -> int:
        """Of the file, without its log. Raises DiskFailed."""
        try:
            return int(self._db.execute("PRAGMA page_count").fetchone()[0]) * PAGE_BYTES
        except sqlite3.Error as error:
            raise _failure(error) from error

    def rows(self) -> Iterator[tuple[Where, Row]]:
        """Everything. Raises DiskFailed."""
        after: Where = ("", b"", b"")
        while page := self.page(after, 200):
            yield from page
            after = page[-1][0]

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()


def _grace_s(table: str) -> float:
    return TABLES[table].gc_grace_s if table in TABLES else GC_GRACE_S


def _failure(error: sqlite3.Error) -> DiskFailed:
    if getattr(error, "sqlite_errorcode", None) in _FULL:
        return DiskFailed("disk full")
    return DiskFailed(f"disk: {error}")
