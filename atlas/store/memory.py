"""The store: takes batches of samples, keeps a window of blocks, and shows them to readers.

One lock guards everything. A writer holds it for one batch, a reader for all the reading of one
query, so a query never sees half of a batch, nor two of its parts at different times. Reading is
bounded by memory speed (20 ms for a million series and an hour), and that is the longest that a
writer waits.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from atlas.errors import BadData, LimitExceeded
from atlas.model import Tags
from atlas.store.block import POINTS_PER_BLOCK, Block, FloatArray, IntArray, RowArray
from atlas.store.index import TagIndex, series_id
from atlas.store.limits import StoreLimits
from atlas.store.normalize import KINDS, RATE, Normalizer

KEEP_MS_DEFAULT = 3_600_000


@dataclass(frozen=True, slots=True)
class StoreConfig:
    """How a store measures time, and how much it keeps."""

    step_ms: int = 60_000
    max_age_ms: int = 60_000
    keep_ms: int = KEEP_MS_DEFAULT
    limits: StoreLimits = field(default_factory=StoreLimits)

    def __post_init__(self) -> None:
        if self.step_ms < 1000 or self.step_ms % 1000:
            raise BadData(
                f"step must be whole seconds, found {self.step_ms} ms", fix="use --step 1s"
            )
        if self.limits.series_count_max < 1:
            raise BadData("a store has room for at least one series", fix="raise --max-series")
        if self.keep_ms < self.max_age_ms:
            raise BadData(
                f"data may be {self.max_age_ms} ms late but is kept for {self.keep_ms} ms only",
                fix="keep data at least as long as it may be late",
            )

    @property
    def block_ms(self) -> int:
        """The span of one block."""
        return self.step_ms * POINTS_PER_BLOCK

    @property
    def block_count(self) -> int:
        """Blocks that cover the time kept, the one being written not counted."""
        return -(-self.keep_ms // self.block_ms)


@dataclass(frozen=True, slots=True)
class Plan:
    """A batch's rows, prepared: what need not be found out again when the batch comes again.

    `passes` are positions in the batch such that no row occurs twice in a pass; each is split by
    kind.
    """

    rows: RowArray
    passes: tuple[tuple[tuple[int, npt.NDArray[np.intp]], ...], ...]


@dataclass(frozen=True, slots=True)
class StoreStats:
    """Sizes of a store, for its own metrics."""

    series_count: int
    block_count: int
    datapoint_count: int
    refused_series_count: int


class MemoryStore:
    """Series of the last hours, in memory."""

    def __init__(self, config: StoreConfig) -> None:
        self.config = config
        self.index = TagIndex()
        self.normalizer = Normalizer(config.step_ms)
        self._blocks: dict[int, Block] = {}
        self._oldest_number = 0
        self._lock = threading.RLock()
        self._generation = 0
        self._datapoint_count = 0
        self._refused_series_count = 0

    @property
    def generation(self) -> int:
        """Changes when rows are freed; what remembers rows must forget them then."""
        return self._generation

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the store still: between two lines inside, nothing changes."""
        with self._lock:
            yield

    def row_for(self, tags: Tags) -> int:
        """The row of a series, handed out if it is new. Raises LimitExceeded when there is no room.

        The tags must have passed the limits on tags.
        """
        identity = series_id(tags)
        row = self.index.row_of(identity)
        if row is not None:
            return row
        count_max = self.config.limits.series_count_max
        if self.index.series_count >= count_max:
            self._refused_series_count += 1
            raise LimitExceeded(
                f"too many series: {count_max + 1} > {count_max}",
                where="store",
                fix="raise --max-series, or drop a tag with many values",
            )
        row = self.index.add(identity, tags)
        self.normalizer.grow(self.index.capacity)
        self.normalizer.start(row, KINDS.get(tags.get("atlas.dstype", ""), RATE))
        return row

    def plan(self, rows: Sequence[int]) -> Plan:
        """Prepare a batch that has these rows, in this order."""
        array = np.array(rows, np.int32)
        kinds = self.normalizer.kinds(array)
        passes = []
        for positions in _distinct_passes(array):
            kinds_here = kinds[positions]
            passes.append(
                tuple((int(k), positions[kinds_here == k]) for k in np.unique(kinds_here).tolist())
            )
        return Plan(array, tuple(passes))

    def update(self, plan: Plan, times_ms: IntArray, values: FloatArray) -> None:
        """Take a batch: sample i is for row `plan.rows[i]`, its age has been checked.

        The caller holds the lock since before it looked at the plan's rows.
        """
        for by_kind in plan.passes:
            for kind, positions in by_kind:
                rows = plan.rows[positions]
                samples = rows, times_ms[positions], values[positions]
                self.normalizer.update(kind, *samples, sink=self)
        self._datapoint_count += len(values)

    def forget_old(self, now_ms: int) -> None:
        """Drop the blocks that have left the window, and the series that are left without any."""
        oldest = self._number_of(now_ms) - self.config.block_count
        if oldest <= self._oldest_number:
            return
        self._oldest_number = oldest
        gone = [number for number in self._blocks if number < oldest]
        for number in gone:
            del self._blocks[number]
        if gone:
            self._forget_silent_series()

    def blocks(self, start_ms: int, end_ms: int) -> Iterator[tuple[int, Block]]:
        """The blocks that hold steps from `start_ms` to before `end_ms`, with their first step."""
        for number in range(
            self._number_of(start_ms), self._number_of(end_ms - self.config.step_ms) + 1
        ):
            block = self._blocks.get(number)
            if block is not None:
                yield self._start_of(number), block

    def stats(self) -> StoreStats:
        """Sizes as they are now."""
        return StoreStats(
            self.index.series_count,
            len(self._blocks),
            self._datapoint_count,
            self._refused_series_count,
        )

    def put(self, rows: RowArray, times_ms: IntArray, values: FloatArray) -> None:
        """Write step values (part of `Sink`)."""
        for block, column, at in self._targets(rows, times_ms, values):
            block.put(rows[at], column, values[at])

    def put_max(self, rows: RowArray, times_ms: IntArray, values: FloatArray) -> None:
        """Write step values, keeping the larger (part of `Sink`)."""
        for block, column, at in self._targets(rows, times_ms, values):
            block.put_max(rows[at], column, values[at])

    def put_sum(self, rows: RowArray, times_ms: IntArray, values: FloatArray) -> None:
        """Add to step values (part of `Sink`)."""
        for block, column, at in self._targets(rows, times_ms, values):
            block.put_sum(rows[at], column, values[at])

    def put_if_absent(self, rows: RowArray, times_ms: IntArray, values: FloatArray) -> None:
        """Write step values where there are none (part of `Sink`)."""
        for block, column, at in self._targets(rows, times_ms, values):
            empty = at[~block.has(rows[at], column)]
            block.put(rows[empty], column, values[empty])

    def _targets(
        self, rows: RowArray, times_ms: IntArray, values: FloatArray
    ) -> Iterator[tuple[Block, int, npt.NDArray[np.intp]]]:
        """Block, column and positions for each time; gaps and forgotten times are left out."""
        kept = np.flatnonzero(~np.isnan(values))
        if not len(kept):
            return
        times_ms = times_ms[kept]
        first = int(times_ms[0])
        times = [first] if (times_ms == first).all() else np.unique(times_ms).tolist()
        for time_ms in times:
            number = self._number_of(time_ms)
            if number < self._oldest_number:
                continue
            block = self._blocks.get(number)
            if block is None:
                block = self._blocks[number] = Block(self.index.capacity)
            block.grow(self.index.capacity)
            column = (time_ms - self._start_of(number)) // self.config.step_ms
            yield block, column, kept if len(times) == 1 else kept[times_ms == time_ms]

    def _number_of(self, time_ms: int) -> int:
        # A step on the boundary of two blocks belongs to the block that ends there.
        return (time_ms - 1) // self.config.block_ms

    def _start_of(self, number: int) -> int:
        return number * self.config.block_ms + self.config.step_ms

    def _forget_silent_series(self) -> None:
        present = np.zeros(self.index.capacity, np.bool_)
        for block in self._blocks.values():
            present[: block.row_count] |= block.present != 0
        known = self.index.select_all()
        silent = known[~present[known]]
        # A counter has no value before its second sample; it must not be forgotten meanwhile.
        silent = silent[~self.normalizer.is_counting(silent, self._start_of(self._oldest_number))]
        if len(silent):
            self.index.remove(silent.tolist())
            self._generation += 1


def _distinct_passes(rows: RowArray) -> list[npt.NDArray[np.intp]]:
    """Positions split so that no row occurs twice in a part; a row's samples stay in order."""
    order = np.argsort(rows, kind="stable")
    ordered = rows[order]
    is_first = np.concatenate(([True], ordered[1:] != ordered[:-1]))[: len(rows)]
    if is_first.all():
        return [np.arange(len(rows))] if len(rows) else []
    starts = np.flatnonzero(is_first)
    occurrence = np.arange(len(rows)) - np.repeat(starts, np.diff(np.append(starts, len(rows))))
    return [np.sort(order[occurrence == i]) for i in range(int(occurrence.max()) + 1)]
