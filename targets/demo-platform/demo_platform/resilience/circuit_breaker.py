"""Circuit breaker: stop calling a service that mostly fails, and try it again with one call.

The rule is Hystrix's: over a rolling window of buckets, when at least `volume` calls ended and
`failed_ratio` of them failed, the circuit opens and calls are refused at once. After `sleep_s` one
call is let through (half-open): success closes the circuit and forgets the past, failure opens it
for another `sleep_s`. Refused calls are not counted; else an open circuit would feed itself.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BreakerRule:
    """When a circuit opens and how long it stays so; the window is split into ten buckets."""

    window_s: float = 10.0
    volume: int = 10
    failed_ratio: float = 0.5
    sleep_s: float = 2.0


BUCKETS = 10


class CircuitBreaker:
    """The circuit to one service, as one process sees it."""

    __slots__ = ("_bucket", "_failed", "_ok", "_rule", "_trial_at", "is_open")

    def __init__(self, rule: BreakerRule) -> None:
        self._rule = rule
        self._ok = [0] * BUCKETS
        self._failed = [0] * BUCKETS
        self._bucket = 0
        self._trial_at = 0.0
        self.is_open = False

    def allows(self, now: float) -> bool:
        """Whether a call may go out; while open, one call per sleep window is let through.

        A trial that never reports (its caller went away) is followed by another one a sleep window
        later, so a circuit cannot stay open for ever.
        """
        if not self.is_open:
            return True
        if now < self._trial_at:
            return False
        self._trial_at = now + self._rule.sleep_s
        return True

    def record(self, now: float, *, ok: bool) -> None:
        """Count a call that ended, and open or close the circuit accordingly."""
        if self.is_open:
            if ok:
                self._close()
            return
        self._turn_to(now)
        place = self._bucket % BUCKETS
        (self._ok if ok else self._failed)[place] += 1
        if ok:
            return
        failed = sum(self._failed)
        total = failed + sum(self._ok)
        if total >= self._rule.volume and failed >= total * self._rule.failed_ratio:
            self.is_open = True
            self._trial_at = now + self._rule.sleep_s

    def _close(self) -> None:
        self.is_open = False
        self._ok = [0] * BUCKETS
        self._failed = [0] * BUCKETS

    def _turn_to(self, now: float) -> None:
        """Empty the buckets that the clock has passed since the last call."""
        bucket = int(now * BUCKETS / self._rule.window_s)
        for passed in range(max(self._bucket + 1, bucket - BUCKETS + 1), bucket + 1):
            self._ok[passed % BUCKETS] = 0
            self._failed[passed % BUCKETS] = 0
        self._bucket = max(self._bucket, bucket)
