"""What the store publishes.

| cassandra.client.requests | per second, by verb, consistency and how they ended |
| cassandra.client.read.latency, .write.latency | timers, as services saw it |
| cassandra.node.rows… | see NodeMeters |
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from demo_platform.metrics import Counter, Meters
from demo_platform.widecolumn.consistency import Consistency
from demo_platform.widecolumn.disk import DiskFailed
from demo_platform.widecolumn.node import StoreNode
from demo_platform.widecolumn.refusals import Kind

OK = "ok"
LEVEL_IN_USE = Consistency.LOCAL_ONE
"""Its reads are there from the first second on, all else from its first use."""


class ClientMeters:
    """The series of one client."""

    def __init__(self, meters: Meters) -> None:
        self._meters = meters
        self._counters: dict[tuple[str, Consistency, str], Counter] = {}
        self.latency = {
            verb: meters.timer(f"cassandra.client.{verb}.latency") for verb in ("read", "write")
        }
        for result in (OK, *Kind):
            self._counter("read", LEVEL_IN_USE, result)

    def count(self, verb: str, level: Consistency, refused: Kind | None) -> None:
        """Count a request that has ended; refused: None when it went well."""
        self._counter(verb, level, refused or OK).add()

    def _counter(self, verb: str, level: Consistency, result: str) -> Counter:
        key = (verb, level, result)
        if key not in self._counters:
            self._counters[key] = self._meters.counter(
                "cassandra.client.requests", verb=verb, consistency=level, result=result
            )
        return self._counters[key]


def publish(node: StoreNode, meters: Meters) -> None:
    """Have a node's state published from now on."""
    tally, hints, replica = node.coordinator.tally, node.hints, node.replica

    def size_bytes() -> float:
        try:
            return float(replica.disk.size_bytes())
        except DiskFailed:
            return float("nan")

    for name, read in {
        "cassandra.node.bytes": size_bytes,
        "cassandra.node.hints": lambda: float(len(hints)),
        "cassandra.node.inFlight": lambda: float(node.in_flight),
        "cassandra.node.up": lambda: float(up_count(node)),
        "cassandra.node.streamed": lambda: float(node.streamed),
    }.items():
        meters.gauge(name, read)
    for name, total in {
        "cassandra.node.hinted": lambda: tally.hinted,
        "cassandra.node.hintsTold": lambda: node.hints_told,
        "cassandra.node.hintsDropped": lambda: hints.dropped,
        "cassandra.node.speculated": lambda: tally.speculated,
        "cassandra.node.mismatches": lambda: tally.mismatches,
        "cassandra.node.repaired": lambda: tally.repaired,
        "cassandra.node.shed": lambda: replica.sheds,
        "cassandra.node.diskFailures": lambda: replica.disk_failures,
    }.items():
        meters.gauge(name, Growth(total).read)
    for kind in (Kind.UNAVAILABLE, Kind.READ_TIMEOUT, Kind.WRITE_TIMEOUT, Kind.WRITE_FAILURE):
        meters.gauge(
            "cassandra.node.refused",
            Growth(partial(tally.refused.__getitem__, kind)).read,
            result=kind,
        )


def up_count(node: StoreNode) -> int:
    """Nodes that this one believes to be up, itself among them."""
    now = node.now()
    return sum(node.membership.is_up(one.name, now) for one in node.membership.states())


class Growth:
    """How much a total has grown since it was last read, which is once a second."""

    def __init__(self, total: Callable[[], int]) -> None:
        self._total = total
        self._before = 0

    def read(self) -> float:
        """Since last time."""
        before, self._before = self._before, self._total()
        return float(max(0, self._before - before))
