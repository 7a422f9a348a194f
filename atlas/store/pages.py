"""Memory that is committed as it is written, page by page, and how much of it is.

Rows of series that are not there cost nothing, so a matrix may have room for as many as may come.
The pages are small ones. Where nearly every row was in use in the block before, the next block has
large ones: reading and writing many rows is then up to twice as fast, since each needs the page's
address.
"""

from __future__ import annotations

import mmap
from typing import Any

import numpy as np
import numpy.typing as npt

from atlas.store.layout import BoolArray, FloatArray, IntArray, RowArray

PAGE_BYTES = 4096
_LARGE_PAGES = 512  # a large page is as large as so many
_DENSE = 15 / 16


def zeroed(shape: tuple[int, ...], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Zeros whose pages are committed only when they are written, and given back when dropped.

    From the heap a second array of the same size would be wiped, and so committed, as soon as the
    first has been freed; and shared memory would be committed by reading it.
    """
    return _mapped(shape, dtype)[0]


class PagedRows:
    """A matrix of float64, zero at first, whose rows are written one by one.

    values: shape (rows, columns). `expected` says of each row, or of the first ones, whether it is
    likely to be written.
    """

    __slots__ = ("_first_large", "_is_large", "_is_used", "values")

    def __init__(
        self, row_count: int, column_count: int, expected: BoolArray | None = None
    ) -> None:
        self.values: FloatArray
        self.values, memory = _mapped((row_count, column_count), np.float64)
        self._is_used: BoolArray = np.zeros(self.values.nbytes // PAGE_BYTES + 1, np.bool_)
        # Large pages begin at addresses that are multiples of their size.
        self._first_large = -(self.values.ctypes.data // PAGE_BYTES) % _LARGE_PAGES
        self._is_large: BoolArray = np.zeros(0, np.bool_)
        if expected is not None and hasattr(mmap, "MADV_HUGEPAGE"):
            self._enlarge(memory, expected)

    @property
    def committed_bytes(self) -> int:
        """What of it is committed."""
        return int(np.count_nonzero(self._is_used)) * PAGE_BYTES

    def use(self, rows: RowArray) -> None:
        """Say that rows are written to from now on."""
        begin = rows.astype(np.int64) * self._row_bytes
        for pages in (begin // PAGE_BYTES, (begin + self._row_bytes - 1) // PAGE_BYTES):
            self._is_used[pages] = True
            if len(self._is_large):
                self._use_large(pages)

    def _use_large(self, pages: IntArray) -> None:
        """The same for the large pages that these are part of."""
        large = (pages - self._first_large) // _LARGE_PAGES
        large = large[(large >= 0) & (large < len(self._is_large))]
        for number in np.unique(large[self._is_large[large]]).tolist():
            first = self._first_large + number * _LARGE_PAGES
            self._is_used[first : first + _LARGE_PAGES] = True

    @property
    def _row_bytes(self) -> int:
        return int(self.values.itemsize * self.values.shape[1])

    def _enlarge(self, memory: mmap.mmap, expected: BoolArray) -> None:
        """Have large pages where nearly all rows are expected; the kernel may ignore it."""
        row_count = min(len(expected), len(self.values))
        ends = np.arange(self._first_large, len(self._is_used), _LARGE_PAGES) * PAGE_BYTES
        bounds = (ends // self._row_bytes)[ends <= row_count * self._row_bytes]
        counts = np.concatenate(([0], np.cumsum(expected[:row_count])))[bounds]
        self._is_large = np.diff(counts) >= _DENSE * np.diff(bounds)
        changes = np.flatnonzero(np.diff(self._is_large, prepend=False, append=False))
        for begin, end in changes.reshape(-1, 2).tolist():
            start = (self._first_large + begin * _LARGE_PAGES) * PAGE_BYTES
            memory.madvise(mmap.MADV_HUGEPAGE, start, (end - begin) * _LARGE_PAGES * PAGE_BYTES)


def _mapped(shape: tuple[int, ...], dtype: npt.DTypeLike) -> tuple[npt.NDArray[Any], mmap.mmap]:
    kind = np.dtype(dtype)
    count = int(np.prod(shape))
    memory = mmap.mmap(
        -1, max(1, count * kind.itemsize), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    )
    if hasattr(mmap, "MADV_NOHUGEPAGE"):
        memory.madvise(mmap.MADV_NOHUGEPAGE)  # a large page would commit 4,000 rows for one
    return np.frombuffer(memory, dtype=kind, count=count).reshape(shape), memory
