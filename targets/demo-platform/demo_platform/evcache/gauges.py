"""What a cache's client publishes.

| evcache.client.reads | per second, by zone and result; hits over all is the hit ratio |
| evcache.client.latency | how long reads took, those of another zone included |
| evcache.client.writes | per second, by zone, and whether the zone has the write |
| evcache.client.fixups | entries that a zone may hold a wrong value of |
| evcache.client.fixed, .poisoned | entries fixed up, and deleted as no value, per second |
"""

from __future__ import annotations

from collections.abc import Iterable, Sized

from demo_platform.metrics import Counter, Meters

RESULTS = ("hit", "miss", "timed-out", "failed", "fast-fail")


class ClientMeters:
    """The series of one client; those of its region's zones are there from the first second on."""

    def __init__(self, meters: Meters, zones: Iterable[str]) -> None:
        self._meters = meters
        self._reads: dict[tuple[str, str], Counter] = {}
        self._writes: dict[tuple[str, bool], Counter] = {}
        self.latency = meters.timer("evcache.client.latency")
        self.fixed = meters.counter("evcache.client.fixed")
        self.poisoned = meters.counter("evcache.client.poisoned")
        for zone in zones:
            for result in RESULTS:
                self.read(zone, result, 0)
            for is_good in (True, False):
                self.write(zone, is_good=is_good, count=0)

    def read(self, zone: str, result: str, count: int) -> None:
        """Count reads of a zone that ended in the same way."""
        counter = self._reads.get((zone, result))
        if counter is None:
            counter = self._meters.counter("evcache.client.reads", zone=zone, result=result)
            self._reads[zone, result] = counter
        counter.add(count)

    def write(self, zone: str, *, is_good: bool, count: int = 1) -> None:
        """Count a write of any kind to a zone."""
        counter = self._writes.get((zone, is_good))
        if counter is None:
            result = "ok" if is_good else "failed"
            counter = self._meters.counter("evcache.client.writes", zone=zone, result=result)
            self._writes[zone, is_good] = counter
        counter.add(count)

    def watch(self, fix_ups: Sized) -> None:
        """Publish how many entries there are to fix up."""
        self._meters.gauge("evcache.client.fixups", lambda: float(len(fix_ups)))
