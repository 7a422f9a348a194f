"""The circuit breaker: no calls for a while to what mostly fails, then a single one to try. Pure.

Health is counted in snapshots, and a call is judged by those that are complete: with enough
requests in the window and enough of them errors it finds the circuit open. Refused calls are no
requests; else an open circuit would feed itself. After the sleep window one call is let through
(half-open), and another one a sleep window after that, until one succeeds: that closes the circuit
and forgets the past. So a trial that never ends cannot keep the circuit open for ever.

This is the breaker of Hystrix 1.5.18; that of 1.5.9 to 1.5.12 knew a half-open state of its own.
"""

from __future__ import annotations

from demo_platform.hystrix.properties import CommandProperties
from demo_platform.hystrix.rolling import RollingCounts

_REQUESTS, _ERRORS = 0, 1


class Circuit:
    """A command's circuit and the health that it is judged by."""

    __slots__ = ("_health", "_is_open", "_properties", "_tried_ms")

    def __init__(self, properties: CommandProperties, *, now_ms: float) -> None:
        self._properties = properties
        self._health = _health(properties, now_ms)
        self._is_open = False
        self._tried_ms = 0.0  # when it was opened, or last let a call through

    @property
    def requests(self) -> int:
        """Requests in the window, as of the last snapshot."""
        return self._health.sums[_REQUESTS]

    @property
    def errors(self) -> int:
        """Those of them that were errors."""
        return self._health.sums[_ERRORS]

    @property
    def error_percent(self) -> int:
        """Errors among the requests, rounded down; 0 of none."""
        return self.errors * 100 // self.requests if self.requests else 0

    def turn(self, now_ms: float) -> None:
        """Take the snapshots that are due."""
        if now_ms >= self._health.ends_ms:
            self._health.turn(now_ms)

    def note(self, now_ms: float, *, is_error: bool) -> None:
        """Count a request into the snapshot to come."""
        self.turn(now_ms)
        self._health.open[_REQUESTS] += 1
        if is_error:
            self._health.open[_ERRORS] += 1

    def is_open(self, now_ms: float) -> bool:
        """Whether it is open, whatever is forced; health is looked at, and may open it now."""
        self.turn(now_ms)
        if self._is_open:
            return True
        properties = self._properties
        if self._health.sums[_REQUESTS] < properties.request_volume_threshold:
            return False
        if self.error_percent < properties.error_threshold_percent:
            return False
        self._is_open = True
        self._tried_ms = now_ms
        return True

    def refuses(self, now_ms: float) -> bool:
        """Whether calls are refused, but perhaps for a trial; what is forced counts."""
        if self._properties.force_open:
            return True
        return self.is_open(now_ms) and not self._properties.force_closed

    def allows(self, now_ms: float) -> bool:
        """Whether a call may be made, be it as the trial."""
        properties = self._properties
        if properties.force_open:
            return False
        is_open = self.is_open(now_ms)
        if properties.force_closed or not is_open:
            return True
        if now_ms <= self._tried_ms + properties.sleep_window_ms:
            return False
        self._tried_ms = now_ms
        return True

    def mark_success(self, now_ms: float) -> None:
        """A call succeeded: an open circuit closes and forgets."""
        if self._is_open:
            self._is_open = False
            self._health = _health(self._properties, now_ms)


def _health(properties: CommandProperties, now_ms: float) -> RollingCounts:
    window_ms, snapshot_ms = properties.rolling_window_ms, properties.health_snapshot_ms
    buckets = max(1, window_ms // snapshot_ms)
    return RollingCounts(2, window_ms=buckets * snapshot_ms, buckets=buckets, now_ms=now_ms)
