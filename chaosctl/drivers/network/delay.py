"""The order in which held frames are let go. Pure: times come in as arguments.

A frame is due `delay` after it came, give or take `jitter`, and never before the frame that came
before it on the same way: a slow link is late, it does not reorder, unless it is told to hold one.
Frames of all ways wait in one heap. What would need more than `bytes_max` is dropped, as a full
queue drops.
"""

from __future__ import annotations

import heapq
import random
from dataclasses import dataclass, field

BYTES_MAX = 64 * 1024 * 1024


@dataclass(slots=True)
class HeldFrames:
    """Frames that wait, each with the way it goes; times are in seconds of any one clock."""

    delay_s: float
    jitter_s: float
    rng: random.Random
    bytes_max: int = BYTES_MAX
    dropped_count: int = 0
    _heap: list[tuple[float, int, int, bytes]] = field(default_factory=list)
    _last_due_s: dict[int, float] = field(default_factory=dict)
    _sequence: int = 0
    _bytes: int = 0

    def hold(
        self, way: int, frame: bytes, now_s: float, *, wait_s: float = 0.0, held_s: float = 0.0
    ) -> None:
        """Take in a frame that came now.

        wait_s: how much longer than the delay it waits, and all that come after it; held_s: it
        alone, so that they overtake it.
        """
        if self._bytes + len(frame) > self.bytes_max:
            self.dropped_count += 1
            return
        spread_s = self.rng.uniform(-self.jitter_s, self.jitter_s) if self.jitter_s else 0.0
        due_s = max(now_s + self.delay_s + spread_s + wait_s, self._last_due_s.get(way, 0.0))
        if not held_s:
            self._last_due_s[way] = due_s
        due_s += held_s
        self._sequence += 1
        self._bytes += len(frame)
        heapq.heappush(self._heap, (due_s, self._sequence, way, frame))

    def due(self, now_s: float) -> list[tuple[int, bytes]]:
        """Way and frame of all that is due by now, in order."""
        ready: list[tuple[int, bytes]] = []
        while self._heap and self._heap[0][0] <= now_s:
            _, _, way, frame = heapq.heappop(self._heap)
            self._bytes -= len(frame)
            ready.append((way, frame))
        return ready

    def next_due_s(self) -> float | None:
        """When the next one is due; None if nothing waits."""
        return self._heap[0][0] if self._heap else None
