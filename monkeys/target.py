"""What a monkey knows of the world: instances, what can be done to them, and how it is undone.

Drivers implement `Target`; faults are written against it. Standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

if TYPE_CHECKING:
    from monkeys.parameters import Parameter

SCHEMA = 1
"""Version of the undo record on disk; a newer one is refused, an older one is still understood."""


class Capability(StrEnum):
    """One ability of a target; a fault names those it needs."""

    SIGNAL = "signal"  # send a signal to an instance's process and read its state
    PROBE = "probe"  # connect to an instance over its network and time it
    CUT = "cut"  # drop an instance's packets, by peer prefix
    DELAY = "delay"  # hold an instance's packets, on open connections too
    SUSPEND = "suspend"  # keep the scaling group from replacing what dies
    LOAD = "load"  # offer more traffic than usual, or less


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


@dataclass(frozen=True, slots=True)
class Reading:
    """What the target itself said of one instance when it was looked at.

    state: of its process; missed: unanswered probes in a row; round_trip_ms: of the last answered
    probe, None if it was not answered or not asked; per_second: traffic that is offered.
    """

    state: ProcessState | None = None
    missed: int = 0
    round_trip_ms: float | None = None
    per_second: float | None = None


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

    def inject(self, record: UndoRecord) -> None:
        """Do what the record describes."""

    def undo(self, record: UndoRecord) -> None:
        """Take back what the record describes."""


class RecordIds(Protocol):
    """Hands out ids for undo records."""

    def __call__(self) -> str:
        """A new id, unique on this machine."""


class Fault(Protocol):
    """One thing that can be done to instances, seen, and undone.

    A frozen dataclass whose fields are its parameters; each field's metadata has `summary` and,
    where it has one, `unit` (ms, s, ratio).
    """

    name: ClassVar[str]
    summary: ClassVar[str]

    @property
    def needs(self) -> frozenset[Capability]:
        """What the target must be able to do; may depend on the parameters."""

    @property
    def kills(self) -> bool:
        """Whether who it hits does not come back, so that nobody can be hit by it twice."""

    @classmethod
    def parameters(cls) -> tuple[Parameter, ...]:
        """What it may be told, for documents, help and schemas."""

    def prepare(
        self, instances: Sequence[Instance], driver: str, ids: RecordIds, deadline_ms: int
    ) -> tuple[UndoRecord, ...]:
        """Undo records in order of injection; pure."""

    def look(self, instances: Sequence[Instance], target: Target) -> Mapping[str, Reading]:
        """Readings by instance id, asked of the target, not of our journal."""

    def took_effect(
        self, before: Mapping[str, Reading], now: Mapping[str, Reading]
    ) -> Mapping[str, bool]:
        """For each instance whether the fault is seen; pure."""

    def was_removed(
        self, before: Mapping[str, Reading], now: Mapping[str, Reading]
    ) -> Mapping[str, bool]:
        """For each instance whether the fault is no longer seen; pure."""
