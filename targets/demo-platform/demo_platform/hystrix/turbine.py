"""Turbine: the streams of a cluster's instances as one. Pure.

Frames of the same type and name are added up, field by field: numbers by sum, everything else
agrees or becomes a count by value. `reportingHosts` says how many there were, and a dashboard
divides by it what it shows as a mean. So that this division gives the mean over all calls, not
over all instances, the latencies and the error percentage enter the sum by the number of requests.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from demo_platform.hystrix.frames import Frame

_BY_REQUESTS = ("latencyExecute_mean", "latencyTotal_mean", "errorPercentage")


class Cluster:
    """The last frames of each instance."""

    def __init__(self) -> None:
        self._frames: dict[tuple[str, str], dict[str, Frame]] = {}

    def note(self, instance_id: str, frame: Frame) -> None:
        """Take a frame in, in place of the instance's last one of that type and name."""
        key = str(frame["type"]), str(frame["name"])
        self._frames.setdefault(key, {})[instance_id] = frame

    def forget(self, instance_id: str) -> None:
        """Leave an instance out that can be heard no more."""
        for of_instances in self._frames.values():
            of_instances.pop(instance_id, None)
        self._frames = {key: frames for key, frames in self._frames.items() if frames}

    def frames(self, *, wall_ms: int) -> Iterator[Frame]:
        """The sums, as they are now."""
        for of_instances in self._frames.values():
            yield merge(list(of_instances.values())) | {"currentTime": wall_ms}


def merge(frames: Sequence[Frame]) -> Frame:
    """One frame of several of the same type and name.

    >>> merge([{"requestCount": 2, "open": True}, {"requestCount": 3, "open": True}])
    {'requestCount': 5, 'open': True}
    >>> merge([{"open": True}, {"open": False}, {"open": False}])
    {'open': {'true': 1, 'false': 2}}
    """
    weights = [_number(frame.get("requestCount")) for frame in frames]
    if not any(weights):
        weights = [1] * len(frames)
    return {
        name: _merged(name, [frame.get(name) for frame in frames], weights) for name in frames[0]
    }


def _merged(name: str, values: list[object], weights: list[int]) -> object:
    if name in _BY_REQUESTS:
        return _weighted(values, weights)
    if isinstance(values[0], dict):
        return {
            key: _weighted([one.get(key) for one in values if isinstance(one, dict)], weights)
            for key in values[0]
        }
    if all(isinstance(value, int) and not isinstance(value, bool) for value in values):
        return sum(map(_number, values))
    counts = Counter(_text(value) for value in values)
    return values[0] if len(counts) == 1 else dict(counts)


def _weighted(values: list[object], weights: list[int]) -> int:
    """As many times the weighted mean as there are values."""
    pairs = zip(values, weights, strict=True)
    total = sum(_number(value) * weight for value, weight in pairs)
    return round(total * len(values) / sum(weights))


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
