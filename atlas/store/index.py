"""Tags to rows: one coded column per key, and postings for `name` alone.

A column holds, for each row, the code of the row's value (−1: the row lacks the key). A clause of
a query is asked once per *value*, never per series, and the answers are looked up by code; the
groups of a group-by are the codes. Nearly every query names a metric, so postings for `name`
narrow it first.

Rows are handed out in pages per name: the series of a metric lie side by side in the arena, which
makes reading them 2 to 4 times faster.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence

import numpy as np
import numpy.typing as npt

from atlas.expr.query_expr import (
    And,
    FalseQuery,
    KeyQuery,
    Not,
    Or,
    Query,
    TrueQuery,
    clauses,
    exact_name,
)
from atlas.model import Tags
from atlas.store.column import TEXT_BYTES, Column
from atlas.store.layout import BoolArray, RowArray
from atlas.store.runs import Groups

SERIES_BYTES = 190
"""What the tables take for each series, measured."""

ID_SIZE = 20
ORDERED_ROWS_MAX = 4096
_PAGE_ROWS_MIN, _PAGE_ROWS_MAX = 64, 4096
_ROWS_AT_FIRST = 1024
_DENSE_GROUPS_MAX = 1 << 22
_LISTED_MAX = 64
_KEY_ORDERS_MAX = 1024


def series_id(tags: Tags) -> bytes:
    """The identity of a series: SHA-1 over its sorted tags, as the original computes it."""
    text = ",".join([f"{key}={tags[key]}" for key in sorted(tags)])
    return hashlib.sha1(text.encode(), usedforsecurity=False).digest()


class TagIndex:
    """All series that are known, by their tags."""

    def __init__(self) -> None:
        self._capacity = _ROWS_AT_FIRST
        self._columns: dict[str, Column] = {"name": Column(self._capacity)}
        self._row_of: dict[bytes, int] = {}
        self._ids = np.zeros((self._capacity, ID_SIZE), np.uint8)
        self._postings: dict[str, RowArray] = {}
        self._pending: dict[str, list[int]] = {}
        self._free: dict[str, list[int]] = {}
        self._row_counts: dict[str, int] = {}
        self._key_orders: set[tuple[str, ...]] = set()
        self._row_end = 0
        self._version = 0
        self._version_of_name: dict[str, int] = {}
        self._listed: dict[tuple[str, Query | None], tuple[int, tuple[str, ...]]] = {}

    def version_of(self, name: str | None) -> int:
        """Changes whenever a series of a name comes or goes; without a name, any series."""
        return self._version if name is None else self._version_of_name.get(name, 0)

    @property
    def name_count(self) -> int:
        """How many names series have, or had."""
        return len(self._row_counts)

    @property
    def cell_count(self) -> int:
        """How many cells the columns have; it changes when a key is new, or room for rows."""
        return self._capacity * len(self._columns)

    @property
    def size_bytes(self) -> int:
        """What columns, texts and tables take."""
        of_columns = sum(column.size_bytes for column in self._columns.values())
        return of_columns + self._ids.nbytes + self.series_count * SERIES_BYTES

    @property
    def series_count(self) -> int:
        """How many series are known."""
        return len(self._row_of)

    @property
    def capacity(self) -> int:
        """How many rows have room; every row is below it."""
        return self._capacity

    def row_of(self, identity: bytes) -> int | None:
        """The row of the series with this identity, or None if it is not known."""
        return self._row_of.get(identity)

    def cost_bytes(self, tags: Tags, row_bytes: int) -> int:
        """What adding a series may take more, `row_bytes` being what others keep for each row."""
        new_keys = [key for key in tags if key not in self._columns]
        cost = SERIES_BYTES + 4 * self._capacity * len(new_keys)
        for key, text in tags.items():
            column = self._columns.get(key)
            if column is None or text not in column.code_of:
                cost += TEXT_BYTES + len(text)
        name = tags["name"]
        if not self._free.get(name) and self._row_end + self._page_rows(name) > self._capacity:
            code_bytes = 4 * (len(self._columns) + len(new_keys))
            cost += self._capacity * (ID_SIZE + row_bytes + code_bytes)
        return cost

    def has_like(self, tags: Tags) -> bool:
        """Whether there are series with the same keys, and with each of the tags.

        What must hold for each tag by itself, or for the keys, then holds for these tags too.
        """
        if tuple(tags) not in self._key_orders:
            return False
        columns = self._columns
        for key, text in tags.items():  # noqa: SIM110 (twice as fast as a generator)
            if text not in columns[key].code_of:
                return False
        return True

    def add(self, identity: bytes, tags: Tags) -> int:
        """The row of a series, handed out if it is new; it can be found by a query at once."""
        row = self._row_of.get(identity)
        if row is not None:
            return row
        name = tags["name"]
        row = self._take_row(name)
        self._row_of[identity] = row
        self._ids[row] = np.frombuffer(identity, np.uint8)
        for key, text in tags.items():
            column = self._columns.get(key)
            if column is None:
                column = self._columns[key] = Column(self._capacity)
            code = column.code_of.get(text)
            column.codes[row] = column.code(text) if code is None else code
        if len(self._key_orders) == _KEY_ORDERS_MAX:
            self._key_orders.clear()
        self._key_orders.add(tuple(tags))
        self._pending.setdefault(name, []).append(row)
        self._version += 1
        self._version_of_name[name] = self._version
        return row

    def remove(self, rows: Sequence[int]) -> None:
        """Forget the series of these rows; their rows may be handed out again."""
        self._version += 1
        gone = np.asarray(rows, np.int32)
        names = self._columns["name"]
        for name in {names.texts[names.codes[row]] for row in rows}:
            kept = np.setdiff1d(self._posting(name), gone, assume_unique=True)
            freed = np.setdiff1d(self._posting(name), kept, assume_unique=True)
            self._postings[name] = kept
            self._free.setdefault(name, []).extend(freed[::-1].tolist())
            self._version_of_name[name] = self._version
        for row in rows:
            del self._row_of[self._ids[row].tobytes()]
        for column in self._columns.values():
            column.codes[gone] = -1
        self._forget_unused_texts()

    def tags_of(self, row: int) -> dict[str, str]:
        """The tags of a series, keys sorted."""
        found = ((k, c.texts[c.codes[row]]) for k, c in self._columns.items() if c.codes[row] >= 0)
        return dict(sorted(found))

    def id_order(self, rows: RowArray) -> RowArray:
        """The rows in the order of their series' identities."""
        # The first 64 of 160 bits tell them apart.
        prefixes = np.ascontiguousarray(self._ids[rows, :8]).view(">u8").ravel()
        return np.asarray(rows[np.argsort(prefixes, kind="stable")])

    def values_at(self, key: str, rows: RowArray) -> list[str]:
        """The value of a key in each of the rows, all of which have it."""
        column = self._columns[key]
        return [column.texts[code] for code in column.codes[rows].tolist()]

    def select(self, query: Query) -> RowArray:
        """The rows of all series that the query matches, ascending."""
        rows = self._candidates(query)
        if not len(rows):
            return rows
        return np.asarray(rows[self._mask(query, rows)])

    def select_all(self) -> RowArray:
        """The rows of all series that are known, ascending."""
        return self._candidates(None)

    def group(self, rows: RowArray, keys: Sequence[str]) -> Groups:
        """The rows grouped by their values of the keys; rows that lack a key are dropped.

        Groups come out in no particular order; with no keys there is one group. Few rows come in
        the order of their identities within a group, so that sums are the original's to the last
        digit, whatever came first; many come as they lie in memory, which is faster.
        """
        if len(rows) <= ORDERED_ROWS_MAX:
            rows = self.id_order(rows)
        columns = [self._columns[key] for key in keys if key in self._columns]
        if len(columns) < len(keys) or not len(rows):
            return Groups(rows[:0], np.zeros(1, np.int64))
        group_ids = np.zeros(len(rows), np.int64)
        group_count = 1
        for column in columns:
            codes = column.codes[rows]
            if (codes < 0).any():
                has = codes >= 0
                rows, group_ids, codes = rows[has], group_ids[has], codes[has]
            group_ids = group_ids * len(column.texts) + codes
            group_ids, group_count = _renumbered(group_ids, group_count * len(column.texts))
        if group_count <= 1:
            return Groups(rows, np.array([0, len(rows)] if len(rows) else [0], np.int64))
        sizes = np.bincount(group_ids, minlength=group_count)
        starts = np.concatenate(([0], np.cumsum(sizes)))
        # Few enough groups sort by radix, which numpy offers for 16 bits only.
        order = np.argsort(
            group_ids.astype(np.uint16) if group_count < 1 << 16 else group_ids, kind="stable"
        )
        return Groups(np.asarray(rows[order]), starts)

    def keys(self, query: Query | None = None) -> list[str]:
        """Every key that a matching series has, sorted."""
        rows = self.select_all() if query is None else self.select(query)
        return sorted(k for k, c in self._columns.items() if (c.codes[rows] >= 0).any())

    def values(self, key: str, query: Query | None = None) -> Sequence[str]:
        """Every value of a key that a matching series has, sorted."""
        # Asked again and again while people type, and only series that come or go change it.
        name = None if query is None else exact_name(query)
        version, texts = self._listed.pop((key, query), (-1, ()))
        if version != self.version_of(name):
            version, texts = self.version_of(name), self._values(key, query)
        self._listed[key, query] = version, texts
        if len(self._listed) > _LISTED_MAX:
            del self._listed[next(iter(self._listed))]
        return texts

    def _values(self, key: str, query: Query | None) -> tuple[str, ...]:
        column = self._columns.get(key)
        if column is None:
            return ()
        if query is None or isinstance(query, TrueQuery):
            return column.texts_in(column.codes)
        return column.texts_in(column.codes[self.select(query)])

    def _candidates(self, query: Query | None) -> RowArray:
        """Rows that may match: those of the names that the query allows."""
        if isinstance(query, FalseQuery):
            return np.zeros(0, np.int32)
        names: Collection[str] = {**self._postings, **self._pending}
        for clause in clauses(query) if query is not None else ():
            if isinstance(clause, KeyQuery) and clause.key == "name":
                accepted = self._columns["name"].accepted_texts(clause)
                names = [name for name in accepted if name in names]
        postings = [self._posting(name) for name in names]
        if len(postings) == 1:
            return postings[0]
        return np.sort(np.concatenate(postings)) if postings else np.zeros(0, np.int32)

    def _posting(self, name: str) -> RowArray:
        pending = self._pending.pop(name, None)
        rows = self._postings.get(name)
        if pending:
            new = np.array(pending, np.int32)
            rows = np.sort(new if rows is None else np.concatenate((rows, new)))
            self._postings[name] = rows
        return rows if rows is not None else np.zeros(0, np.int32)

    def _mask(self, query: Query, rows: RowArray) -> BoolArray:
        match query:
            case And():
                left = self._mask(query.left, rows)
                return left & self._mask(query.right, rows) if left.any() else left
            case Or():
                return self._mask(query.left, rows) | self._mask(query.right, rows)
            case Not():
                return ~self._mask(query.query, rows)
            case KeyQuery():
                column = self._columns.get(query.key)
                return (
                    np.zeros(len(rows), np.bool_)
                    if column is None
                    else column.accepted(query, rows)
                )
            case _:
                return np.full(len(rows), not isinstance(query, FalseQuery))

    def _take_row(self, name: str) -> int:
        free = self._free.setdefault(name, [])
        if not free:
            size = self._page_rows(name)
            self._row_counts[name] = self._row_counts.get(name, 0) + size
            free.extend(range(self._row_end + size - 1, self._row_end - 1, -1))
            self._row_end += size
            if self._row_end > self._capacity:
                self._grow()
        return free.pop()

    def _page_rows(self, name: str) -> int:
        """How many rows a name is given next: about a quarter of what it has, a power of two."""
        quarter = self._row_counts.get(name, 0) // 4
        return min(max(_PAGE_ROWS_MIN, 1 << quarter.bit_length() >> 1), _PAGE_ROWS_MAX)

    def _grow(self) -> None:
        while self._capacity < self._row_end:
            self._capacity += self._capacity // 2
        for column in self._columns.values():
            column.grow(self._capacity)
        ids = np.zeros((self._capacity, ID_SIZE), np.uint8)
        ids[: len(self._ids)] = self._ids
        self._ids = ids

    def _forget_unused_texts(self) -> None:
        """Drop values that no series has any more, once they are most of a column."""
        for column in self._columns.values():
            if len(column.texts) < _PAGE_ROWS_MIN:
                continue
            used = np.zeros(len(column.texts) + 1, np.bool_)
            used[column.codes] = True
            alive = np.flatnonzero(used[:-1])
            if 2 * len(alive) > len(column.texts):
                continue
            new_code = np.full(len(column.texts) + 1, -1, np.int32)
            new_code[alive] = np.arange(len(alive), dtype=np.int32)
            column.texts = [column.texts[code] for code in alive.tolist()]
            column.code_of = {text: code for code, text in enumerate(column.texts)}
            column.text_bytes = sum(TEXT_BYTES + len(text) for text in column.texts)
            column.codes = new_code[column.codes]


def _renumbered(ids: npt.NDArray[np.int64], bound: int) -> tuple[npt.NDArray[np.int64], int]:
    """The ids with unused numbers taken out, order kept, and how many are left."""
    if bound > _DENSE_GROUPS_MAX:
        unique, dense = np.unique(ids, return_inverse=True)
        return dense.astype(np.int64), len(unique)
    used = np.zeros(bound, np.bool_)
    used[ids] = True
    number = np.cumsum(used) - 1
    return number[ids], int(number[-1]) + 1
