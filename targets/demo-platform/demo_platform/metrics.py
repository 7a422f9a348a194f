"""Counters and gauges of one process, and the body in which they are published each second.

A series is made once, when its process starts, and is published from then on even while it is 0:
a ratio of two series is then a number from the first second on, not a gap. What does not change
from second to second, which is nearly everything, is encoded once.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from demo_platform.topology import InstanceSpec


class Counter:
    """Events since the last body was taken."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count: float = 0.0

    def add(self, amount: float = 1.0) -> None:
        """Count `amount` events."""
        self.count += amount


class Meters:
    """All series of a process."""

    def __init__(self, common_tags: dict[str, str]) -> None:
        self._head = b'{"tags":' + msgspec.json.encode(common_tags) + b',"metrics":['
        self._counters: dict[bytes, Counter] = {}
        self._gauges: dict[bytes, Callable[[], float]] = {}

    def counter(self, name: str, **tags: str) -> Counter:
        """The counter with this name and these tags, made at the first call; published per s."""
        return self._counters.setdefault(_series(name, "rate", tags), Counter())

    def gauge(self, name: str, read: Callable[[], float], **tags: str) -> None:
        """Publish what `read` returns at each step."""
        self._gauges[_series(name, "gauge", tags)] = read

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
        return self._head + b"},".join(parts) + (b"}]}" if parts else b"]}")


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
