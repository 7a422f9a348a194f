"""How many calls of an origin may be under way, learnt from how long they take. Pure.

The gradient method of adaptive concurrency limits: a short mean of latency is compared with a long
one. Calls that take no longer than usual let the limit grow by a little queue; calls that queue at
the origin shrink it in proportion, by half at most. A limit that is not nearly used up says nothing
about the origin, and stays.
"""

from __future__ import annotations

from dataclasses import dataclass

WINDOW_S = 1.0
SAMPLES_MIN = 10
LONG_WINDOWS = 60


@dataclass(frozen=True, slots=True)
class LimitRule:
    """tolerance: so many times as slow as usual is still as usual. queue: calls that may wait."""

    least: int = 20
    most: int = 128
    first: int = 64
    tolerance: float = 1.5
    queue: float = 4.0
    smoothing: float = 0.2


class AdaptiveLimit:
    """The limit of one origin."""

    __slots__ = ("_busiest", "_count", "_long_s", "_opened", "_rule", "_sum_s", "_windows", "limit")

    def __init__(self, rule: LimitRule) -> None:
        self._rule = rule
        self.limit = float(min(max(rule.first, rule.least), rule.most))
        self._long_s = 0.0
        self._windows = 0
        self._opened = self._sum_s = 0.0
        self._count = self._busiest = 0

    def note(self, took_s: float, *, in_flight: int, now: float) -> None:
        """Learn from a call that has ended; in_flight: calls that were under way with it."""
        self._sum_s += took_s
        self._count += 1
        self._busiest = max(self._busiest, in_flight)
        if now - self._opened >= WINDOW_S and self._count >= SAMPLES_MIN:
            self._learn(self._sum_s / self._count)
            self._open(now)

    def _open(self, now: float) -> None:
        self._opened = now
        self._sum_s = 0.0
        self._count = self._busiest = 0

    def _learn(self, short_s: float) -> None:
        rule = self._rule
        self._windows = min(LONG_WINDOWS, self._windows + 1)
        self._long_s += (short_s - self._long_s) / self._windows
        if self._long_s > 2 * short_s:
            self._long_s *= 0.95  # an outage is over, and its latencies are not the usual ones
        if self._busiest < self.limit / 2:
            return
        slowness = rule.tolerance * self._long_s / short_s if short_s > 0 else 1.0
        gradient = max(0.5, min(1.0, slowness))
        wanted = self.limit * gradient + rule.queue
        smoothed = self.limit + (wanted - self.limit) * rule.smoothing
        self.limit = max(float(rule.least), min(float(rule.most), smoothed))
