"""What makes one row of many: sums, the largest and the smallest, of groups of rows of a matrix.

Sums of rows that lie apart are products with sparse matrices, those of rows that follow each other
are taken where they are: no test for gaps, no copy, and the interpreter lock is free.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from atlas.store.layout import (
    FloatArray,
    IntArray,
    RowArray,
    WordArray,
    column_word,
    presence,
)
from atlas.store.runs import Groups, Run

Check = Callable[[], None]
"""Called between chunks; raises if the work is not wanted any more."""

CHUNK_ROWS = 1 << 12
"""So many rows stay in the cache; and so many codes of 16 bits add up within 31."""

_BEST_ROWS = 256


def presence_sums(
    weights: FloatArray, starts: IntArray, words: WordArray, columns: slice, check: Check
) -> FloatArray:
    """Sums of finite weights, each counting in the columns that its presence word names."""
    whole = column_word(columns)
    is_full = words & whole == whole
    gappy = np.flatnonzero(~is_full)
    if len(gappy):
        weights, all_weights = np.where(is_full, weights, 0.0), weights
    sums = np.repeat(_totals(weights, starts)[:, None], columns.stop - columns.start, axis=1)
    for rows, groups, local in chunks(np.searchsorted(gappy, starts), CHUNK_ROWS):
        check()
        at = gappy[rows]
        stands = presence(words[at], columns).astype(np.float64)
        order = np.arange(len(at), dtype=np.int32)
        sums[groups] += product(order, local, stands, all_weights[at])
    return sums


def _totals(weights: FloatArray, starts: IntArray) -> FloatArray:
    """Sums of the weights `starts[i]` to before `starts[i + 1]`, for each i."""
    totals: FloatArray = np.zeros(len(starts) - 1)
    occupied = np.flatnonzero(np.diff(starts))
    totals[occupied] = np.add.reduceat(weights, starts[occupied])
    return totals


def runs_of_many(groups: Groups) -> Sequence[Run] | None:
    """Long runs of many rows; few rows are added up in their order, whatever lies where."""
    return groups.runs if len(groups.rows) > CHUNK_ROWS else None


def column_best(matrices: Iterable[npt.NDArray[Any]], better: np.ufunc) -> npt.NDArray[Any]:
    """The largest or smallest of each column of all of them, shape (columns,).

    Many rows are compared with as many others at a time, for a call costs as much as a row.
    """
    best: npt.NDArray[Any] | None = None
    for matrix in matrices:
        for some in slices(len(matrix), _BEST_ROWS):
            here = matrix[some]
            if best is None or len(best) < len(here):
                best, here = here.copy(), here[:0] if best is None else best
            better(best[: len(here)], here, out=best[: len(here)])
    if best is None:
        raise ValueError("there are no rows to compare")
    return np.asarray(better.reduce(best, axis=0))


def column_sums(matrix: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The sum of all rows, shape (columns,); the interpreter lock is free meanwhile."""
    # Four times as fast as `sum(axis=0)` where rows are not whole.
    return np.asarray(np.einsum("ij->j", matrix))


def group_sums(matrix: npt.NDArray[Any], starts: IntArray) -> npt.NDArray[Any]:
    """Sums of the rows `starts[i]` to before `starts[i + 1]` of a matrix, for each i."""
    return product(np.arange(len(matrix), dtype=np.int32), starts, matrix)


def product(
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


def chunks(starts: IntArray, size: int) -> Iterator[tuple[slice, slice, IntArray]]:
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


def slices(end: int, size: int, begin: int = 0) -> Iterator[slice]:
    """Positions up to `end`, `size` at a time."""
    for first in range(begin, end, size):
        yield slice(first, min(first + size, end))


def is_run(at: RowArray) -> bool:
    """Whether the positions follow each other, and so are a slice."""
    return bool((np.diff(at) == 1).all())


def no_sums(starts: IntArray, columns: slice) -> FloatArray:
    """Zeros to add to, shape (groups, columns)."""
    return np.zeros((len(starts) - 1, columns.stop - columns.start))
