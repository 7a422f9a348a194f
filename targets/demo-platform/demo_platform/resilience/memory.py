"""What an instance remembers by itself: answers it had, and writes it could not make yet.

Both are bounded: what was used or written longest ago goes first.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

Answer = Mapping[str, object]

ENTRIES_MAX = 256
LATE_WRITES_MAX = 512


class Memory:
    """The last answers by key, for when there are no new ones.

    >>> memory = Memory(entries_max=1)
    >>> memory.keep("rows", {"n": 1}); memory.keep("index", {"n": 2})
    >>> memory.get("rows"), memory.get("index")
    (None, {'n': 2})
    """

    __slots__ = ("_entries", "_entries_max")

    def __init__(self, entries_max: int = ENTRIES_MAX) -> None:
        self._entries_max = entries_max
        self._entries: OrderedDict[str, Answer] = OrderedDict()

    def keep(self, key: str, answer: Answer) -> None:
        """Remember an answer in place of the one before."""
        self._entries[key] = answer
        self._entries.move_to_end(key)
        if len(self._entries) > self._entries_max:
            self._entries.popitem(last=False)

    def get(self, key: str) -> Answer | None:
        """The last answer under a key, if it is still known."""
        return self._entries.get(key)


class LateWrites:
    """Writes that are to be made when whoever takes them is back; of each key the last one.

    >>> late = LateWrites(writes_max=2)
    >>> for key in "aba": late.put(key, {"key": key})
    >>> late.put("c", {"key": "c"}); late.dropped
    1
    >>> late.take(9)
    [('a', {'key': 'a'}), ('c', {'key': 'c'})]
    """

    __slots__ = ("_writes", "_writes_max", "dropped")

    def __init__(self, writes_max: int = LATE_WRITES_MAX) -> None:
        self._writes_max = writes_max
        self._writes: OrderedDict[str, Answer] = OrderedDict()
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._writes)

    def put(self, key: str, write: Answer) -> None:
        """Keep a write for later, in place of an earlier one of the same key."""
        self._writes[key] = write
        self._writes.move_to_end(key)
        if len(self._writes) > self._writes_max:
            self._writes.popitem(last=False)
            self.dropped += 1

    def take(self, count: int) -> list[tuple[str, Answer]]:
        """The oldest writes, which are no longer kept."""
        taken: list[tuple[str, Answer]] = []
        while self._writes and len(taken) < count:
            taken.append(self._writes.popitem(last=False))
        return taken

    def give_back(self, writes: list[tuple[str, Answer]]) -> None:
        """Keep writes that were taken, and not made, unless there is a newer one of their key."""
        for key, write in reversed(writes):
            if key not in self._writes and len(self._writes) < self._writes_max:
                self._writes[key] = write
                self._writes.move_to_end(key, last=False)
            elif key not in self._writes:
                self.dropped += 1
