"""The blocks of the time that is kept: which one a step belongs to, writing steps, forgetting."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt

from atlas.store.block import Block
from atlas.store.layout import POINTS_PER_BLOCK, BoolArray, FloatArray, IntArray, RowArray

QUIET_MS = 30_000
"""A block is packed when nobody has written to it for as long."""

_OPEN_SHARE_MAX = 1 / 8


class BlockWindow:
    """Blocks by number: block n holds the steps after n · span, up to and with (n + 1) · span.

    It is where normalised values go (see `Sink`). The store's lock is held around every call.
    """

    def __init__(self, step_ms: int, row_count_expected: int) -> None:
        self._step_ms = step_ms
        self._block_ms = step_ms * POINTS_PER_BLOCK
        self._row_count_expected = row_count_expected
        self._blocks: dict[int, Block] = {}
        self._oldest = 0
        self.now_ms = 0
        self.row_count = 0
        self.stamp = 0

    @property
    def count(self) -> int:
        """How many blocks there are."""
        return len(self._blocks)

    @property
    def oldest_ms(self) -> int:
        """The first step that is kept."""
        return self._start_of(self._oldest)

    def forget_before(self, time_ms: int) -> bool:
        """Drop blocks that end before a time, and from now on what is written to such; if any."""
        self._oldest = self._number_of(time_ms)
        gone = [number for number in self._blocks if number < self._oldest]
        for number in gone:
            del self._blocks[number]
        return bool(gone)

    def lacks(self, first_ms: int, last_ms: int) -> list[int]:
        """The numbers of the blocks that do not exist yet and samples of these times go to."""
        first = max(self._oldest, self._number_of(first_ms // self._step_ms * self._step_ms))
        last = self._number_of(-(-last_ms // self._step_ms) * self._step_ms)
        return [n for n in range(first, last + 1) if n not in self._blocks]

    def begin(self, number: int) -> None:
        """Make a block."""
        before = self._blocks[max(self._blocks)] if self._blocks else None
        self._blocks[number] = Block(self.row_count, self._row_count_expected, before)

    def overlapping(self, start_ms: int, end_ms: int) -> Iterator[tuple[int, Block]]:
        """The blocks that hold steps from `start_ms` to before `end_ms`, with their first step."""
        first, last = self._number_of(start_ms), self._number_of(end_ms - self._step_ms)
        for number in sorted(self._blocks):
            if first <= number <= last:
                block = self._blocks[number]
                block.grow(self.row_count)
                yield self._start_of(number), block

    @property
    def newest_open_bytes(self) -> int:
        """What the newest block has committed of rows that are not packed."""
        return self._blocks[max(self._blocks)].open_bytes if self._blocks else 0

    @property
    def live_row_count(self) -> int:
        """How many series report: those in the newest block, or in the one before if it is more."""
        newest = sorted(self._blocks)[-2:]
        return max((self._blocks[number].used_row_count for number in newest), default=0)

    @property
    def packed_row_bytes(self) -> int:
        """What a packed row takes on the average, 0 if there are none."""
        packed = [block for block in self._blocks.values() if block.packed is not None]
        row_count = sum(block.used_row_count for block in packed)
        size_bytes = sum(sum(block.sizes_bytes().values()) for block in packed)
        return size_bytes // max(1, row_count)

    def rows_with_values(self) -> BoolArray:
        """Which rows have a value in any block."""
        found = np.zeros(self.row_count, np.bool_)
        for block in self._blocks.values():
            found[: block.row_count] |= block.present != 0
        return found

    def to_pack(self, now_ms: int, final_ms: int) -> Iterator[Block]:
        """Blocks whose time is over and that are quiet, and are worth the work.

        That is if they are not packed yet, or if many of their rows have been opened again, or some
        and no sample can come any more, the block being older than `final_ms`.
        """
        for number, block in list(self._blocks.items()):
            end_ms = (number + 1) * self._block_ms
            is_quiet = not 0 <= now_ms - block.written_ms < QUIET_MS
            if end_ms > now_ms or not is_quiet:
                continue
            open_count = block.open_row_count
            if block.packed is not None and end_ms >= final_ms:
                open_count -= int(_OPEN_SHARE_MAX * self.row_count)
            if open_count > 0:
                yield block

    def sizes_bytes(self) -> Mapping[str, int]:
        """What the blocks have committed, by kind of rows."""
        sizes: Counter[str] = Counter()
        for block in self._blocks.values():
            sizes.update(block.sizes_bytes())
        return sizes

    def put(self, rows: RowArray, times_ms: IntArray, values: FloatArray) -> None:
        """Write step values (part of `Sink`)."""
        for block, column, at in self._targets(times_ms, values):
            block.put(rows[at], column, values[at])

    def put_max(self, rows: RowArray, times_ms: IntArray, values: FloatArray) -> None:
        """Write step values, keeping the larger (part of `Sink`)."""
        for block, column, at in self._targets(times_ms, values):
            block.put_max(rows[at], column, values[at])

    def put_sum(self, rows: RowArray, times_ms: IntArray, values: FloatArray) -> None:
        """Add to step values (part of `Sink`)."""
        for block, column, at in self._targets(times_ms, values):
            block.put_sum(rows[at], column, values[at])

    def put_if_absent(self, rows: RowArray, times_ms: IntArray, values: FloatArray) -> None:
        """Write step values where there are none (part of `Sink`)."""
        for block, column, at in self._targets(times_ms, values):
            empty = at[~block.has(rows[at], column)]
            block.put(rows[empty], column, values[empty])

    def _targets(
        self, times_ms: IntArray, values: FloatArray
    ) -> Iterator[tuple[Block, int, npt.NDArray[np.intp]]]:
        """Block, column and positions for each time; gaps, and times without one, are left out."""
        kept = np.flatnonzero(~np.isnan(values))
        if not len(kept):
            return
        times_ms = times_ms[kept]
        first = int(times_ms[0])
        times = [first] if (times_ms == first).all() else np.unique(times_ms).tolist()
        for time_ms in times:
            number = self._number_of(time_ms)
            block = self._blocks.get(number)
            if block is None:
                continue
            block.grow(self.row_count)
            column = (time_ms - self._start_of(number)) // self._step_ms
            block.stamps[column] = self.stamp
            block.written_ms = self.now_ms
            yield block, column, kept if len(times) == 1 else kept[times_ms == time_ms]

    def _number_of(self, time_ms: int) -> int:
        # A step on the boundary of two blocks belongs to the block that ends there.
        return (time_ms - 1) // self._block_ms

    def _start_of(self, number: int) -> int:
        return number * self._block_ms + self._step_ms
