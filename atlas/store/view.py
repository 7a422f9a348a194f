"""A block as a reader sees it: presence words, and parts that hold the rows.

A view is taken under the store's lock and read without it. What it shows never moves: writing puts
numbers into cells, and everything else (growing, packing, opening a row again) replaces arrays that
a view keeps. So only cells that are written meanwhile may show one thing or the other; which
columns that concerns, the block's `stamps` tell.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from operator import attrgetter

import numpy as np
import numpy.typing as npt

from atlas.store.kernels import Check, chunks, group_sums
from atlas.store.layout import (
    ALL_COLUMNS,
    FloatArray,
    RowArray,
    WordArray,
    column_word,
    presence,
)
from atlas.store.parts import Part, Plain
from atlas.store.runs import Groups

DECODED_ROWS_MAX = 512
"""Sums of as many rows are made of numbers, not of codes: 0.1 ms at the most."""

_CHUNK_ROWS = 2048
_NO_STARTS = np.zeros(1, np.int64)

OPEN = 0
"""The part of a row that is not packed; its position there is the row itself."""


@dataclass(frozen=True, slots=True)
class Packed:
    """Where the rows of a packed block are: row r is `parts[part_of[r] - 1]`, position `at[r]`.

    A row whose part is `OPEN` is not among them.
    """

    parts: tuple[Part, ...]
    part_of: npt.NDArray[np.uint8]
    at: RowArray

    def opened(self, rows: RowArray) -> Packed:
        """The same without these rows."""
        part_of = self.part_of.copy()
        part_of[rows] = OPEN
        return replace(self, part_of=part_of)

    def grown(self, row_count: int) -> Packed:
        """The same with room for more rows."""
        more = max(0, row_count - len(self.part_of))
        part_of = np.concatenate((self.part_of, np.zeros(more, np.uint8)))
        return Packed(self.parts, part_of, np.concatenate((self.at, np.zeros(more, np.int32))))

    @property
    def size_bytes(self) -> int:
        """What finding a row takes; the parts have sizes of their own."""
        return self.part_of.nbytes + self.at.nbytes


@dataclass(frozen=True, slots=True)
class BlockView:
    """What can be read of a block."""

    present: WordArray
    open_rows: Plain
    packed: Packed | None

    def read(self, rows: RowArray, columns: slice = ALL_COLUMNS) -> FloatArray:
        """Values, shape (rows, columns); zero where absent."""
        if self.packed is None:
            return self.open_rows.read(rows, columns)
        words = self.present.take(rows)
        pieces = list(self._split(self.packed, Groups(rows, _NO_STARTS), words))
        if len(pieces) == 1 and len(pieces[0][1]) == len(rows):  # nearly always: spare the copy
            values = pieces[0][0].read(pieces[0][2], columns)
        else:
            values = np.zeros((len(rows), columns.stop - columns.start))
            for part, members, at in pieces:
                values[members] = part.read(at, columns)
        whole = column_word(columns)
        gappy = np.flatnonzero(words & whole != whole)
        stands = presence(words[gappy], columns)
        values[gappy] = np.where(stands, values[gappy], 0.0)
        return values

    def sums(self, groups: Groups, columns: slice, check: Check) -> FloatArray:
        """Sums of groups of rows; absent counts as zero.

        Of few rows the sum is the same to the bit whether they are packed or not: numbers are added
        in the order of the rows. Of many it is added up part by part, and more exactly.
        """
        if self.packed is None:
            return self.open_rows.sums(groups, self.present[:0], columns, check)
        if len(groups.rows) <= DECODED_ROWS_MAX:
            return group_sums(self.read(groups.rows, columns), groups.starts)
        words = groups.of(self.present)
        sums: FloatArray = np.zeros((groups.count, columns.stop - columns.start))
        for part, members, at in self._split(self.packed, groups, words):
            theirs = Groups(at, np.searchsorted(members, groups.starts))
            sums += part.sums(theirs, words.take(members), columns, check)
        return sums

    def best(self, groups: Groups, columns: slice, better: np.ufunc, check: Check) -> FloatArray:
        """The largest or smallest of each group of rows, `better` being `maximum` or `minimum`.

        Returns shape (groups, columns), with an infinity where no row has a value.
        """
        worst = -np.inf if better is np.maximum else np.inf
        best: FloatArray = np.full((groups.count, columns.stop - columns.start), worst)
        words = groups.of(self.present)
        whole = column_word(columns)
        for part, members, at in self._pieces(groups, words):
            theirs = Groups(at, np.searchsorted(members, groups.starts))
            are_full = bool((words.take(members) & whole == whole).all())
            if are_full and theirs.runs is not None:
                for group, runs in groupby(theirs.runs, attrgetter("group")):
                    check()
                    found = part.best_of_runs(runs, columns, better)
                    best[group] = better(best[group], found)
                continue
            for chosen, some, local in chunks(theirs.starts, _CHUNK_ROWS):
                check()
                values = part.read(at[chosen], columns)
                stands = presence(words[members[chosen]], columns)
                values = np.where(stands, values, worst)
                occupied = np.flatnonzero(np.diff(local))  # a group may have no rows here
                found = better.reduceat(values, local[occupied], axis=0)
                here = best[some]
                here[occupied] = better(here[occupied], found)
        return best

    def _pieces(
        self, groups: Groups, words: WordArray
    ) -> Iterator[tuple[Part, npt.NDArray[np.intp], RowArray]]:
        """Parts that hold some of the rows, as `_split` has them, packed or not."""
        if self.packed is not None:
            yield from self._split(self.packed, groups, words)
        else:
            yield self.open_rows, np.arange(len(groups.rows)), groups.rows

    def _split(
        self, packed: Packed, groups: Groups, words: WordArray
    ) -> Iterator[tuple[Part, npt.NDArray[np.intp], RowArray]]:
        """Parts that hold some of the rows: which of these, and where they are in the part."""
        rows, part_of = groups.rows, groups.of(packed.part_of)
        # A row without values is in no part; it counts as open, but need not be looked at.
        is_open = (part_of == OPEN) & (words != 0)
        if is_open.any():
            members = np.flatnonzero(is_open)
            yield self.open_rows, members, rows.take(members)
        for number, part in enumerate(packed.parts, start=1):
            is_in = part_of == number
            if is_in.any():
                members = np.flatnonzero(is_in)
                yield part, members, packed.at.take(rows.take(members))
