"""Packing a block whose time is over: every row into the part that holds it in the fewest bytes.

In order: a row of one number is `Constant`; one that is zero in most columns is `Sparse`; one whose
numbers are whole after a multiplication is `Coded`, with the smallest scale and width that do; and
what is left stays `Plain`. A row is coded only if decoding gives the same bits. Numbers beyond 2^53
and infinities stay plain, so that no sum of packed rows overflows.

A chunk of rows is some milliseconds of work; between two of them `pause` is called.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from atlas.store.layout import (
    ALL_COLUMNS,
    POINTS_PER_BLOCK,
    BoolArray,
    FloatArray,
    IntArray,
    RowArray,
    WordArray,
    presence,
)
from atlas.store.parts import Coded, Constant, Part, Plain, Sparse
from atlas.store.view import BlockView, Packed

DECIMAL_SCALES = (1.0, 10.0, 100.0, 1e3, 1e4, 1e6)
"""What a value is multiplied with to make it whole; the seconds of a step come after them."""

_CHUNK_ROWS = 4096
_SPARSE_COUNT_MAX = 12  # 9 bytes each: 60 codes of 16 bits are not much more
_PACKED_MAX = 2.0**53
_CODE_MAX = 2.0**31 - 1
_CODE_TYPES = (np.uint8, np.uint16, np.uint32)
_CODE_LIMITS = tuple(float(np.iinfo(kind).max) for kind in _CODE_TYPES)
_TRIED_COLUMNS = slice(0, POINTS_PER_BLOCK, 15)

_Key = tuple[str, float, int]
_Find = tuple[_Key, npt.NDArray[np.intp], Part]


def pack_rows(view: BlockView, step_s: float, pause: Callable[[], None]) -> Packed:
    """All rows of a block that have values, packed. Nobody may write to the block meanwhile."""
    scales = (*DECIMAL_SCALES, *([step_s] if step_s not in DECIMAL_SCALES else []))
    found: dict[_Key, list[tuple[RowArray, Part]]] = defaultdict(list)
    used = np.flatnonzero(view.present).astype(np.int32)
    for start in range(0, len(used), _CHUNK_ROWS):
        pause()
        rows = used[start : start + _CHUNK_ROWS]
        for key, members, part in _parts(view.read(rows), view.present[rows], scales):
            found[key].append((rows[members], part))
    part_of = np.zeros(len(view.present), np.uint8)
    at = np.zeros(len(view.present), np.int32)
    parts = []
    for key in sorted(found):
        rows = np.concatenate([rows for rows, _ in found[key]])
        pieces: Sequence[Any] = [part for _, part in found[key]]
        parts.append(type(pieces[0]).joined(pieces))
        part_of[rows] = len(parts)
        at[rows] = np.arange(len(rows), dtype=np.int32)
    return Packed(tuple(parts), part_of, at)


def _parts(values: FloatArray, words: WordArray, scales: Sequence[float]) -> Iterator[_Find]:
    """The rows of a chunk by how they are packed: which they are, and the part that they make."""
    bits = values.view(np.int64)
    has = presence(words, ALL_COLUMNS).astype(np.bool_)
    first = bits[np.arange(len(bits)), has.argmax(axis=1)]
    is_small = (np.abs(values) <= _PACKED_MAX).all(axis=1)
    is_left = np.array(is_small)

    constant = np.flatnonzero(is_left & ((bits == first[:, None]) | ~has).all(axis=1))
    if len(constant):
        yield ("constant", 0, 0), constant, Constant(first[constant].view(np.float64))
        is_left[constant] = False

    sparse = np.flatnonzero(is_left & ((bits != 0).sum(axis=1) <= _SPARSE_COUNT_MAX))
    if len(sparse):
        yield ("sparse", 0, 0), sparse, _sparse(bits[sparse])
        is_left[sparse] = False

    for scale in scales:
        coded = np.flatnonzero(is_left)
        coded = coded[_is_whole(values[coded, _TRIED_COLUMNS], scale)]
        coded = coded[_is_whole(values[coded], scale)]
        for key, members, part in _coded(values[coded], has[coded], scale):
            yield key, coded[members], part
        is_left[coded] = False

    plain = np.flatnonzero(is_left | ~is_small)
    if len(plain):
        yield ("plain", 0, 0), plain, Plain(values[plain])


def _sparse(bits: IntArray) -> Sparse:
    rows, columns = np.nonzero(bits)
    starts = np.concatenate(([0], np.cumsum(np.bincount(rows, minlength=len(bits)))))
    values = bits[rows, columns].view(np.float64)
    return Sparse(starts.astype(np.int32), columns.astype(np.uint8), values)


def _is_whole(values: FloatArray, scale: float) -> BoolArray:
    """Which rows are whole numbers over the scale, to the bit."""
    whole = np.rint(values * scale) + 0.0  # a negative zero becomes positive, and so is not itself
    is_same = (whole / scale).view(np.int64) == np.ascontiguousarray(values).view(np.int64)
    return np.asarray((is_same & (np.abs(whole) <= _CODE_MAX)).all(axis=1))


def _coded(values: FloatArray, has: BoolArray, scale: float) -> Iterator[_Find]:
    """Rows that are whole numbers over the scale, by the width of their codes."""
    whole = np.rint(values * scale)
    offsets = np.where(has, whole, np.inf).min(axis=1)
    codes = np.where(has, whole - offsets[:, None], 0.0)
    widths = np.searchsorted(_CODE_LIMITS, codes.max(axis=1))
    for number in np.unique(widths).tolist():
        members = np.flatnonzero(widths == number)
        dtype = _CODE_TYPES[number]
        part = Coded(scale, codes[members].astype(dtype), offsets[members])
        yield ("coded", scale, number), members, part
