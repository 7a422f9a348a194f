"""How much memory a store has committed, and whether there is room for more.

Committed is what was counted: pages of blocks that were written to, packed parts, columns and
tables of the index, state of normalisation, and what ingest remembers of batches. Counting takes
tens of microseconds a block, so it is done once a batch at most, and only when a batch needs room.

Reserved is what the known series will need: the rest of the newest block, and the whole next one.
So a series is refused as long as those that are known already might not find room.
"""

from __future__ import annotations

from atlas.model import Tags
from atlas.store.block import BLOCK_ROW_BYTES, PAGE_BYTES, ROW_BYTES
from atlas.store.index import TagIndex
from atlas.store.limits import StoreFull
from atlas.store.normalize import STATE_BYTES, Normalizer
from atlas.store.window import BlockWindow


class Room:
    """The memory of a store: what is used of it, and what is reserved.

    `cache_bytes` is what formats of ingest remember; each says so under its name.
    """

    def __init__(
        self, bytes_max: int, index: TagIndex, normalizer: Normalizer, window: BlockWindow
    ) -> None:
        self.cache_bytes: dict[str, int] = {}
        self._bytes_max = bytes_max
        self._index = index
        self._normalizer = normalizer
        self._window = window
        self._used_bytes = 0
        self._free_bytes = 0
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
        """Room for a new series in index and blocks. Raises StoreFull if there is none."""
        row_bytes = STATE_BYTES + self._window.count * BLOCK_ROW_BYTES
        needed = self._index.cost_bytes(tags, row_bytes) + 2 * (ROW_BYTES + BLOCK_ROW_BYTES)
        if needed > self._free_bytes:
            self._count()
        if needed > self._free_bytes:
            raise self._full("a new series")
        self._free_bytes -= needed

    def take_for_block(self) -> None:
        """Room for a block of all known series. Raises StoreFull if there is none."""
        self._count()
        if self._used_bytes + self._block_bytes() > self._bytes_max:
            raise self._full("a new block")
        self._free_bytes, self._is_counted = 0, False  # what was reserved is now the block's

    def _count(self) -> None:
        """Count what is free, unless that has been done for this batch already."""
        if self._is_counted:
            return
        self._is_counted = True
        self._used_bytes = self.used_bytes()
        block_bytes = self._block_bytes()
        rest_bytes = max(0, block_bytes - self._window.newest_open_bytes)
        self._free_bytes = self._bytes_max - self._used_bytes - rest_bytes - block_bytes

    def _block_bytes(self) -> int:
        """About what a block of all known series takes: the last page of a name is not shared."""
        rows = self._index.series_count * (ROW_BYTES + BLOCK_ROW_BYTES)
        return rows + self._index.name_count * PAGE_BYTES

    def _full(self, what: str) -> StoreFull:
        used, most = (f"{size / 2**20:.0f} MB" for size in (self._used_bytes, self._bytes_max))
        return StoreFull(
            f"no memory for {what}: {used} of {most} used",
            fix="raise --max-memory, keep data for a shorter time, or send fewer series",
            reason="memory",
        )
