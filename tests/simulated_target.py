"""A simulated world: instances, store, watchdog and clock, all in virtual time.

A whole run takes milliseconds. Time moves only when the run waits, or when something simulated
says that it takes time. What happens meanwhile is put on a timeline with `world.at(seconds, what)`.
"""

from __future__ import annotations

import heapq
import io
import itertools
import math
import random
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chaosctl.context import Context, Inbox, Reply, SignalCame, Work
from chaosctl.engine.session import Order
from monkeys.errors import TargetFailed
from monkeys.target import (
    Capability,
    Echoes,
    Instance,
    Lack,
    ProcessState,
    Resolution,
    Resource,
    UndoRecord,
    Usage,
)
from tests.simulated_readings import cuts, echoes_told, resolution_told, serving_told, usage_told
from tests.simulated_watchdog import SimulatedWatchdog

EPOCH_MS = 1_772_000_000_300  # not on the edge of a step
FOREVER = math.inf


class VirtualTime:
    """A clock, the timeline of what will happen, and the inbox that waiting happens on."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self._timeline: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._messages: deque[object] = deque()
        self._background_s: float | None = None

    def at(self, when_s: float, what: Callable[[], None]) -> None:
        heapq.heappush(self._timeline, (when_s, next(self._numbers), what))

    def now_ms(self) -> int:
        return EPOCH_MS + round(self.now_s * 1000)

    def spend(self, seconds: float) -> None:
        """Something simulated takes so long: in the background, or while the run waits for it."""
        if self._background_s is not None:
            self._background_s += seconds
        else:
            self.advance_to(self.now_s + seconds)

    def advance_to(self, when_s: float) -> None:
        while self._timeline and self._timeline[0][0] <= when_s:
            due_s, _, what = heapq.heappop(self._timeline)
            self.now_s = max(self.now_s, due_s)
            what()
        self.now_s = max(self.now_s, when_s)

    def in_background(self, work: Work, reply: Reply) -> None:
        assert self._background_s is None, "background work may not start more of it"
        self._background_s = 0.001
        try:
            value = work()
        except Exception as error:  # noqa: BLE001 - carried, as the real one carries it
            value = error
        took_s, self._background_s = self._background_s, None
        if took_s < FOREVER:
            self.at(self.now_s + took_s, lambda: reply(value))

    # The inbox.
    def put(self, message: object) -> None:
        self._messages.append(message)

    def get(self, timeout_s: float) -> object | None:
        until_s = self.now_s + max(0.0, timeout_s)
        while not self._messages:
            if not self._timeline or self._timeline[0][0] > until_s:
                if timeout_s > 0:
                    self.now_s = until_s + 0.001  # a wait is never quite exact
                break
            self.advance_to(self._timeline[0][0])
        return self._messages.popleft() if self._messages else None


class SimulatedSignals:
    """Signals that come when the timeline says so."""

    def __init__(self) -> None:
        self.inbox: Inbox | None = None

    def deliver_to(self, inbox: Inbox) -> None:
        self.inbox = inbox

    def restore(self) -> None:
        self.inbox = None

    @contextmanager
    def interrupting(self) -> Iterator[None]:
        yield

    def send(self, number: int) -> None:
        if self.inbox is not None:
            self.inbox.put(SignalCame(number))


def make_instances(zones: int = 2, services: Sequence[str] = ("api", "edge")) -> list[Instance]:
    """Two of each service in each zone of one region."""
    return [
        Instance(
            id=f"i-{zone}{number}{service}",
            service=service,
            group=f"{service}-us-east-1",
            region="us-east-1",
            zone=f"us-east-1{'abcdef'[zone]}",
            address=f"10.1.{zone}.{number}",
        )
        for zone in range(zones)
        for service in services
        for number in range(2)
    ]


@dataclass(slots=True)
class SimulatedTarget:
    """Instances that can be killed, stopped, cut and delayed, and that can resist.

    is_deaf: inject does nothing. undo_failures: how many undos fail before they work.
    """

    time: VirtualTime
    population: list[Instance] = field(default_factory=make_instances)
    name: str = "demo"
    id: str = "simulated"
    in_force: dict[str, UndoRecord] = field(default_factory=dict)
    log: list[tuple[str, str]] = field(default_factory=list)
    is_deaf: bool = False
    inject_error: str = ""
    inject_takes_s: float = 0.01
    undo_takes_s: float = 0.01
    undo_failures: float = 0
    lacking: frozenset[Capability] = frozenset()
    killed: set[str] = field(default_factory=set)
    flushed: list[str] = field(default_factory=list)
    hits: list[tuple[int, float]] = field(default_factory=list)
    per_second: float = 30.0

    def instances(self) -> Sequence[Instance]:
        return [i for i in self.population if i.id not in self.killed]

    def lacks(self, capability: Capability) -> Lack | None:
        if capability in self.lacking:
            return Lack(f"no {capability} in a simulation", "do it for real")
        return None

    def state(self, instance: Instance) -> ProcessState:
        if instance.id in self.killed:
            return ProcessState.GONE
        is_stopped = any(
            r.mechanism == "signal" and r.detail["signal"] == "SIGSTOP" and _hits(r, instance)
            for r in self.in_force.values()
        )
        return ProcessState.STOPPED if is_stopped else ProcessState.RUNNING

    def probe(
        self,
        instances: Sequence[Instance],
        *,
        origin: Instance | None = None,
        timeout_ms: int = 200,
    ) -> Mapping[str, float | None]:
        answers = {i.id: self._round_trip_ms(i, origin) for i in instances}
        slowest = max(timeout_ms if a is None else a for a in answers.values())
        self.time.spend(min(slowest, timeout_ms) / 1000)
        return {i: a if a is not None and a <= timeout_ms else None for i, a in answers.items()}

    def echo(
        self, instances: Sequence[Instance], *, count: int, size_bytes: int, timeout_ms: int
    ) -> Mapping[str, Echoes]:
        self.time.spend(0.05)
        none = {"loss_ratio": 1.0}
        return {
            i.id: echoes_told(
                none if i.id in self.killed else self._told(i, "splice"), count, size_bytes
            )
            for i in instances
        }

    def usage(self, instances: Sequence[Instance], resource: Resource) -> Mapping[str, Usage]:
        return {
            i.id: usage_told(self._told(i, "throttle", "limit", "disk"), resource)
            for i in instances
            if i.id not in self.killed
        }

    def flush_counts(self, instances: Sequence[Instance]) -> Mapping[str, int]:
        return {i.id: self.flushed.count(i.id) for i in instances}

    def clocks(self, instances: Sequence[Instance]) -> Mapping[str, float | None]:
        return {
            i.id: float(self._told(i, "clock").get("offset_s", 0.0))
            for i in instances
            if i.id not in self.killed
        }

    def resolve(self, instances: Sequence[Instance]) -> Mapping[str, Resolution]:
        found = {i.id: resolution_told(self._told(i, "dns")) for i in instances}
        self.time.spend(max(one.took_ms for one in found.values()) / 1000)
        return found

    def asked_per_second(self, instances: Sequence[Instance]) -> Mapping[str, float | None]:
        self.time.spend(0.6)
        living = [i for i in instances if i.id not in self.killed]
        return {i.id: 5.0 + self._told(i, "press").get("per_second", 0.0) for i in living}

    def kept_per_second(self, instances: Sequence[Instance]) -> Mapping[str, float | None]:
        living = [i for i in instances if i.id not in self.killed]
        return {i.id: 0.0 if self._told(i, "evacuation") else 40.0 for i in living}

    def serving(self, instances: Sequence[Instance], build: str) -> Mapping[str, Any]:
        living = [i for i in instances if i.id not in self.killed]
        return serving_told(living, build, lambda i: self._told(i, "deployment"))

    def inject(self, record: UndoRecord) -> None:
        self.log.append(("inject", record.id))
        self.time.spend(self.inject_takes_s)
        if self.inject_error:
            raise TargetFailed(self.inject_error, where="simulated", fix="try again")
        if self.is_deaf:
            return
        if record.mechanism == "termination" or record.detail.get("signal") == "SIGKILL":
            self.killed |= {i.id for i in record.instances}
        if record.mechanism == "flush":
            self.flushed += [i.id for i in record.instances]
        if record.mechanism == "traffic":
            self.per_second = record.detail["per_second"]
        self.in_force[record.id] = record
        self.hits.append((self.time.now_ms(), FOREVER))

    def undo(self, record: UndoRecord) -> None:
        self.log.append(("undo", record.id))
        self.time.spend(self.undo_takes_s)
        if self.undo_failures > 0:
            self.undo_failures -= 1
            raise TargetFailed("it will not let go", where="simulated", fix="ask again")
        if self.in_force.pop(record.id, None) and record.mechanism == "traffic":
            self.per_second = record.detail["usual_per_second"]
        if self.in_force:
            return  # of several, the last one ends it
        now_ms = self.time.now_ms()
        self.hits = [(start, min(end, now_ms)) for start, end in self.hits]

    def offered_per_second(self) -> float:
        return self.per_second

    def prepare_load(self, times: float, record_id: str) -> UndoRecord:
        detail = {"per_second": self.per_second * times, "usual_per_second": self.per_second}
        return UndoRecord(record_id, "load", self.name, "traffic", detail=detail)

    def was_hit_at(self, at_ms: float) -> bool:
        return any(start <= at_ms < end for start, end in self.hits)

    def _round_trip_ms(self, instance: Instance, origin: Instance | None) -> float | None:
        if instance.id in self.killed:
            return None
        here = [r for r in self.in_force.values() if _hits(r, instance)]
        if any(r.mechanism == "nft" and cuts(r, origin) for r in here):
            return None
        return 1.0 + sum(r.detail.get("delay_ms", 0) for r in here if r.mechanism == "splice")

    def _told(self, instance: Instance, *mechanisms: str) -> dict[str, Any]:
        here = [r for r in self.in_force.values() if _hits(r, instance)]
        return {k: v for r in here if r.mechanism in mechanisms for k, v in r.detail.items()}


@dataclass(slots=True)
class SimulatedStore:
    """Answers each query with what `values` says; can be slow, dead or silent from a moment on.

    values: query to a function of (step end in ms, whether the fault was in); NaN is no data.
    """

    target: SimulatedTarget
    values: dict[str, Callable[[int, bool], float]] = field(default_factory=dict)
    takes_s: float = 0.02
    error: Exception | None = None
    has_data: bool = True
    silent_from_ms: int = 1 << 60

    def fetch(
        self, queries: Sequence[str], start_ms: int, end_ms: int, timeout_s: float
    ) -> Mapping[str, Mapping[int, float]]:
        self.target.time.spend(self.takes_s)
        if self.error is not None:
            raise self.error
        answers = {}
        for query in queries:
            value = self.values.get(query, lambda _end, _hit: 1.0)
            series = {
                end: value(end, self.target.was_hit_at(end - 500))
                for end in range(start_ms // 1000 * 1000 + 1000, end_ms + 1, 1000)
                if end < self.silent_from_ms
            }
            answers[query] = {e: v for e, v in series.items() if not math.isnan(v)}
        return answers


class SimulatedWorld:
    """All of it, for one run."""

    def __init__(self, folder: Path, *, instances: list[Instance] | None = None) -> None:
        self.time = VirtualTime()
        self.signals = SimulatedSignals()
        self.target = SimulatedTarget(self.time, instances or make_instances())
        self.store = SimulatedStore(self.target)
        self.watchdogs: list[SimulatedWatchdog] = []
        self.events: list[dict[str, Any]] = []
        self.context = Context(
            env={
                "CHAOSCTL_STATE_DIR": str(folder / "state"),
                "CHAOSCTL_LOCK_DIR": str(folder / "locks"),
                "CHAOSCTL_RUNTIME_DIR": str(folder / "runtime"),
            },
            now_ms=self.time.now_ms,
            monotonic=lambda: self.time.now_s,
            sleep=self.time.spend,
            make_inbox=lambda: self.time,
            in_background=self.time.in_background,
            signals=self.signals,
            rng=random.Random(4711),
            stdin=io.StringIO(),
            stdout=io.StringIO(),
            stderr=io.StringIO(),
        )

    def at(self, when_s: float, what: Callable[[], None]) -> None:
        """Have something happen so many seconds after the start of the run."""
        self.time.at(when_s, what)

    def at_event(self, name: str, what: Callable[[], None], *, after_s: float = 0.0) -> None:
        """Have something happen once the run has told this event, the first time."""
        self._waiting = [*getattr(self, "_waiting", []), (name, after_s, what)]

    def listen(self, event: Mapping[str, Any]) -> None:
        self.events.append(dict(event))
        for one in list(getattr(self, "_waiting", [])):
            name, after_s, what = one
            if name == event["event"]:
                self._waiting.remove(one)
                self.time.at(self.time.now_s + after_s, what)

    def start_watchdog(self, _folder: Path, _lock: int, inbox: Inbox) -> SimulatedWatchdog:
        self.watchdogs.append(SimulatedWatchdog(inbox))
        return self.watchdogs[-1]

    def attend(self, _folder: Path, put: Callable[[Order], None]) -> None:
        self._put_order = put

    def stop_fault(self) -> None:
        """A person at the keyboard wants the fault out."""
        self._put_order(Order.STOP_FAULT)

    def told(self, name: str) -> list[dict[str, Any]]:
        """Every event of this name."""
        return [e for e in self.events if e["event"] == name]


def _hits(record: UndoRecord, instance: Instance) -> bool:
    return instance.id in {i.id for i in record.instances}
