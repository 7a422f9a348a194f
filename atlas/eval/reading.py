"""Reading a store that is written to: without its lock, and yet as it was at one moment.

Under the lock a reading selects its rows and takes a view of each block; then it computes without
the lock, while batches go on being written. Blocks stamp each column with the number of the batch
that wrote to it, so the next look, under the lock again, says which steps have changed. These are
computed anew, until so little is left that it is done under the lock; then all of the answer shows
the store as it is at that moment, series that were new meanwhile included. A batch is seen as a
whole or not at all, and all readings that are read together see the same.

A small query is answered at the first look. A large one holds the lock to select rows (some
milliseconds for a million) and to read the steps of the last few milliseconds again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from atlas.errors import LimitExceeded
from atlas.eval.by_series import is_joined_first, joined_first
from atlas.eval.reduce import consolidate, present_in, reduce_block, refold_sums
from atlas.expr.query_expr import Query
from atlas.model import EvalContext
from atlas.store.block import Block
from atlas.store.budget import Budget
from atlas.store.kernels import Check
from atlas.store.layout import POINTS_PER_BLOCK, BoolArray, FloatArray, RowArray
from atlas.store.limits import StoreLimits
from atlas.store.memory import MemoryStore
from atlas.store.runs import Groups
from atlas.store.selection import NOTHING, Selection
from atlas.store.view import BlockView

_LOOKS_MAX = 3
_CELLS_UNDER_LOCK = 1 << 20
_CELLS_AT_ONCE = 1 << 22


@dataclass(frozen=True, slots=True)
class Source:
    """What a reading reads: the series of a query, grouped, combined, and their steps joined.

    keys: those to group by; empty for one group; None for a group of each series.
    """

    query: Query
    function: str
    how: str
    keys: tuple[str, ...] | None


def read_together(store: MemoryStore, readings: Sequence[Reading], budget: Budget) -> None:
    """Read several sources as the store is at one moment.

    Raises LimitExceeded if there are too many groups, or when the budget is used up.
    """
    for looks_left in reversed(range(_LOOKS_MAX)):
        with store.locked():
            cell_count = sum(reading.look(budget) for reading in readings)
            if cell_count <= _CELLS_UNDER_LOCK or not looks_left:
                for reading in readings:
                    reading.read(budget)
                return
        for reading in readings:
            reading.read(budget)


class Reading:
    """One source being read for a window.

    Once it is read, `values` has the groups of its `selection`, shape (groups, steps) with NaN for
    a gap.
    """

    selection: Selection
    values: FloatArray
    _stamp: int
    _stale: slice
    _views: list[tuple[int, BlockView]]

    def __init__(self, store: MemoryStore, source: Source, context: EvalContext) -> None:
        self.source = source
        self.context = context
        self._store = store
        self._own_ms = store.config.step_ms
        self._multiple = context.step_ms // self._own_ms
        self._first_ms = context.start_ms - context.step_ms + self._own_ms
        self._end_ms = self._first_ms + context.step_count * context.step_ms
        self._forget()

    def look(self, budget: Budget) -> int:
        """See what is to be computed, and how many datapoints that reads. Under the lock."""
        budget.check()
        blocks = list(self._store.window.overlapping(self._first_ms, self._end_ms))
        dropped = {at_ms for at_ms, _ in self._views} - {at_ms for at_ms, _ in blocks}
        # If rows have changed their series, or a block has left the window, nothing read is true.
        if dropped or self._generation != self._store.generation:
            self._forget()
        self._select()
        self._views = [(block_ms, block.view()) for block_ms, block in blocks]
        changed = [self._changed_steps(block_ms, block) for block_ms, block in blocks]
        self._stale = _hull([steps for steps in changed if steps.stop > steps.start])
        stale_count = (self._stale.stop - self._stale.start) * self._multiple
        column_count = min(stale_count, len(blocks) * POINTS_PER_BLOCK)
        cell_count = int(len(self.selection.groups.rows) * column_count)
        if not self._stamp:
            budget.spend(cell_count)
        self._stamp = self._store.window.stamp
        return cell_count

    def read(self, budget: Budget) -> None:
        """Compute what the last look found. Without the lock, or under it."""
        step_count = self._stale.stop - self._stale.start
        group_count = self.selection.groups.count
        if not step_count or not group_count:
            return
        begin_ms = self.context.start_ms + self._stale.start * self.context.step_ms
        end_ms = begin_ms + step_count * self.context.step_ms
        window = EvalContext(begin_ms, end_ms, self.context.step_ms)
        at_once = max(1, _CELLS_AT_ONCE // (step_count * self._multiple))
        for first in range(0, group_count, at_once):
            last = min(first + at_once, group_count)
            piece = self._computed(first, last, window, budget.check)
            self.values[first:last, self._stale] = piece

    def _forget(self) -> None:
        """Begin anew."""
        self._generation = self._store.generation
        self._stamp = 0
        self._views = []
        self._stale = slice(0, 0)
        self.selection = NOTHING
        self.values = np.zeros((0, self.context.step_count))

    def _select(self) -> None:
        """Find rows and groups; what has been computed of groups that were there is kept."""
        before, before_values = self.selection, self.values
        selection = self._store.select(self.source.query, self.source.keys)
        if selection is before:
            return
        groups = selection.groups
        if self.source.keys != ():
            _check_size(self._store.config.limits, groups.count, self.context)
        self.selection = selection
        self.values = np.full((groups.count, self.context.step_count), np.nan)
        if before.groups.count:
            # The rows of a group stay in one group, so any of them leads to it.
            group_of = np.zeros(self._store.index.capacity, np.int64)
            group_of[groups.rows] = np.repeat(np.arange(groups.count), np.diff(groups.starts))
            self.values[group_of[before.firsts]] = before_values

    def _changed_steps(self, block_ms: int, block: Block) -> slice:
        """The steps of the window that have columns which were written to since the last look."""
        columns = np.flatnonzero(block.stamps > self._stamp)
        times_ms = block_ms + columns * self._own_ms
        times_ms = times_ms[(times_ms >= self._first_ms) & (times_ms < self._end_ms)]
        if not len(times_ms):
            return slice(0, 0)
        steps = (times_ms - self._first_ms) // self.context.step_ms
        return slice(int(steps[0]), int(steps[-1]) + 1)

    def _computed(self, first: int, last: int, window: EvalContext, check: Check) -> FloatArray:
        """Values of the groups from `first` to before `last`, for some of the steps."""
        function, how, multiple = self.source.function, self.source.how, self._multiple
        groups, is_gauge = self.selection.groups, self.selection.are_gauges[first:last]
        if last - first < groups.count:
            starts = groups.starts[first : last + 1]
            groups = Groups(groups.rows[starts[0] : starts[-1]], starts - starts[0])
        if multiple > 1 and is_joined_first(function, how):
            return joined_first(
                lambda series: self._slots("sum", series, window, check),
                groups,
                function=function,
                how=how,
                multiple=multiple,
                is_gauge=is_gauge,
                rows_at_once=max(1, _CELLS_AT_ONCE // (window.step_count * multiple)),
            )
        values, has = self._slots(function, groups, window, check)
        return consolidate(how, values, has, multiple, is_gauge)

    def _slots(
        self, function: str, groups: Groups, window: EvalContext, check: Check
    ) -> tuple[FloatArray, BoolArray]:
        """Groups by the store's own steps, and where there is a value."""
        own_ms = self._own_ms
        first_ms = window.start_ms - window.step_ms + own_ms
        shape = (groups.count, window.step_count * self._multiple)
        end_ms = first_ms + shape[1] * own_ms
        values: FloatArray = np.zeros(shape)
        has = np.zeros(shape, np.bool_)
        for block_ms, block in self._views:
            begin = max(0, (first_ms - block_ms) // own_ms)
            end = min(POINTS_PER_BLOCK, (end_ms - block_ms) // own_ms)
            if begin >= end:
                continue
            columns = slice(begin, end)
            at = (block_ms - first_ms) // own_ms
            reduced = reduce_block(function, block, groups, columns, check)
            has_value = present_in(block, groups, columns)
            if function == "sum" and np.isnan(reduced).any():
                refold_sums(reduced, has_value, block, groups, columns, ordered=self._ordered)
            values[:, at + begin : at + end] = reduced
            has[:, at + begin : at + end] = has_value
        return values, has

    def _ordered(self, rows: RowArray) -> RowArray:
        """Rows in the order of their series' identities."""
        with self._store.locked():
            is_known = self._generation == self._store.generation
            return self._store.index.id_order(rows) if is_known else rows


def _hull(steps: Sequence[slice]) -> slice:
    """From the first of the steps to the last."""
    if not steps:
        return slice(0, 0)
    return slice(min(s.start for s in steps), max(s.stop for s in steps))


def _check_size(limits: StoreLimits, line_count: int, context: EvalContext) -> None:
    count, count_max = line_count * context.step_count, limits.datapoint_count_max
    if count > count_max:
        raise LimitExceeded(
            f"requirement failed: too many datapoints: {count} > {count_max}",
            fix="ask for a shorter time or a longer step",
        )
