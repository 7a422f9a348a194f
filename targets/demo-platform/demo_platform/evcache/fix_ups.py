"""What a zone has missed: entries that a change could not be carried to, to be deleted there. Pure.

A node that was away and comes back with its memory would hand out what was changed meanwhile. It is
told to forget such entries; values are not kept here, only names, and not for ever: after
`keep_s` every entry of that age has expired by itself.
"""

from __future__ import annotations

from collections import OrderedDict
from itertools import islice

ENTRIES_MAX = 2000
KEEP_S = 3600.0


class FixUps:
    """Zone and name of each entry that may be out of date there, oldest first."""

    def __init__(self, *, entries_max: int = ENTRIES_MAX, keep_s: float = KEEP_S) -> None:
        self._entries: OrderedDict[tuple[str, bytes], float] = OrderedDict()
        self._entries_max = entries_max
        self._keep_s = keep_s
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._entries)

    def note(self, zone: str, name: bytes, now: float) -> None:
        """Remember that a zone has not heard of a change."""
        self._entries[zone, name] = now
        self._entries.move_to_end((zone, name))
        if len(self._entries) > self._entries_max:
            self._entries.popitem(last=False)
            self.dropped += 1

    def settle(self, zone: str, name: bytes) -> None:
        """The zone has heard of a change now."""
        self._entries.pop((zone, name), None)

    def due(self, count: int, now: float) -> list[tuple[str, bytes]]:
        """Some entries to try now; they go to the end of the line."""
        due: list[tuple[str, bytes]] = []
        for entry, noted_at in list(islice(self._entries.items(), count)):
            if now - noted_at < self._keep_s:
                self._entries.move_to_end(entry)
                due.append(entry)
            else:
                del self._entries[entry]
        return due
