"""Writes that a replica has missed, kept by the coordinator until it is back. Pure.

Bounded in number, bytes and age: what does not fit or is too old is lost here and left to read
repair. A hint that outlives its tombstone's grace would bring back what was deleted, so none does.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

HINTS_MAX = 4_000
BYTES_MAX = 1024 * 1024
HINT_LIVES_S = 360.0
"""Cassandra's three hours, thirty times faster."""


@dataclass(frozen=True, slots=True)
class Hint:
    """A write for one replica: the message's bytes, as they will be sent."""

    write: bytes
    expires_at: float


class Hints:
    """What is kept for whom. `dropped` counts what did not fit or was too old."""

    def __init__(self, *, hints_max: int = HINTS_MAX, bytes_max: int = BYTES_MAX) -> None:
        self._hints_max = hints_max
        self._bytes_max = bytes_max
        self._kept: dict[str, deque[Hint]] = {}
        self._count = 0
        self._bytes = 0
        self.dropped = 0

    def __len__(self) -> int:
        return self._count

    def add(self, name: str, write: bytes, now: float) -> bool:
        """Keep a write for the node of that name; False when there is no room."""
        if self._count >= self._hints_max or self._bytes + len(write) > self._bytes_max:
            self.dropped += 1
            return False
        self._kept.setdefault(name, deque()).append(Hint(write, now + HINT_LIVES_S))
        self._count += 1
        self._bytes += len(write)
        return True

    def names(self) -> tuple[str, ...]:
        """For whom there is something."""
        return tuple(self._kept)

    def counts(self) -> dict[str, int]:
        """How many there are for each."""
        return {name: len(waiting) for name, waiting in self._kept.items()}

    def first(self, name: str, now: float, count: int) -> list[Hint]:
        """The oldest hints for a node that are still good; they stay until they are `told`."""
        waiting = self._kept.get(name, deque())
        while waiting and waiting[0].expires_at <= now:
            self._take(name)
            self.dropped += 1
        return [waiting[n] for n in range(min(count, len(waiting)))]

    def told(self, name: str, count: int) -> None:
        """Let go of the oldest hints for a node."""
        for _ in range(count):
            self._take(name)

    def _take(self, name: str) -> None:
        waiting = self._kept[name]
        self._bytes -= len(waiting.popleft().write)
        self._count -= 1
        if not waiting:
            del self._kept[name]
