"""How values lie in memory: 60 columns to a block, one presence word to a row.

Terms: a *row* is a series, a *column* one of the 60 steps of a block. In a presence word bit i says
that column i holds a value.
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
BoolArray = npt.NDArray[np.bool_]

POINTS_PER_BLOCK = 60
ALL_COLUMNS = slice(0, POINTS_PER_BLOCK)
FULL_WORD = np.uint64((1 << POINTS_PER_BLOCK) - 1)
COLUMN_BITS: WordArray = np.uint64(1) << np.arange(POINTS_PER_BLOCK, dtype=np.uint64)


def zeroed(shape: tuple[int, ...], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Zeros whose pages are committed only when they are written, and given back when dropped.

    From the heap a second array of the same size would be wiped, and so committed, as soon as the
    first has been freed; and shared memory would be committed by reading it.
    """
    kind = np.dtype(dtype)
    count = int(np.prod(shape))
    memory = mmap.mmap(
        -1, max(1, count * kind.itemsize), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    )
    if hasattr(mmap, "MADV_NOHUGEPAGE"):
        memory.madvise(mmap.MADV_NOHUGEPAGE)  # a huge page would commit 4,000 rows for one
    return np.frombuffer(memory, dtype=kind, count=count).reshape(shape)


def column_word(columns: slice) -> np.uint64:
    """The presence word of a row that has exactly these columns."""
    return np.uint64(np.bitwise_or.reduce(COLUMN_BITS[columns]))


def presence(words: WordArray, columns: slice) -> npt.NDArray[np.uint8]:
    """The bits of presence words as 0 and 1, shape (words, columns)."""
    octets = words.astype("<u8", copy=False).view(np.uint8).reshape(len(words), 8)
    return np.unpackbits(octets, axis=1, bitorder="little")[:, columns]
