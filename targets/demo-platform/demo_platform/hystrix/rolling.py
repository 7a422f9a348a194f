"""Rolling windows: what happened in the last whole buckets. Pure.

A window is a row of buckets. Its sums leave out the bucket that is still being filled: they change
at a bucket's end, as if a timer had gone off, and not in between. There is no timer, though; a
window is turned forward by whoever uses it next, and looks as if it had been turned in time. So an
idle window costs nothing, and a virtual clock sees what a real one would.
"""

from __future__ import annotations

from collections import deque

Latencies = dict[int, int]
"""How often each whole number of milliseconds was seen."""


class Turning:
    """The bucket that a window is in; counted from the instant at which the window was made."""

    __slots__ = ("bucket_ms", "ends_ms")

    def __init__(self, *, bucket_ms: float, now_ms: float) -> None:
        self.bucket_ms = bucket_ms
        self.ends_ms = now_ms + bucket_ms

    def ended(self, now_ms: float) -> int:
        """How many buckets have ended since the last time this was asked."""
        if now_ms < self.ends_ms:
            return 0
        count = int((now_ms - self.ends_ms) // self.bucket_ms) + 1
        self.ends_ms += count * self.bucket_ms
        return count


class RollingCounts:
    """Sums of `width` counters over a window; `open` is the bucket that is being filled."""

    __slots__ = ("_closed", "_turning", "open", "sums")

    def __init__(self, width: int, *, window_ms: float, buckets: int, now_ms: float) -> None:
        self._turning = Turning(bucket_ms=window_ms / buckets, now_ms=now_ms)
        self._closed: deque[list[int]] = deque([[0] * width] * buckets, maxlen=buckets)
        self.open = [0] * width
        self.sums = [0] * width

    @property
    def ends_ms(self) -> float:
        """When the open bucket ends."""
        return self._turning.ends_ms

    def turn(self, now_ms: float) -> None:
        """Close the buckets that have ended; a window of empty ones is all that can be seen."""
        for _ in range(min(self._turning.ended(now_ms), len(self._closed) + 1)):
            self._close()

    def _close(self) -> None:
        expired = self._closed[0]
        self._closed.append(self.open)
        self.sums = [
            was + new - old for was, new, old in zip(self.sums, self.open, expired, strict=True)
        ]
        self.open = [0] * len(self.open)


class RollingMax:
    """The largest value noted in a window."""

    __slots__ = ("_closed", "_open", "_turning")

    def __init__(self, *, window_ms: float, buckets: int, now_ms: float) -> None:
        self._turning = Turning(bucket_ms=window_ms / buckets, now_ms=now_ms)
        self._closed = deque([0] * buckets, maxlen=buckets)
        self._open = 0

    def note(self, value: int) -> None:
        """Count a value in."""
        self._open = max(self._open, value)

    @property
    def largest(self) -> int:
        """Over the buckets that have ended."""
        return max(self._closed)

    @property
    def ends_ms(self) -> float:
        """When the open bucket ends."""
        return self._turning.ends_ms

    def turn(self, now_ms: float) -> None:
        """Close the buckets that have ended."""
        for _ in range(min(self._turning.ended(now_ms), len(self._closed) + 1)):
            self._closed.append(self._open)
            self._open = 0


class RollingLatencies:
    """Latencies over a window, in whole milliseconds; memory is bounded by the longest of them."""

    __slots__ = ("_closed", "_open", "_turning", "latest")

    def __init__(self, *, window_ms: float, buckets: int, now_ms: float) -> None:
        self._turning = Turning(bucket_ms=window_ms / buckets, now_ms=now_ms)
        self._closed: deque[Latencies] = deque(maxlen=buckets)
        self._open: Latencies = {}
        self.latest: Latencies = {}

    def add(self, latency_ms: int) -> None:
        """Count a latency in."""
        self._open[latency_ms] = self._open.get(latency_ms, 0) + 1

    @property
    def ends_ms(self) -> float:
        """When the open bucket ends."""
        return self._turning.ends_ms

    def turn(self, now_ms: float) -> None:
        """Close the buckets that have ended."""
        ended = self._turning.ended(now_ms)
        for _ in range(min(ended, (self._closed.maxlen or 0) + 1)):
            self._closed.append(self._open)
            self._open = {}
        if ended:
            self.latest = _merged(self._closed)


def mean_ms(latencies: Latencies) -> int:
    """The mean, as a whole number; 0 of none.

    >>> mean_ms({10: 1, 15: 2})
    13
    """
    total = sum(latencies.values())
    return sum(ms * count for ms, count in latencies.items()) // total if total else 0


def percentile_ms(latencies: Latencies, percent: float) -> int:
    """The smallest latency with that share of all at or below it; 0 of none.

    >>> seen = {10: 1, 20: 1, 30: 2}
    >>> [percentile_ms(seen, percent) for percent in (0, 25, 50, 75, 100)]
    [10, 10, 20, 30, 30]
    """
    wanted = max(1, int(percent / 100 * sum(latencies.values()) + 0.5))
    seen = 0
    for ms in sorted(latencies):
        seen += latencies[ms]
        if seen >= wanted:
            return ms
    return 0


def _merged(buckets: deque[Latencies]) -> Latencies:
    merged: Latencies = {}
    for bucket in buckets:
        for ms, count in bucket.items():
            merged[ms] = merged.get(ms, 0) + count
    return merged
