"""What a monkey knows of the world: instances, what can be done to them, and how it is undone.

Drivers implement `Target`; faults are written against it. Standard library only.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Protocol

SCHEMA = 1
"""Version of the undo record on disk; a newer one is refused, an older one is still understood."""


class Capability(StrEnum):
    """One ability of a target; a fault names those it needs."""

    SIGNAL = "signal"  # send a signal to an instance's process and read its state
    PROBE = "probe"  # connect to an instance over its network and time it
    CUT = "cut"  # drop an instance's packets, by peer prefix
    DELAY = "delay"  # hold, lose or change an instance's packets, on open connections too
    SUSPEND = "suspend"  # keep the scaling group from replacing what dies
    LIMIT = "limit"  # lower what a process may have of memory and files
    DISK = "disk"  # fill an instance's disk
    CACHE = "cache"  # tell cache nodes to forget
    CLOCK = "clock"  # set the time of day of a process
    LOAD = "load"  # offer more traffic than usual, or less
    EVACUATE = "evacuate"  # move the members of a region to another one
    NAMES = "names"  # answer wrongly, late or not at all what an instance asks of DNS
    DEPLOY = "deploy"  # bring out another build of a service beside the one that serves


class ProcessState(StrEnum):
    """What the operating system says of an instance's process."""

    RUNNING = "running"
    STOPPED = "stopped"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Instance:
    """One instance of a service, frozen by its immutable id.

    `handle` is the driver's own (process id and start time, container id, …); monkeys pass it on.
    """

    id: str
    service: str
    group: str
    region: str
    zone: str
    address: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    handle: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class UndoRecord:
    """How to take one injected thing back, complete in itself; on disk before the injection.

    id: unique on the machine; what is made at the target carries it, so that undo takes back only
        its own.
    mechanism: which of the driver's ways was used; `detail` is that mechanism's own.
    deadline_ms: epoch ms at which the target lets go by itself; 0 where it cannot.
    """

    id: str
    fault: str
    driver: str
    mechanism: str
    instances: tuple[Instance, ...] = ()
    deadline_ms: int = 0
    detail: Mapping[str, Any] = field(default_factory=dict)
    schema: int = SCHEMA

    def as_json(self) -> dict[str, Any]:
        """This record as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> UndoRecord:
        """The record that `as_json` wrote. Raises ValueError for a newer schema."""
        if int(data["schema"]) > SCHEMA:
            raise ValueError(
                f"undo record has schema {data['schema']}, this version knows {SCHEMA}"
            )
        fields = dict(data)
        fields["instances"] = tuple(Instance(**i) for i in data["instances"])
        return cls(**fields)


@dataclass(frozen=True, slots=True)
class Lack:
    """Why a target cannot do something, and what would help."""

    what: str
    fix: str


class Resource(StrEnum):
    """What a process can have too little of."""

    CPU = "cpu"  # used: the share of the time for which it is kept from it, of 1
    DISK = "disk"  # bytes
    FILES = "files"  # open files and sockets
    MEMORY = "memory"  # bytes of address space


@dataclass(frozen=True, slots=True)
class Usage:
    """How much of a resource is used, and how much may be; infinity where there is no limit."""

    used: float
    limit: float


@dataclass(frozen=True, slots=True)
class Echoes:
    """What came back of so many echo requests (ICMP) to one instance, in took_ms.

    answered: requests with at least one good answer; duplicated: further answers to them;
    overtaken: answers that came after one to a later request; corrupted: answers that are not what
    was sent. size_bytes: of each, with its headers.
    """

    sent: int
    size_bytes: int
    answered: int = 0
    duplicated: int = 0
    overtaken: int = 0
    corrupted: int = 0
    took_ms: float = 0.0


class Answer(StrEnum):
    """What came of looking up a name that there is."""

    ADDRESS = "address"
    NO_NAME = "no name"
    NONE = "none"  # nobody said anything of use


@dataclass(frozen=True, slots=True)
class Resolution:
    """What came of looking up a name, and how long that took."""

    answer: Answer
    took_ms: float


@dataclass(frozen=True, slots=True)
class Serving:
    """How some instances of a service serve, all together and since they were started.

    living: whose processes are there; listed: of those, whom discovery says are up; asked: of the
    listed, who has been asked something. answer_ms: mean; wrong_ratio: share of requests that it
    failed; memory_mib: mean of what each has for itself. None where nobody says.
    """

    living: int = 0
    listed: int = 0
    asked: int = 0
    answer_ms: float | None = None
    wrong_ratio: float | None = None
    memory_mib: float | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What the target itself said of one instance when it was looked at.

    state: of its process; missed: unanswered probes in a row; round_trip_ms: of the last answered
    probe, None if it was not answered or not asked; per_second: traffic that is offered, asked
    for, or answered; echoes: of a burst of requests, None if none was sent; usage: of the resource
    that was asked about; flushed: how often a cache node was; ahead_s: of our clock, the one that
    it tells the time by; resolution: of a name, None if none was looked up; usual: how those of its
    group serve that were asked about; flawed: how the instances of a flawed build beside them do.
    """

    state: ProcessState | None = None
    missed: int = 0
    round_trip_ms: float | None = None
    per_second: float | None = None
    echoes: Echoes | None = None
    usage: Usage | None = None
    flushed: int | None = None
    ahead_s: float | None = None
    resolution: Resolution | None = None
    usual: Serving | None = None
    flawed: Serving | None = None


class Target(Protocol):
    """What can be asked of, and done to, the thing that is broken. Implemented by drivers.

    inject and undo are idempotent and bounded in time; both raise MonkeyError kinds. undo needs
    nothing but the record, treats a vanished instance as undone, and takes back only its own.
    """

    name: str

    @property
    def id(self) -> str:
        """Immutable id of this target as a whole; locks are taken on it."""

    def instances(self) -> Sequence[Instance]:
        """Every live instance now, in a stable order."""

    def lacks(self, capability: Capability) -> Lack | None:
        """None if the target has the capability here and now."""

    def state(self, instance: Instance) -> ProcessState:
        """State of the instance's own process (never of a later one with the same number)."""

    def probe(
        self,
        instances: Sequence[Instance],
        *,
        origin: Instance | None = None,
        timeout_ms: int = 200,
    ) -> Mapping[str, float | None]:
        """Round trip in ms to each instance's port by id, None if not answered in time.

        From the world's own network, or from the place of `origin`.
        """

    def echo(
        self, instances: Sequence[Instance], *, count: int, size_bytes: int, timeout_ms: int
    ) -> Mapping[str, Echoes]:
        """What comes back of count echo requests to each instance, sent in one burst."""

    def usage(self, instances: Sequence[Instance], resource: Resource) -> Mapping[str, Usage]:
        """What each living process has of a resource and may have, as the kernel says."""

    def flush_counts(self, instances: Sequence[Instance]) -> Mapping[str, int]:
        """How often each cache node has been flushed. Raises TargetFailed if one is none."""

    def clocks(self, instances: Sequence[Instance]) -> Mapping[str, float | None]:
        """By how many seconds the time that each tells is ahead of ours; None if it tells none."""

    def asked_per_second(self, instances: Sequence[Instance]) -> Mapping[str, float | None]:
        """How many requests each gets in a second now; None if it does not count them."""

    def inject(self, record: UndoRecord) -> None:
        """Do what the record describes."""

    def undo(self, record: UndoRecord) -> None:
        """Take back what the record describes."""


class RecordIds(Protocol):
    """Hands out ids for undo records."""

    def __call__(self) -> str:
        """A new id, unique on this machine."""


class Fault(ABC):
    """One thing that can be done to instances, seen, and undone.

    A frozen dataclass whose fields are its parameters (`monkeys.parameters` says how they are
    described).
    """

    __slots__ = ()
    name: ClassVar[str]
    summary: ClassVar[str]
    seen_within_ms: ClassVar[int] = 5_000
    """How long it may take to be seen."""

    @property
    @abstractmethod
    def needs(self) -> frozenset[Capability]:
        """What the target must be able to do; may depend on the parameters."""

    @property
    def kills(self) -> bool:
        """Whether who it hits does not come back, so that nobody can be hit by it twice."""
        return False

    @abstractmethod
    def prepare(
        self, instances: Sequence[Instance], driver: str, ids: RecordIds, deadline_ms: int
    ) -> tuple[UndoRecord, ...]:
        """Undo records in order of injection; pure."""

    @abstractmethod
    def look(self, instances: Sequence[Instance], target: Target) -> Mapping[str, Reading]:
        """Readings by instance id, asked of the target, not of our journal."""

    @abstractmethod
    def took_effect(
        self, before: Mapping[str, Reading], now: Mapping[str, Reading]
    ) -> Mapping[str, bool]:
        """For each instance whether the fault is seen; pure."""

    @abstractmethod
    def was_removed(
        self, before: Mapping[str, Reading], now: Mapping[str, Reading]
    ) -> Mapping[str, bool]:
        """For each instance whether the fault is no longer seen; pure."""
