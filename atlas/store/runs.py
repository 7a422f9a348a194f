"""Groups of rows, and rows that follow each other: what lies side by side is read where it is.

The rows of a metric are handed out side by side, so that thousands of them are a few runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from atlas.store.layout import IntArray, RowArray

T = TypeVar("T", bound=np.generic)

_ROWS_MIN = 32
"""A call for each run costs as much as reading so many rows."""

MANY_ROWS = 1 << 12
"""Of as many it pays to look for runs."""


class Run(NamedTuple):
    """The positions from `first` to before `last`, all of one group."""

    group: int
    first: int
    last: int


def long_runs(at: RowArray, starts: IntArray) -> Sequence[Run] | None:
    """Positions as runs, group i being `at[starts[i]:starts[i + 1]]`; None if most are short."""
    if not len(at):
        return ()
    is_first = np.concatenate(([True], np.diff(at) != 1))
    is_first[starts[:-1][starts[:-1] < len(at)]] = True
    begins = np.flatnonzero(is_first)
    if len(begins) * _ROWS_MIN > len(at):
        return None
    groups = np.searchsorted(starts, begins, side="right") - 1
    firsts = at[begins].astype(np.int64)
    lasts = firsts + np.diff(begins, append=len(at))
    return [Run(*run) for run in zip(groups.tolist(), firsts.tolist(), lasts.tolist(), strict=True)]


@dataclass(frozen=True)
class Groups:
    """Rows put into groups: `rows[starts[i]:starts[i + 1]]` are those of group i."""

    rows: RowArray
    starts: npt.NDArray[np.int64]

    @property
    def count(self) -> int:
        """How many groups there are."""
        return len(self.starts) - 1

    @cached_property
    def runs(self) -> Sequence[Run] | None:
        """The rows as runs, each of one group, or None if they lie apart."""
        return long_runs(self.rows, self.starts)

    @cached_property
    def _spans(self) -> Sequence[Run] | None:
        if len(self.rows) < MANY_ROWS:
            return None
        return long_runs(self.rows, np.array([0, len(self.rows)]))

    def of(self, values: npt.NDArray[T]) -> npt.NDArray[T]:
        """What there is for each of the rows; `values` has it for all rows that there are."""
        spans = self._spans
        if spans is None:
            return values.take(self.rows, axis=0)
        return np.concatenate([values[span.first : span.last] for span in spans])
