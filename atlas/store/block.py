"""One span of 60 steps for many series: a row each, zero where nothing was reported.

`values` is series-major float64 and `present` has a bit for each column that holds a value. Because
absent values are zero, a sum needs no test for gaps, and a row without gaps is one comparison.
Rows never written cost nothing.

When its time is over a block is packed (see `pack`): its rows move to parts that are smaller and
never change. A late sample opens its row again, which is then the only one to lie apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np

from atlas.store.layout import (
    ALL_COLUMNS,
    COLUMN_BITS,
    POINTS_PER_BLOCK,
    BoolArray,
    FloatArray,
    IntArray,
    RowArray,
    WordArray,
)
from atlas.store.pages import PagedRows, zeroed
from atlas.store.parts import Plain
from atlas.store.view import OPEN, BlockView, Packed

__all__ = ["Block", "FloatArray", "IntArray", "RowArray"]

ROW_BYTES = POINTS_PER_BLOCK * 8
BLOCK_ROW_BYTES = 8 + 1 + 4  # presence word; part and position once packed
_COPY_ROWS = 2048


class Block:
    """Values of all series for one span; rows that nothing was written to are absent.

    There is room for `row_count` rows, and addresses for as many as are expected, so that growing
    does not copy them. `stamps` has for each column the number of the batch that last wrote to it,
    0 for none; `written_ms` is the time of the last writing, by the clock of those who write;
    `used_row_count` says how many rows have values, `open_row_count` how many of them are not
    packed. `before` is a block in which the same rows have values.
    """

    __slots__ = (
        "_rows",
        "open_row_count",
        "packed",
        "present",
        "stamps",
        "used_row_count",
        "values",
        "written_ms",
    )

    def __init__(
        self, row_count: int, row_count_expected: int = 0, before: Block | None = None
    ) -> None:
        self.present: WordArray = zeroed((row_count,), np.uint64)
        self.stamps: IntArray = np.zeros(POINTS_PER_BLOCK, np.int64)
        self.packed: Packed | None = None
        self.written_ms = 0
        self.open_row_count = self.used_row_count = 0
        self._begin_rows(max(row_count, row_count_expected), before)

    @property
    def row_count(self) -> int:
        """How many rows the block has room for."""
        return len(self.present)

    def view(self) -> BlockView:
        """What there is to read, which stays as it is but for cells written later."""
        return BlockView(self.present, Plain(self.values), self.packed)

    def grow(self, row_count: int) -> None:
        """Make room for `row_count` rows. Views handed out before keep what they showed."""
        if row_count <= self.row_count:
            return
        if row_count > len(self.values):
            self._move_rows(row_count)
        present = self.present
        self.present = zeroed((row_count,), np.uint64)
        self.present[: len(present)] = present
        if self.packed is not None:
            self.packed = self.packed.grown(row_count)

    def pack(self, packed: Packed) -> None:
        """Hold the rows that are in `packed` there, and no longer among the open ones."""
        self._begin_rows(self.row_count)
        self.open_row_count = 0
        self.packed = packed.grown(self.row_count)

    def put(self, rows: RowArray, column: int, values: FloatArray) -> None:
        """Write one column; rows are distinct and values are numbers, not NaN."""
        self._open(rows)
        words = self.present[rows]
        if not words.all():
            fresh = rows[words == 0]
            self.used_row_count += len(fresh)
            self._use(fresh)
        self.values[rows, column] = values
        self.present[rows] = words | COLUMN_BITS[column]

    def put_max(self, rows: RowArray, column: int, values: FloatArray) -> None:
        """Write one column, keeping the larger where a value stands already."""
        self._open(rows)
        had = self.has(rows, column)
        if had.any():
            values = np.where(had, np.maximum(self.values[rows, column], values), values)
        self.put(rows, column, values)

    def put_sum(self, rows: RowArray, column: int, values: FloatArray) -> None:
        """Write one column, adding to what stands already; absent is zero."""
        self._open(rows)
        self.put(rows, column, self.values[rows, column] + values)

    def has(self, rows: RowArray, column: int) -> BoolArray:
        """Which of the rows have a value in the column."""
        found: BoolArray = (self.present[rows] & COLUMN_BITS[column]) != 0
        return found

    @property
    def open_bytes(self) -> int:
        """What the rows that are not packed have committed."""
        return self._rows.committed_bytes

    def sizes_bytes(self) -> Mapping[str, int]:
        """What the block has committed, by the kind of its rows; `index` finds them."""
        sizes = Counter({"open": self.open_bytes})
        sizes["index"] = self.present.nbytes
        if self.packed is not None:
            sizes["index"] += self.packed.size_bytes
            for part in self.packed.parts:
                sizes[part.kind] += part.size_bytes
        return sizes

    def _open_rows(self) -> RowArray:
        is_open = self.present != 0
        if self.packed is not None:
            is_open &= self.packed.part_of == OPEN
        return np.flatnonzero(is_open).astype(np.int32)

    def _begin_rows(self, row_count: int, before: Block | None = None) -> None:
        expected = None if before is None else before.present != 0
        self._rows = PagedRows(row_count, POINTS_PER_BLOCK, expected)
        self.values: FloatArray = self._rows.values

    def _move_rows(self, row_count: int) -> None:
        values, open_rows = self.values, self._open_rows()
        self._begin_rows(row_count)
        # Copied in runs of used rows only, or else the copy would commit every page.
        for start in range(0, len(open_rows), _COPY_ROWS):
            rows = open_rows[start : start + _COPY_ROWS]
            self.values[rows] = values[rows]
        self._rows.use(open_rows)

    def _open(self, rows: RowArray) -> None:
        """Take rows that are packed back among the open ones."""
        if self.packed is None:
            return
        closed = rows[self.packed.part_of[rows] != OPEN]
        if len(closed):
            self.values[closed] = self.view().read(closed, ALL_COLUMNS)
            self._use(closed)
            self.packed = self.packed.opened(closed)

    def _use(self, rows: RowArray) -> None:
        self.open_row_count += len(rows)
        self._rows.use(rows)
