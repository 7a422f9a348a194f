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
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from atlas.store.kernels import (
    CHUNK_ROWS,
    Check,
    chunks,
    column_best,
    column_sums,
    group_sums,
    is_run,
    no_sums,
    presence_sums,
    product,
    runs_of_many,
    slices,
)
from atlas.store.layout import POINTS_PER_BLOCK, FloatArray, IntArray, RowArray, WordArray
from atlas.store.runs import Groups, Run

_PLAIN_CHUNK_ROWS = 1 << 17
_READ_ROWS = 1 << 10
_NARROW_COLUMNS_MAX = 8
_SMALL_OFFSET = 1 << 30  # with a code of 16 bits it has 32 bits


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

    def sums(self, groups: Groups, words: WordArray, columns: slice, check: Check) -> FloatArray:
        """Sums of groups of positions; absent counts as zero. Returns shape (groups, columns).

        words: the presence words of the rows.
        """

    def best_of_runs(self, runs: Iterable[Run], columns: slice, better: np.ufunc) -> FloatArray:
        """The largest or smallest of rows that all have values, shape (columns,)."""


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

    def sums(self, groups: Groups, words: WordArray, columns: slice, check: Check) -> FloatArray:
        """Sums straight from the matrix; of a few columns that lie apart, from a copy of these."""
        at, starts = groups.rows, groups.starts
        sums = no_sums(starts, columns)
        is_narrow = columns.stop - columns.start <= _NARROW_COLUMNS_MAX
        if (runs := runs_of_many(groups)) is not None:
            for group, first, last in runs:
                check()
                # Whole rows stream from memory; parts of them only if little is read.
                if is_narrow:
                    sums[group] += column_sums(self.values[first:last, columns])
                else:
                    sums[group] += column_sums(self.values[first:last])[columns]
            return sums
        for rows, some, local in chunks(starts, CHUNK_ROWS if is_narrow else _PLAIN_CHUNK_ROWS):
            check()
            if is_narrow:
                sums[some] += group_sums(self.values[at[rows], columns], local)
            else:
                sums[some] += product(at[rows], local, self.values)[:, columns]
        return sums

    def best_of_runs(self, runs: Iterable[Run], columns: slice, better: np.ufunc) -> FloatArray:
        """The largest or smallest of rows, where they are."""
        return column_best((self.values[run.first : run.last, columns] for run in runs), better)

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

    def sums(self, groups: Groups, words: WordArray, columns: slice, check: Check) -> FloatArray:
        """Sums of the numbers, where they stand."""
        return presence_sums(groups.of(self.values), groups.starts, words, columns, check)

    def best_of_runs(self, runs: Iterable[Run], columns: slice, better: np.ufunc) -> FloatArray:
        """The largest or smallest of the numbers, in every column."""
        best = column_best((self.values[run.first : run.last, None] for run in runs), better)
        return np.repeat(best, columns.stop - columns.start)

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

    def sums(self, groups: Groups, words: WordArray, columns: slice, check: Check) -> FloatArray:
        """Sums of what is kept."""
        at, starts = groups.rows, groups.starts
        if (runs := runs_of_many(groups)) is not None:
            totals = np.zeros((len(starts) - 1, POINTS_PER_BLOCK))
            for group, first, last in runs:
                check()
                here = slice(int(self.starts[first]), int(self.starts[last]))
                totals[group] += np.bincount(
                    self.columns[here], self.values[here], minlength=POINTS_PER_BLOCK
                )
            return totals[:, columns]
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
        if is_run(at):
            return slice(int(firsts[0]), int(firsts[-1] + counts[-1])), counts
        ends = np.cumsum(counts)
        return np.repeat(firsts - ends + counts, counts) + np.arange(ends[-1]), counts

    def best_of_runs(self, runs: Iterable[Run], columns: slice, better: np.ufunc) -> FloatArray:
        """The largest or smallest of the values, zeros among them."""
        all_at = (np.arange(run.first, run.last, dtype=np.int32) for run in runs)
        return column_best((self.read(at, columns) for at in all_at), better)

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
        for some in slices(len(at), _READ_ROWS):
            rows, here = at[some], values[some]
            np.add(self.codes[rows, columns], self.offsets[rows, None], out=here)
            np.divide(here, self.scale, out=here)
        return values

    def sums(self, groups: Groups, words: WordArray, columns: slice, check: Check) -> FloatArray:
        """Sums of codes and of the offsets where they count, divided once."""
        at, starts = groups.rows, groups.starts
        sums = presence_sums(groups.of(self.offsets), starts, words, columns, check)
        exact = np.float64 if self.codes.itemsize == 4 else np.int32
        # Fresh memory for each chunk would cost more than what is done in it.
        room = min(CHUNK_ROWS, len(at))
        widened = np.empty((room, columns.stop - columns.start), exact)
        if (runs := runs_of_many(groups)) is not None:
            for group, first, last in runs:
                for begin in range(first, last, room):
                    check()
                    codes = self.codes[begin : min(begin + room, last), columns]
                    here = widened[: len(codes)]
                    here[:] = codes
                    sums[group] += column_sums(here)
            return np.asarray(sums / self.scale)
        taken = np.empty((room, POINTS_PER_BLOCK), self.codes.dtype)
        for rows, some, local in chunks(starts, CHUNK_ROWS):
            check()
            count = rows.stop - rows.start
            codes = self.codes.take(at[rows], axis=0, out=taken[:count], mode="clip")
            here = widened[:count]
            here[:] = codes[:, columns]
            sums[some] += group_sums(here, local)
        return np.asarray(sums / self.scale)

    def best_of_runs(self, runs: Iterable[Run], columns: slice, better: np.ufunc) -> FloatArray:
        """The largest or smallest of offsets and codes, divided once: the order is the same."""
        is_small = self.codes.itemsize <= 2 and bool((np.abs(self.offsets) < _SMALL_OFFSET).all())
        kind = np.int32 if is_small else np.float64
        numbers = (
            np.add(self.codes[at, columns], self.offsets[at, None].astype(kind), dtype=kind)
            for run in runs
            for at in slices(run.last, _READ_ROWS, run.first)
        )
        return np.asarray(column_best(numbers, better) / self.scale)

    @staticmethod
    def joined(parts: Sequence[Coded]) -> Coded:
        """One part of several of the same scale and width."""
        codes = np.concatenate([p.codes for p in parts])
        return Coded(parts[0].scale, codes, np.concatenate([p.offsets for p in parts]))
