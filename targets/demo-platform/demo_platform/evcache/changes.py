"""What other regions are told of a change: its key, never its value. Pure.

A change is told once however often it happens while it waits; the other region forgets the entry
and makes it anew from its own store. The queue is bounded: what does not fit any more is counted.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import msgspec

CHANGES_MAX = 10_000


class Change(msgspec.Struct, frozen=True):
    """An entry of an app that is not what it was."""

    app: str
    key: str


@dataclass(frozen=True, slots=True)
class _Waiting:
    number: int
    since: float


class ChangeQueue:
    """Changes that are still to be told, oldest first."""

    def __init__(self, *, changes_max: int = CHANGES_MAX) -> None:
        self._waiting: OrderedDict[Change, _Waiting] = OrderedDict()
        self._count = 0
        self._changes_max = changes_max
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, change: Change, now: float) -> None:
        """A change has happened, or been heard of."""
        self._count += 1
        before = self._waiting.get(change)
        self._waiting[change] = _Waiting(self._count, before.since if before else now)
        if len(self._waiting) > self._changes_max:
            self._waiting.popitem(last=False)
            self.dropped += 1

    def first(self, count: int) -> list[tuple[Change, int]]:
        """The oldest changes, each with a number that `told` is to be given."""
        return [(change, one.number) for change, one in islice(self._waiting.items(), count)]

    def told(self, changes: Sequence[tuple[Change, int]]) -> None:
        """These have arrived. One that happened again while it was on its way goes on waiting."""
        for change, number in changes:
            waiting = self._waiting.get(change)
            if waiting is not None and waiting.number == number:
                del self._waiting[change]

    def lag_s(self, now: float) -> float:
        """How long the oldest change has been waiting."""
        return now - next(iter(self._waiting.values())).since if self._waiting else 0.0
