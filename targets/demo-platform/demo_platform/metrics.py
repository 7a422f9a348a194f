"""Counters, gauges and timers of one process: spectator's meters, sent once a step.

A series is made once, when its process starts, and has a line in every step, also while it is 0:
a ratio of two series is then a number from the first second on, not a gap, and a process that no
longer sends is one that is dead. Counters are added up here and sent as one line; a timer sends
each value, for the store makes percentiles of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, cast

from spectator.meter import counter as spectator_counter
from spectator.meter import gauge as spectator_gauge
from spectator.meter import percentile_timer as spectator_timer
from spectator.meter.meter_id import MeterId
from spectator.writer import Writer

from demo_platform.topology import InstanceSpec, cluster_of

if TYPE_CHECKING:
    from spectator.writer.new_writer import WriterUnion  # without writers of others, as ours

LINES_MAX = 3000
"""Of timers, in a step; values beyond are only counted."""


class _Step(Writer):
    """What meters have written since the step began."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def write(self, line: str) -> None:
        if len(self.lines) < LINES_MAX:
            self.lines.append(line)

    def close(self) -> None:
        self.lines.clear()


class Counter:
    """Events: `count` since the last step, `total` before that."""

    __slots__ = ("_meter", "_write", "_zero", "count", "total")

    def __init__(self, identity: MeterId, step: _Step) -> None:
        self.count: float = 0.0
        self.total: float = 0.0
        self._meter = spectator_counter.Counter(identity, cast("WriterUnion", step))
        self._write = step.write
        # The meter itself does not send a 0.
        self._zero = f"c:{identity.spectatord_id}:0"

    def add(self, amount: float = 1.0) -> None:
        """Count `amount` events."""
        self.count += amount

    def send(self) -> None:
        """Write the step's line; counting starts again from 0."""
        if self.count > 0:
            self._meter.increment(self.count)
            self.total += self.count
            self.count = 0.0
        else:
            self._write(self._zero)


class Timer:
    """How long events took: their number and the sum of their seconds; the store knows each."""

    __slots__ = ("_meter", "_sent", "_write", "_zero", "count", "total_s")

    def __init__(self, identity: MeterId, step: _Step) -> None:
        self.count = 0
        self.total_s = 0.0
        self._sent = 0
        self._meter = spectator_timer.PercentileTimer(identity, cast("WriterUnion", step))
        self._write = step.write
        # A timer that was idle has a count all the same: this line is added to its count.
        self._zero = f"c:{identity.with_tag('statistic', 'count').spectatord_id}:0"

    def record(self, seconds: float) -> None:
        """Note an event that took so long."""
        self.count += 1
        self.total_s += seconds
        self._meter.record(seconds)

    def send(self) -> None:
        """Write a line, if nothing was recorded since the last."""
        if self.count == self._sent:
            self._write(self._zero)
        self._sent = self.count


class _Gauge:
    """A value that is read once a step, and no more often: some tell what is new since then."""

    __slots__ = ("_meter", "_read", "_value")

    def __init__(self, identity: MeterId, step: _Step, read: Callable[[], float]) -> None:
        self._meter = spectator_gauge.Gauge(identity, cast("WriterUnion", step))
        self._read = read
        self._value: float | None = None

    def send(self) -> None:
        """Read, and write the step's line."""
        self._value = self._read()
        self._meter.set(self._value)

    def value(self) -> float:
        """As it was in the last step."""
        return self._read() if self._value is None else self._value


@dataclass(frozen=True, slots=True)
class Sample:
    """A series as it is now. kind: counter, gauge, or summary: a timer's count and seconds."""

    name: str
    tags: dict[str, str]
    kind: str
    value: float
    total_s: float = 0.0


class Meters:
    """All series of a process."""

    def __init__(self, common_tags: dict[str, str]) -> None:
        self.common_tags = common_tags
        self._step = _Step()
        self._counters: dict[str, Counter] = {}
        self._timers: dict[str, Timer] = {}
        self._gauges: dict[str, _Gauge] = {}
        self._identities: dict[str, tuple[str, dict[str, str]]] = {}

    def counter(self, name: str, **tags: str) -> Counter:
        """The counter with this name and these tags, made at the first call.

        A tag's dots are written as two underscores: ipc__result.
        """
        identity = self._identity(name, tags)
        key = identity.spectatord_id
        if key not in self._counters:
            self._counters[key] = Counter(identity, self._step)
        return self._counters[key]

    def gauge(self, name: str, read: Callable[[], float], **tags: str) -> None:
        """Send what `read` returns at each step."""
        identity = self._identity(name, tags)
        self._gauges[identity.spectatord_id] = _Gauge(identity, self._step, read)

    def timer(self, name: str, **tags: str) -> Timer:
        """The timer with this name and these tags, made at the first call."""
        identity = self._identity(name, tags)
        key = identity.spectatord_id
        if key not in self._timers:
            self._timers[key] = Timer(identity, self._step)
        return self._timers[key]

    def __len__(self) -> int:
        return len(self._counters) + len(self._gauges) + len(self._timers)

    def take(self) -> list[str]:
        """The step's lines, in spectatord's protocol: those of every step before timers' values."""
        recorded, self._step.lines = self._step.lines, []
        for counter in self._counters.values():
            counter.send()
        for gauge in self._gauges.values():
            gauge.send()
        for timer in self._timers.values():
            timer.send()
        lines, self._step.lines = self._step.lines, []
        return lines + recorded

    def samples(self) -> Iterator[Sample]:
        """Every series as it is now, counted from when the process started."""
        for key, counter in self._counters.items():
            yield Sample(*self._identities[key], "counter", counter.total + counter.count)
        for key, gauge in self._gauges.items():
            yield Sample(*self._identities[key], "gauge", gauge.value())
        for key, timer in self._timers.items():
            yield Sample(*self._identities[key], "summary", timer.count, timer.total_s)

    def _identity(self, name: str, tags: dict[str, str]) -> MeterId:
        own = {key.replace("__", "."): value for key, value in tags.items()}
        identity = MeterId(name, {**self.common_tags, **own})
        self._identities[identity.spectatord_id] = name, own
        return identity


def common_tags(spec: InstanceSpec) -> dict[str, str]:
    """The tags that every series of an instance carries."""
    return {
        "nf.app": spec.service,
        "nf.cluster": cluster_of(spec.group),
        "nf.asg": spec.group,
        "nf.region": spec.region,
        "nf.zone": spec.zone,
        "nf.node": spec.id,
    }


SERVER_CALL = "ipc.server.call"


class Ipc(StrEnum):
    """How a request ended, in the words of Netflix' IPC metrics (`ipc.status`)."""

    SUCCESS = "success"
    BAD_REQUEST = "bad_request"
    THROTTLED = "throttled"
    UNEXPECTED_ERROR = "unexpected_error"
    CANCELLED = "cancelled"


def ipc_result(*, is_success: bool) -> str:
    """The tag `ipc.result`."""
    return "success" if is_success else "failure"


def server_calls(meters: Meters) -> dict[Ipc, Timer]:
    """The timers of what a service is asked, by how it ended."""
    return {status: meters.timer(SERVER_CALL, **_server_tags(status)) for status in Ipc}


def counted_calls(meters: Meters) -> dict[Ipc, Counter]:
    """The same of a node whose answers take no time worth telling: its count only."""
    return {
        status: meters.counter(SERVER_CALL, statistic="count", **_server_tags(status))
        for status in (Ipc.SUCCESS, Ipc.BAD_REQUEST)
    }


def _server_tags(status: Ipc) -> dict[str, str]:
    is_success = status is Ipc.SUCCESS
    return {"ipc__result": ipc_result(is_success=is_success), "ipc__status": status.value}


CLIENT_CALL = "ipc.client.call"
ATTEMPTS = ("initial", "second", "third_up")


class ClientCalls:
    """`ipc.client.call` of one service that is called: each attempt, by whether it succeeded.

    Its statistic is the count only: how long the service took, the service itself tells.
    """

    def __init__(self, meters: Meters, vip: str) -> None:
        self._counters = {
            is_success: tuple(
                meters.counter(
                    CLIENT_CALL,
                    ipc__attempt=attempt,
                    ipc__result=ipc_result(is_success=is_success),
                    ipc__vip=vip,
                    statistic="count",
                )
                for attempt in ATTEMPTS
            )
            for is_success in (True, False)
        }

    def note(self, attempt: int, *, is_success: bool) -> None:
        """Count an attempt. attempt: how many there were before it."""
        self._counters[is_success][min(attempt, len(ATTEMPTS) - 1)].add()
