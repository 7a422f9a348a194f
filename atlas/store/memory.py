"""The store: takes batches of samples, keeps a window of blocks, and shows them to readers.

One lock guards everything. A writer holds it for a batch; a reader to find its rows, and again at
the end, to read anew what was written meanwhile (see `atlas.eval.reading`). So an answer shows the
store as it was at one moment, and neither waits for the other for long.

Memory is bounded (see `room`): new series are refused as long as there would not be room for what
the known ones will still write, and new blocks when they do not fit.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from atlas.errors import BadData
from atlas.expr.query_expr import Query
from atlas.model import Tags
from atlas.store.index import TagIndex, series_id
from atlas.store.layout import POINTS_PER_BLOCK, FloatArray, IntArray, RowArray
from atlas.store.limits import StoreFull, StoreLimits
from atlas.store.normalize import KINDS, RATE, Normalizer
from atlas.store.pack import pack_rows
from atlas.store.room import Room
from atlas.store.selection import QUERIES, Selection, Selections
from atlas.store.window import BlockWindow

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
        if self.limits.batch_cache_bytes_max >= self.limits.bytes_max:
            raise BadData(
                f"memory of {self.limits.bytes_max} bytes is no more than the cache of batches,"
                f" {self.limits.batch_cache_bytes_max}",
                fix="give the store more memory, or a smaller cache",
            )
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

    @property
    def size_bytes(self) -> int:
        """What remembering the plan takes."""
        return 3 * self.rows.nbytes  # positions are twice as long


@dataclass(frozen=True, slots=True)
class StoreStats:
    """Sizes of a store, for its own metrics: `block_bytes` by kind of rows, `refused` by reason."""

    series_count: int
    block_count: int
    datapoint_count: int
    used_bytes: int
    block_bytes: Mapping[str, int]
    refused: Mapping[str, int]


class MemoryStore:
    """Series of the last hours, in memory."""

    def __init__(self, config: StoreConfig) -> None:
        self.config = config
        self.index = TagIndex()
        self.normalizer = Normalizer(config.step_ms)
        self.window = BlockWindow(config.step_ms, 2 * config.limits.series_count_max)
        self.room = Room(
            config.limits, config.block_count, self.index, self.normalizer, self.window
        )
        self._selections = Selections(self.index, self.normalizer, config.limits)
        self.refused: Counter[str] = Counter()
        self._lock = threading.RLock()
        self._generation = 0
        self._datapoint_count = 0
        self._leapt_ms = 0

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
        """The row of a series, handed out if it is new. Raises StoreFull when there is no room.

        The tags must have passed the limits on tags.
        """
        identity = series_id(tags)
        row = self.index.row_of(identity)
        if row is not None:
            return row
        count_max = self.config.limits.series_count_max
        if self.index.series_count >= count_max:
            raise StoreFull(
                f"too many series: {count_max + 1} > {count_max}",
                fix="raise --max-series, or drop a tag with many values",
                reason="series",
            )
        self.room.take_for_series(tags)
        row = self.index.add(identity, tags)
        self.window.row_count = self.index.capacity
        self.normalizer.grow(self.index.capacity)
        self.normalizer.start(row, KINDS.get(tags.get("atlas.dstype", ""), RATE))
        return row

    def select(self, query: Query, keys: tuple[str, ...] | None) -> Selection:
        """The series of a query in groups; see `Selections.find`. Under the lock."""
        try:
            return self._selections.find(query, keys)
        finally:
            self.room.cache_bytes[QUERIES] = self._selections.size_bytes

    def make_room(self, first_ms: int, last_ms: int) -> None:
        """Begin the blocks that samples of these times go to. Raises StoreFull if one cannot be."""
        for number in self.window.lacks(first_ms, last_ms):
            self.room.take_for_block()
            self.window.begin(number)

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
        """Take a batch: sample i is for row `plan.rows[i]`, its age and its block were checked.

        The caller holds the lock since before it looked at the plan's rows.
        """
        self.window.stamp += 1
        for by_kind in plan.passes:
            for kind, positions in by_kind:
                rows = plan.rows[positions]
                samples = rows, times_ms[positions], values[positions]
                self.normalizer.update(kind, *samples, sink=self.window)
        self._datapoint_count += len(values)

    def advance(self, now_ms: int) -> None:
        """Move the clock; drop blocks that have left the window, and series without any left.

        A clock that leaps beyond the whole window is believed after a step, so that one wrong
        reading does not cost all data; and one that goes back finds the store as it was.
        """
        self.room.begin_batch()
        before_ms, self.window.now_ms = self.window.now_ms, now_ms
        if now_ms < before_ms - self.config.max_age_ms:
            self.normalizer.rewind(now_ms + self.config.max_age_ms)
        if now_ms > before_ms + self.config.keep_ms:
            self._leapt_ms = now_ms
        if self._leapt_ms <= now_ms < self._leapt_ms + self.config.step_ms:
            return
        kept_ms = self.config.block_count * self.config.block_ms
        if self.window.forget_before(now_ms - kept_ms):
            self._forget_silent_series()

    def pack(self, now_ms: int, pause: Callable[[], None] = lambda: None) -> int:
        """Pack the blocks whose time is over and that nobody writes to; how many were.

        For one thread, not that of ingest: the lock is held to look at a block and to swap its
        rows, not while they are packed, and `pause` is called every few milliseconds.
        """
        with self._lock:
            blocks = list(self.window.to_pack(now_ms, now_ms - self.config.max_age_ms))
        count = 0
        for block in blocks:
            with self._lock:
                view, stamp = block.view(), self.window.stamp
            packed = pack_rows(view, self.config.step_ms / 1000, pause)
            with self._lock:
                if (block.stamps <= stamp).all():  # else it is packed another time
                    block.pack(packed)
                    count += 1
        return count

    def stats(self) -> StoreStats:
        """Sizes as they are now."""
        return StoreStats(
            self.index.series_count,
            self.window.count,
            self._datapoint_count,
            self.room.used_bytes(),
            self.window.sizes_bytes(),
            dict(self.refused),
        )

    def _forget_silent_series(self) -> None:
        known = self.index.select_all()
        silent = known[~self.window.rows_with_values()[known]]
        # A counter has no value before its second sample; it must not be forgotten meanwhile.
        silent = silent[~self.normalizer.is_counting(silent, self.window.oldest_ms)]
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
