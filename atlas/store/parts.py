"""The ways in which rows of a block are stored, and how each is read and added up.

A part is a matrix of rows that are stored alike. It gives back every value bit for bit, and adds
rows up without making numbers of them first where that is exact:

* `Plain`: numbers as they are, zero where absent.
* `Constant`: one number, which stands in every column that the presence word names.
* `Sparse`: the columns that are not zero.
* `Coded`: whole numbers of 8, 16 or 32 bits, each value being `(offset + code) / scale`. Prices,
  percentages and counts have few decimals, and a rate is a count over the seconds of a step: the
  division gives the very number that was sent. A sum adds the codes, which is exact, and divides
  once.

All sums are products with sparse matrices: no test for gaps, and the interpreter lock is free.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from atlas.store.layout import (
    POINTS_PER_BLOCK,
    FloatArray,
    IntArray,
    RowArray,
    WordArray,
    column_word,
    presence,
)

Check = Callable[[], None]
"""Called between chunks; raises if the work is not wanted any more."""

_CHUNK_ROWS = 1 << 12  # stays in the cache; and 2^12 codes of 16 bits add up within 31
_PLAIN_CHUNK_ROWS = 1 << 17
_READ_ROWS = 1 << 10
_NARROW_COLUMNS_MAX = 12


class Part(Protocol):
    """Rows that are stored alike. `at` are positions in the part."""

    @property
    def kind(self) -> str:
        """What parts of this kind are called where sizes are shown."""

    @property
    def size_bytes(self) -> int:
        """What the part takes."""

    def read(self, at: RowArray, columns: slice) -> FloatArray:
        """Values, shape (rows, columns). Where a row has no value, the number means nothing."""

    def sums(
        self, at: RowArray, starts: IntArray, words: WordArray, columns: slice, check: Check
    ) -> FloatArray:
        """Sums of the rows `at[starts[i]:starts[i + 1]]`, for each i; absent counts as zero.

        words: the presence words of `at`. Returns shape (groups, columns).
        """


@dataclass(frozen=True, slots=True)
class Plain:
    """Numbers as they are, zero where absent."""

    values: FloatArray

    @property
    def kind(self) -> str:
        """Its name among sizes."""
        return "plain"

    @property
    def size_bytes(self) -> int:
        """The matrix."""
        return self.values.nbytes

    def read(self, at: RowArray, columns: slice) -> FloatArray:
        """Values, zero where absent."""
        return np.asarray(self.values[at, columns])

    def sums(
        self, at: RowArray, starts: IntArray, words: WordArray, columns: slice, check: Check
    ) -> FloatArray:
        """Sums straight from the matrix; of a few columns, from a copy of these."""
        sums = _no_sums(starts, columns)
        is_narrow = columns.stop - columns.start <= _NARROW_COLUMNS_MAX
        for rows, groups, local in _chunks(starts, _CHUNK_ROWS if is_narrow else _PLAIN_CHUNK_ROWS):
            check()
            if is_narrow:
                sums[groups] += group_sums(self.values[at[rows], columns], local)
            else:
                sums[groups] += _product(at[rows], local, self.values)[:, columns]
        return sums

    @staticmethod
    def joined(parts: Sequence[Plain]) -> Plain:
        """One part of several."""
        return Plain(np.concatenate([p.values for p in parts]))


@dataclass(frozen=True, slots=True)
class Constant:
    """One number a row."""

    values: FloatArray

    @property
    def kind(self) -> str:
        """Its name among sizes."""
        return "constant"

    @property
    def size_bytes(self) -> int:
        """The numbers."""
        return self.values.nbytes

    def read(self, at: RowArray, columns: slice) -> FloatArray:
        """The number, in every column."""
        return np.repeat(self.values[at, None], columns.stop - columns.start, axis=1)

    def sums(
        self, at: RowArray, starts: IntArray, words: WordArray, columns: slice, check: Check
    ) -> FloatArray:
        """Sums of the numbers, where they stand."""
        return _presence_sums(self.values[at], starts, words, columns, check)

    @staticmethod
    def joined(parts: Sequence[Constant]) -> Constant:
        """One part of several."""
        return Constant(np.concatenate([p.values for p in parts]))


@dataclass(frozen=True, slots=True)
class Sparse:
    """The numbers that are not zero: row i has `values[starts[i]:starts[i + 1]]`, in `columns`.

    A negative zero is not zero.
    """

    starts: RowArray
    columns: npt.NDArray[np.uint8]
    values: FloatArray

    @property
    def kind(self) -> str:
        """Its name among sizes."""
        return "sparse"

    @property
    def size_bytes(self) -> int:
        """Numbers, their columns, and where each row begins."""
        return self.starts.nbytes + self.columns.nbytes + self.values.nbytes

    def read(self, at: RowArray, columns: slice) -> FloatArray:
        """Values, zero where nothing is kept."""
        entries, counts = self._entries(at)
        values: FloatArray = np.zeros((len(at), POINTS_PER_BLOCK))
        values[np.repeat(np.arange(len(at)), counts), self.columns[entries]] = self.values[entries]
        return values[:, columns]

    def sums(
        self, at: RowArray, starts: IntArray, words: WordArray, columns: slice, check: Check
    ) -> FloatArray:
        """Sums of what is kept."""
        check()
        entries, counts = self._entries(at)
        group_count = len(starts) - 1
        cells = self.columns[entries].astype(np.int64)
        if group_count > 1:
            firsts = np.repeat(np.arange(group_count) * POINTS_PER_BLOCK, np.diff(starts))
            cells += np.repeat(firsts, counts)
        cell_count = group_count * POINTS_PER_BLOCK
        sums = np.asarray(np.bincount(cells, self.values[entries], minlength=cell_count), float)
        return sums.reshape(group_count, POINTS_PER_BLOCK)[:, columns]

    def _entries(self, at: RowArray) -> tuple[slice | IntArray, IntArray]:
        """Where the numbers of the rows are, and how many each row has."""
        firsts, counts = self.starts[at], self.starts[at + 1] - self.starts[at]
        if _is_run(at):
            return slice(int(firsts[0]), int(firsts[-1] + counts[-1])), counts
        ends = np.cumsum(counts)
        return np.repeat(firsts - ends + counts, counts) + np.arange(ends[-1]), counts

    @staticmethod
    def joined(parts: Sequence[Sparse]) -> Sparse:
        """One part of several."""
        counts = np.concatenate([np.diff(p.starts) for p in parts])
        return Sparse(
            np.concatenate(([0], np.cumsum(counts))).astype(np.int32),
            np.concatenate([p.columns for p in parts]),
            np.concatenate([p.values for p in parts]),
        )


@dataclass(frozen=True, slots=True)
class Coded:
    """Each value is `(offset + code) / scale`, the offset being the row's; absent has code 0."""

    scale: float
    codes: npt.NDArray[np.unsignedinteger[Any]]
    offsets: FloatArray

    @property
    def kind(self) -> str:
        """Its name among sizes."""
        return "compressed"

    @property
    def size_bytes(self) -> int:
        """Codes and offsets."""
        return self.codes.nbytes + self.offsets.nbytes

    def read(self, at: RowArray, columns: slice) -> FloatArray:
        """Values; where absent, the row's smallest."""
        values: FloatArray = np.empty((len(at), columns.stop - columns.start))
        for start in range(0, len(at), _READ_ROWS):
            rows = at[start : start + _READ_ROWS]
            here = values[start : start + _READ_ROWS]
            np.add(self.codes[rows, columns], self.offsets[rows, None], out=here)
            np.divide(here, self.scale, out=here)
        return values

    def sums(
        self, at: RowArray, starts: IntArray, words: WordArray, columns: slice, check: Check
    ) -> FloatArray:
        """Sums of codes and of the offsets where they count, divided once."""
        sums = _presence_sums(self.offsets.take(at), starts, words, columns, check)
        exact = np.float64 if self.codes.itemsize == 4 else np.int32
        # Fresh memory for each chunk would cost more than what is done in it.
        room = min(_CHUNK_ROWS, len(at))
        taken = np.empty((room, POINTS_PER_BLOCK), self.codes.dtype)
        widened = np.empty((room, columns.stop - columns.start), exact)
        is_run = _is_run(at)
        for rows, groups, local in _chunks(starts, _CHUNK_ROWS):
            check()
            count = rows.stop - rows.start
            if is_run:
                codes = self.codes[at[rows.start] : at[rows.start] + count]
            else:
                codes = self.codes.take(at[rows], axis=0, out=taken[:count], mode="clip")
            here = widened[:count]
            here[:] = codes[:, columns]
            sums[groups] += _halved(here) if len(local) == 2 else group_sums(here, local)
        return np.asarray(sums / self.scale)

    @staticmethod
    def joined(parts: Sequence[Coded]) -> Coded:
        """One part of several of the same scale and width."""
        codes = np.concatenate([p.codes for p in parts])
        return Coded(parts[0].scale, codes, np.concatenate([p.offsets for p in parts]))


def _presence_sums(
    weights: FloatArray, starts: IntArray, words: WordArray, columns: slice, check: Check
) -> FloatArray:
    """Sums of finite weights, each counting in the columns that its presence word names."""
    whole = column_word(columns)
    is_full = words & whole == whole
    gappy = np.flatnonzero(~is_full)
    if len(gappy):
        weights, all_weights = np.where(is_full, weights, 0.0), weights
    sums = np.repeat(_totals(weights, starts)[:, None], columns.stop - columns.start, axis=1)
    for rows, groups, local in _chunks(np.searchsorted(gappy, starts), _CHUNK_ROWS):
        check()
        at = gappy[rows]
        stands = presence(words[at], columns).astype(np.float64)
        order = np.arange(len(at), dtype=np.int32)
        sums[groups] += _product(order, local, stands, all_weights[at])
    return sums


def _totals(weights: FloatArray, starts: IntArray) -> FloatArray:
    """Sums of the weights `starts[i]` to before `starts[i + 1]`, for each i."""
    totals: FloatArray = np.zeros(len(starts) - 1)
    occupied = np.flatnonzero(np.diff(starts))
    totals[occupied] = np.add.reduceat(weights, starts[occupied])
    return totals


def _halved(matrix: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The sum of all rows, shape (1, columns), which is all that is left of the matrix."""
    while len(matrix) > 1:
        half = len(matrix) // 2
        matrix[:half] += matrix[-half:]
        matrix = matrix[: len(matrix) - half]
    return matrix


def group_sums(matrix: npt.NDArray[Any], starts: IntArray) -> npt.NDArray[Any]:
    """Sums of the rows `starts[i]` to before `starts[i + 1]` of a matrix, for each i."""
    return _product(np.arange(len(matrix), dtype=np.int32), starts, matrix)


def _product(
    at: RowArray,
    starts: IntArray,
    matrix: npt.NDArray[Any],
    weights: FloatArray | None = None,
) -> npt.NDArray[Any]:
    """Weighted sums of the rows `at[starts[i]:starts[i + 1]]` of a matrix, for each i."""
    data = np.ones(len(at), matrix.dtype) if weights is None else weights
    shape = (len(starts) - 1, len(matrix))
    groups = csr_array((data, at, starts.astype(np.int32)), shape=shape)
    return np.asarray(groups @ matrix)


def _chunks(starts: IntArray, size: int) -> Iterator[tuple[slice, slice, IntArray]]:
    """Groups of rows cut into chunks: rows, the groups that they are of, and these's starts."""
    end = int(starts[-1])
    if end <= size:
        if end:
            yield slice(0, end), slice(0, len(starts) - 1), starts
        return
    for begin in range(0, end, size):
        stop = min(begin + size, end)
        first = int(starts.searchsorted(begin, side="right")) - 1
        last = int(starts.searchsorted(stop, side="left"))
        local = starts[first : last + 1] - begin
        local[0], local[-1] = 0, stop - begin  # the ends may be in other chunks
        yield slice(begin, stop), slice(first, last), local


def _is_run(at: RowArray) -> bool:
    """Whether the positions follow each other, and so are a slice."""
    return bool((np.diff(at) == 1).all())


def _no_sums(starts: IntArray, columns: slice) -> FloatArray:
    return np.zeros((len(starts) - 1, columns.stop - columns.start))
