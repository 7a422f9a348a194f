"""A row as replicas keep it, and how two versions of it become one. Pure.

Each column has a cell with the time of its writing in microseconds; the latest wins. A deletion is
a *tombstone*: a time before which everything in the row is gone. Which of two cells wins is decided
by an order without ties: merging gives the same row whatever comes first, and however often.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec
from xxhash import xxh3_64_digest

from demo_platform.widecolumn.schema import Value

MARKER = ""
"""The column of every insertion, by which a row is there even when its columns are not."""


class Cell(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A column's value. expires_s: in seconds since the epoch; 0 never does."""

    at_us: int
    value: Value
    expires_s: float = 0.0

    def is_live(self, now_s: float) -> bool:
        """Whether it can be read at that time."""
        return not self.expires_s or now_s < self.expires_s


class Row(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Cells by column, and the tombstone over those that are not later than it.

    deleted_us: time of the deletion, or 0. deleted_s: when it was deleted, by a replica's clock.
    """

    cells: dict[str, Cell] = {}
    deleted_us: int = 0
    deleted_s: float = 0.0

    def newest_us(self) -> int:
        """When it was last written or deleted."""
        return max((cell.at_us for cell in self.cells.values()), default=self.deleted_us)

    def live(self, now_s: float) -> dict[str, Value] | None:
        """The columns that can be read; None when the row is not there."""
        found = {name: cell.value for name, cell in self.cells.items() if cell.is_live(now_s)}
        if not found:
            return None
        found.pop(MARKER, None)
        return found

    def purged(self, now_s: float, gc_grace_s: float) -> Row | None:
        """Without what has been dead for the grace period; None when nothing is left."""
        limit_s = now_s - gc_grace_s
        cells = {
            name: cell
            for name, cell in self.cells.items()
            if not cell.expires_s or cell.expires_s > limit_s
        }
        is_old = self.deleted_us != 0 and self.deleted_s <= limit_s
        if len(cells) == len(self.cells) and not is_old:
            return self if self.cells or self.deleted_us else None
        if not cells and (is_old or not self.deleted_us):
            return None
        return Row(cells) if is_old else Row(cells, self.deleted_us, self.deleted_s)


NO_ROW = Row()


def insertion(values: Mapping[str, Value], at_us: int, expires_s: float = 0.0) -> Row:
    """A row as it is written."""
    return Row(
        {name: Cell(at_us, value, expires_s) for name, value in {MARKER: 0, **values}.items()}
    )


def deletion(at_us: int, now_s: float) -> Row:
    """A row as it is deleted."""
    return Row({}, at_us, now_s)


def merge(rows: Iterable[Row]) -> Row:
    """One row of several versions of it."""
    cells: dict[str, Cell] = {}
    deleted = (0, 0.0)
    for row in rows:
        deleted = max(deleted, (row.deleted_us, row.deleted_s))
        for name, cell in row.cells.items():
            known = cells.get(name)
            if known is None or _rank(cell) > _rank(known):
                cells[name] = cell
    alive = {name: cell for name, cell in cells.items() if cell.at_us > deleted[0]}
    return Row(alive, *deleted)


def digest(rows: Iterable[tuple[bytes, Row]]) -> bytes:
    """What two replicas' rows have in common exactly when nothing about them differs."""
    encoded = [
        (key, sorted(row.cells.items()), row.deleted_us) for key, row in rows if row != NO_ROW
    ]
    return xxh3_64_digest(msgspec.msgpack.encode(encoded))


def _rank(cell: Cell) -> tuple[int, float, bool, str]:
    """The order in which cells win: later; one that expires, and that later; larger."""
    text = cell.value if isinstance(cell.value, str) else format(cell.value + 2**63, "020d")
    return cell.at_us, cell.expires_s, isinstance(cell.value, str), text
