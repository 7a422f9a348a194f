"""Rows that follow each other: what lies side by side can be read where it is.

The rows of a metric are handed out side by side, so that thousands of them are a few runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from atlas.store.layout import IntArray, RowArray

_ROWS_MIN = 32
"""A call for each run costs as much as reading so many rows."""


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
