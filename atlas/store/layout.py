"""How values lie in memory: 60 columns to a block, one presence word to a row.

Terms: a *row* is a series, a *column* one of the 60 steps of a block. In a presence word bit i says
that column i holds a value.
"""

from __future__ import annotations

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


def column_word(columns: slice) -> np.uint64:
    """The presence word of a row that has exactly these columns."""
    return np.uint64(np.bitwise_or.reduce(COLUMN_BITS[columns]))


def presence(words: WordArray, columns: slice) -> npt.NDArray[np.uint8]:
    """The bits of presence words as 0 and 1, shape (words, columns)."""
    octets = words.astype("<u8", copy=False).view(np.uint8).reshape(len(words), 8)
    return np.unpackbits(octets, axis=1, bitorder="little")[:, columns]
