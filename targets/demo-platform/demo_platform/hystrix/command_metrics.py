"""What happened to one command lately: counts of events, calls at once, and how long they took."""

from __future__ import annotations

from collections.abc import Sequence

from demo_platform.hystrix.events import THROWN, Event
from demo_platform.hystrix.properties import CommandProperties
from demo_platform.hystrix.rolling import Latencies, RollingCounts, RollingLatencies, RollingMax


class CommandMetrics:
    """The windows of one command; `concurrent` is how many of its calls are under way."""

    __slots__ = ("_counts", "_latencies", "_most", "concurrent", "ends_ms")

    def __init__(self, properties: CommandProperties, *, now_ms: float) -> None:
        window_ms, buckets = properties.rolling_window_ms, properties.rolling_buckets
        self._counts = RollingCounts(
            len(Event), window_ms=window_ms, buckets=buckets, now_ms=now_ms
        )
        self._most = RollingMax(window_ms=window_ms, buckets=buckets, now_ms=now_ms)
        window_ms, buckets = properties.percentile_window_ms, properties.percentile_buckets
        self._latencies = RollingLatencies(window_ms=window_ms, buckets=buckets, now_ms=now_ms)
        self.concurrent = 0
        self.ends_ms = min(self._counts.ends_ms, self._latencies.ends_ms)

    def turn(self, now_ms: float) -> None:
        """Close the buckets that have ended."""
        self._counts.turn(now_ms)
        self._most.turn(now_ms)
        self._latencies.turn(now_ms)
        self.ends_ms = min(self._counts.ends_ms, self._latencies.ends_ms)

    def note_start(self) -> None:
        """Count a call that begins to run."""
        self.concurrent += 1
        self._most.note(self.concurrent)

    def note_end(self, latency_ms: float) -> None:
        """Count such a call out, and how long its caller waited for the answer or the fallback."""
        self.concurrent -= 1
        self._latencies.add(int(latency_ms))

    def note_events(self, events: Sequence[Event]) -> None:
        """Count what happened to a call."""
        counts = self._counts.open
        for event in events:
            counts[event] += 1

    def rolling(self, event: Event) -> int:
        """How often an event happened in the window."""
        sums = self._counts.sums
        if event is Event.EXCEPTION_THROWN:
            return sum(sums[thrown] for thrown in THROWN)
        return sums[event]

    @property
    def most_concurrent(self) -> int:
        """Calls that were under way at once in the window."""
        return self._most.largest

    @property
    def latencies(self) -> Latencies:
        """How long calls took, of those that have run.

        Hystrix tells the run's time from the caller's, but sets the clock of the first on until
        the fallback has answered, so that the two never differ by more than a moment.
        """
        return self._latencies.latest
