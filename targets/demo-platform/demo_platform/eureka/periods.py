"""The original's periods, each divided by the platform's one time factor."""

from __future__ import annotations

from dataclasses import dataclass

from demo_platform.settings import TIME_FACTOR


@dataclass(frozen=True, slots=True)
class Periods:
    """All periods of servers and clients, in seconds; the defaults are the original's.

    window_s: over how long renewals are counted; "the last minute" of the original's pages.
    delta_s: how long a change is told to those who ask for changes only.
    cache_s: how old an answer about the whole registry, or an application, may be.
    """

    renewal_s: float = 30.0
    lease_s: float = 90.0
    eviction_s: float = 60.0
    window_s: float = 60.0
    fetch_s: float = 30.0
    cache_s: float = 30.0
    delta_s: float = 180.0

    def scaled(self, factor: float) -> Periods:
        """The same, `factor` times shorter."""
        return Periods(
            renewal_s=self.renewal_s / factor,
            lease_s=self.lease_s / factor,
            eviction_s=self.eviction_s / factor,
            window_s=self.window_s / factor,
            fetch_s=self.fetch_s / factor,
            cache_s=self.cache_s / factor,
            delta_s=self.delta_s / factor,
        )


ORIGINAL = Periods()
PERIODS = ORIGINAL.scaled(TIME_FACTOR)
