"""Counters, gauges and timers of one process, and the body in which they are published each second.

A series is made once, when its process starts, and is published from then on even while it is 0:
a ratio of two series is then a number from the first second on, not a gap. What does not change
from second to second, which is nearly everything, is encoded once. A timer is a counter for each
bucket of time that something took; those buckets alone come and go.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from demo_platform.topology import InstanceSpec

BUCKETS = 276
"""Of a timer, as the store knows them."""

IDLE_STEPS_MAX = 10


class Counter:
    """Events since the last body was taken."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count: float = 0.0

    def add(self, amount: float = 1.0) -> None:
        """Count `amount` events."""
        self.count += amount


class Timer:
    """How long events took, counted in the buckets of Atlas' percentile timers.

    A bucket is published from its first event on until it has had none for IDLE_STEPS_MAX steps:
    where one is missing now and then, the means of longer steps would be too high.
    """

    __slots__ = ("counts", "idle_steps")

    def __init__(self) -> None:
        self.counts: dict[int, float] = {}
        self.idle_steps: dict[int, int] = {}

    def record(self, seconds: float) -> None:
        """Count an event that took so long."""
        bucket = bucket_of(int(seconds * 1e9))
        self.counts[bucket] = self.counts.get(bucket, 0.0) + 1.0

    def take(self) -> dict[int, float]:
        """Events by bucket; counting starts again from 0."""
        taken = self.counts
        self.idle_steps = {
            bucket: 0 if count else self.idle_steps.get(bucket, 0) + 1
            for bucket, count in taken.items()
        }
        self.counts = {b: 0.0 for b, steps in self.idle_steps.items() if steps < IDLE_STEPS_MAX}
        return taken


class Meters:
    """All series of a process."""

    def __init__(self, common_tags: dict[str, str]) -> None:
        self._head = b'{"tags":' + msgspec.json.encode(common_tags) + b',"metrics":['
        self._counters: dict[bytes, Counter] = {}
        self._gauges: dict[bytes, Callable[[], float]] = {}
        self._timers: dict[str, Timer] = {}
        self._buckets: dict[tuple[str, int], bytes] = {}

    def counter(self, name: str, **tags: str) -> Counter:
        """The counter with this name and these tags, made at the first call; published per s."""
        return self._counters.setdefault(_series(name, "rate", tags), Counter())

    def gauge(self, name: str, read: Callable[[], float], **tags: str) -> None:
        """Publish what `read` returns at each step."""
        self._gauges[_series(name, "gauge", tags)] = read

    def timer(self, name: str) -> Timer:
        """The timer with this name, made at the first call."""
        return self._timers.setdefault(name, Timer())

    def __len__(self) -> int:
        return len(self._counters) + len(self._gauges)

    def take(self, *, timestamp_ms: int, span_s: float) -> bytes:
        """The body for a step, in Atlas' publish format; counting starts again from 0.

        span_s: how long the events were counted for; a rate is their number over it.
        """
        stamp = b',"timestamp":%d,"value":' % timestamp_ms
        parts: list[bytes] = []
        for series, counter in self._counters.items():
            parts.append(series + stamp + _number(counter.count / span_s))
            counter.count = 0.0
        for series, read in self._gauges.items():
            parts.append(series + stamp + _number(read()))
        for name, timer in self._timers.items():
            for bucket, count in timer.take().items():
                parts.append(self._bucket(name, bucket) + stamp + _number(count / span_s))
        return self._head + b"},".join(parts) + (b"}]}" if parts else b"]}")

    def _bucket(self, name: str, bucket: int) -> bytes:
        """The series of a timer's bucket, encoded once; there are at most some hundred."""
        if (name, bucket) not in self._buckets:
            tags = {"statistic": "percentile", "percentile": f"T{bucket:04X}"}
            self._buckets[name, bucket] = _series(name, "rate", tags)
        return self._buckets[name, bucket]


def bucket_of(nanoseconds: int) -> int:
    """The number of the bucket: nine to each power of four, of equal width; below 16 one each.

    >>> [bucket_of(n) for n in (0, 15, 16, 21, 5_000_000, 100_000_000)]
    [0, 15, 15, 16, 96, 115]
    """
    if nanoseconds < 16:
        return max(0, nanoseconds)
    power_of_four = (nanoseconds.bit_length() - 1) // 2
    power = 1 << 2 * power_of_four
    steps = (nanoseconds - power) // (power // 3)
    return min(15 + 9 * (power_of_four - 2) + steps, BUCKETS - 1)


def common_tags(spec: InstanceSpec) -> dict[str, str]:
    """The tags that every series of an instance carries."""
    return {
        "nf.app": spec.service,
        "nf.cluster": f"{spec.service}-{spec.region}",
        "nf.asg": spec.group,
        "nf.region": spec.region,
        "nf.zone": spec.zone,
        "nf.node": spec.id,
    }


def _series(name: str, dstype: str, tags: dict[str, str]) -> bytes:
    every = {"name": name, "atlas.dstype": dstype, **dict(sorted(tags.items()))}
    return b'{"tags":' + msgspec.json.encode(every)


def _number(value: float) -> bytes:
    return repr(float(value)).encode()
