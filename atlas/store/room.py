"""How much memory a store has committed, and whether there is room for more.

*Used* is what was counted: pages of blocks that were written to, packed parts, columns and tables
of the index, state of normalisation, and what ingest remembers. Counting takes some microseconds a
block; it is done when a batch needs room, and at most once for it.

*Reserved* is what the series that report now will still need: the rest of the newest block, all of
the next one, and, packed, the blocks until the window is full. A new series must fit into what is
left. So the series that are known always go on, unless their values pack worse than before.

A new block must only fit into what is not used.
"""

from __future__ import annotations

from atlas.model import Tags
from atlas.store.block import BLOCK_ROW_BYTES, ROW_BYTES
from atlas.store.index import TagIndex
from atlas.store.limits import StoreFull, StoreLimits
from atlas.store.normalize import STATE_BYTES, Normalizer
from atlas.store.pages import PAGE_BYTES
from atlas.store.window import BlockWindow

BATCHES = "batches"
METERS = "meters"
SERIES = "series"
REMEMBERED_BYTES = 170
"""What remembering the spelling of a series takes besides the spelling itself, measured."""

_SPELLING_BYTES = 6  # quotes, colon and comma
_PLENTY_BYTES = 256 * 1024**2  # more than the columns of any one series with new keys
_USUAL_BYTES = 2000  # of tags and tables, more than nearly all series need
_PACKED_ROW_BYTES = 180  # 3 bytes a datapoint; a block begun late may show less


class Room:
    """The memory of a store: what is used of it, and what is reserved.

    `cache_bytes` is what ingest remembers, of `SERIES`, `BATCHES` and `METERS`; whoever remembers
    says so.
    """

    def __init__(
        self,
        limits: StoreLimits,
        block_count: int,
        index: TagIndex,
        normalizer: Normalizer,
        window: BlockWindow,
    ) -> None:
        self.cache_bytes = {SERIES: 0, BATCHES: 0, METERS: 0}
        self._limits = limits
        self._block_count = block_count
        self._index = index
        self._normalizer = normalizer
        self._window = window
        self._used_bytes = 0
        self._free_bytes = 0
        self._history_row_bytes = 0
        self._cell_count = 0
        self._is_counted = False

    def used_bytes(self) -> int:
        """What the store has committed."""
        of_blocks = sum(self._window.sizes_bytes().values())
        of_caches = sum(self.cache_bytes.values())
        return of_blocks + self._index.size_bytes + self._normalizer.size_bytes + of_caches

    def begin_batch(self) -> None:
        """Count again when room is needed next: something may have changed."""
        self._is_counted = False

    def take_for_series(self, tags: Tags) -> None:
        """Room for a new series. Raises StoreFull if there is none."""
        if self._free_bytes > _PLENTY_BYTES and self._cell_count == self._index.cell_count:
            self._free_bytes -= _USUAL_BYTES + self._blocks_bytes()
            return
        needed = self._series_bytes(tags)
        if needed > self._free_bytes or self._cell_count != self._index.cell_count:
            self._count()
        if needed > self._free_bytes:
            raise self._full("a new series")
        self._free_bytes -= needed

    def take_for_block(self) -> None:
        """Room for a block of the series that report now. Raises StoreFull if there is none."""
        self._count()
        if self._used_bytes + self._block_bytes() > self._limits.bytes_max:
            raise self._full("a new block")
        self._free_bytes, self._is_counted = 0, False  # what was reserved is now the block's

    def _count(self) -> None:
        """Count what is free, unless that has been done for this batch already."""
        if self._is_counted:
            return
        self._is_counted = True
        self._used_bytes = self.used_bytes()
        self._cell_count = self._index.cell_count
        missing_count = max(0, self._block_count - self._window.count)
        packed_row_bytes = max(self._window.packed_row_bytes, _PACKED_ROW_BYTES)
        self._history_row_bytes = missing_count * packed_row_bytes
        self._free_bytes = self._limits.bytes_max - self._used_bytes - self._reserved_bytes()

    def _reserved_bytes(self) -> int:
        block_bytes = self._block_bytes()
        rest_bytes = max(0, block_bytes - self._window.newest_open_bytes)
        batch_bytes = max(0, self._limits.batch_cache_bytes_max - self.cache_bytes[BATCHES])
        history_bytes = self._window.live_row_count * self._history_row_bytes
        return rest_bytes + block_bytes + history_bytes + batch_bytes

    def _series_bytes(self, tags: Tags) -> int:
        """What a new series needs: in the index, in two blocks and the rest of the window."""
        row_bytes = STATE_BYTES + self._window.count * BLOCK_ROW_BYTES
        spelling_bytes = sum(len(k) + len(v) + _SPELLING_BYTES for k, v in tags.items())
        remembered_bytes = REMEMBERED_BYTES + spelling_bytes
        index_bytes = self._index.cost_bytes(tags, row_bytes)
        return index_bytes + self._blocks_bytes() + remembered_bytes

    def _blocks_bytes(self) -> int:
        """What a new series needs in two blocks and the rest of the window."""
        return 2 * (ROW_BYTES + BLOCK_ROW_BYTES) + self._history_row_bytes

    def _block_bytes(self) -> int:
        """About what a block takes before it is packed: the last page of a name is not shared."""
        rows_bytes = self._window.live_row_count * (ROW_BYTES + BLOCK_ROW_BYTES)
        return rows_bytes + self._index.name_count * PAGE_BYTES

    def _full(self, what: str) -> StoreFull:
        sizes = self._used_bytes, self._limits.bytes_max
        used, most = (f"{size / 2**20:.0f} MiB" for size in sizes)
        return StoreFull(
            f"no memory for {what}: {used} of {most} are used, or reserved for known series",
            fix="raise store.max-bytes, keep data for a shorter time, or send fewer series",
            reason="memory",
        )
