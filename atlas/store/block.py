"""One span of 60 steps for many series: a row each, zero where nothing was reported.

`values` is series-major float64 and `present` has a bit for each column that holds a value. Because
absent values are zero, a sum needs no test for gaps, and a row without gaps is one comparison.

Both lie in anonymous memory of their own, so that rows never written cost nothing and a dropped
block goes back to the system at once. (From the heap, a second block of the same size would be
wiped, and so committed, as soon as the first has been freed.)
"""

from __future__ import annotations

import mmap
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
RowArray = npt.NDArray[np.int32]
WordArray = npt.NDArray[np.uint64]

POINTS_PER_BLOCK = 60
FULL_WORD = np.uint64((1 << POINTS_PER_BLOCK) - 1)
COLUMN_BITS: WordArray = np.uint64(1) << np.arange(POINTS_PER_BLOCK, dtype=np.uint64)


def zeroed(shape: tuple[int, ...], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Zeros whose pages are committed only when they are written."""
    kind = np.dtype(dtype)
    size = max(1, int(np.prod(shape)) * kind.itemsize)
    memory = mmap.mmap(-1, size)
    if hasattr(mmap, "MADV_NOHUGEPAGE"):
        memory.madvise(mmap.MADV_NOHUGEPAGE)  # a huge page would commit 4,000 rows for one
    return np.frombuffer(memory, dtype=kind, count=int(np.prod(shape))).reshape(shape)


class Block:
    """Values of all series for one span; rows beyond `row_count` are absent."""

    __slots__ = ("present", "values")

    def __init__(self, row_count: int) -> None:
        self.values: FloatArray = zeroed((row_count, POINTS_PER_BLOCK), np.float64)
        self.present: WordArray = zeroed((row_count,), np.uint64)

    @property
    def row_count(self) -> int:
        """How many rows the block has room for."""
        return len(self.present)

    def grow(self, row_count: int) -> None:
        """Make room for `row_count` rows. Arrays handed out before keep what they showed."""
        if row_count <= self.row_count:
            return
        old_values, old_present = self.values, self.present
        values: FloatArray = zeroed((row_count, POINTS_PER_BLOCK), np.float64)
        # Copied in runs of used rows only, or else the copy would commit every page.
        used = np.flatnonzero(old_present)
        for start in range(0, len(used), 2048):
            rows = used[start : start + 2048]
            values[rows] = old_values[rows]
        self.values = values
        self.present = zeroed((row_count,), np.uint64)
        self.present[: len(old_present)] = old_present

    def put(self, rows: RowArray, column: int, values: FloatArray) -> None:
        """Write one column; rows are distinct and values are numbers, not NaN."""
        self.values[rows, column] = values
        self.present[rows] |= COLUMN_BITS[column]

    def put_max(self, rows: RowArray, column: int, values: FloatArray) -> None:
        """Write one column, keeping the larger where a value stands already."""
        had = (self.present[rows] & COLUMN_BITS[column]) != 0
        if had.any():
            values = np.where(had, np.maximum(self.values[rows, column], values), values)
        self.put(rows, column, values)

    def put_sum(self, rows: RowArray, column: int, values: FloatArray) -> None:
        """Write one column, adding to what stands already; absent is zero."""
        self.put(rows, column, self.values[rows, column] + values)

    def has(self, rows: RowArray, column: int) -> npt.NDArray[np.bool_]:
        """Which of the rows have a value in the column."""
        found: npt.NDArray[np.bool_] = (self.present[rows] & COLUMN_BITS[column]) != 0
        return found
