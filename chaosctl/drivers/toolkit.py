"""What Chaos Toolkit documents act on: whatever their activities reach, as one instance.

Undo performs a rollback of the document from its record alone. Secrets are not in the record: they
are read again, from the environment or, where they stand in the document, from there.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from chaosctl.drivers.activities.activity import LIMIT_S, Activity, Surroundings
from chaosctl.drivers.activities.given import Given, is_from_environment, look_up
from chaosctl.drivers.activities.performing import GONE_WITHIN_S, Performer, wait_until_gone
from monkeys.errors import NotSupported, TargetFailed
from monkeys.target import (
    Capability,
    Echoes,
    Fault,
    Instance,
    Lack,
    ProcessState,
    Reading,
    RecordIds,
    Resource,
    Target,
    UndoRecord,
    Usage,
)

DRIVER = "toolkit"
SYSTEM = "system"
IN_DOCUMENT = "document"
UNDO_SLACK_S = 5.0


def system(target: str) -> Instance:
    """The one instance there is."""
    return Instance(SYSTEM, SYSTEM, SYSTEM, target, target)


class ToolkitTarget:
    """One instance of which nothing is known; its faults are activities, run by a script."""

    name = DRIVER

    def __init__(self, target: str = DRIVER) -> None:
        self._target = target

    @property
    def id(self) -> str:
        """By the name that the document gives, the same for all that give none."""
        return DRIVER if self._target == DRIVER else f"{DRIVER}-{self._target}"

    def instances(self) -> Sequence[Instance]:
        """The system."""
        return (system(self._target),)

    def lacks(self, capability: Capability) -> Lack | None:
        """It can do nothing by itself."""
        return Lack(f"a document's system cannot {capability}", "use another driver")

    def state(self, _instance: Instance) -> ProcessState:
        """As far as anybody knows."""
        return ProcessState.RUNNING

    def probe(
        self,
        instances: Sequence[Instance],
        *,
        origin: Instance | None = None,
        timeout_ms: int = 200,
    ) -> Mapping[str, float | None]:
        """It has no address."""
        del origin, timeout_ms
        return {each.id: None for each in instances}

    def echo(
        self, instances: Sequence[Instance], *, count: int, size_bytes: int, timeout_ms: int
    ) -> Mapping[str, Echoes]:
        """It has no address."""
        del timeout_ms
        return {each.id: Echoes(count, size_bytes) for each in instances}

    def usage(self, instances: Sequence[Instance], resource: Resource) -> Mapping[str, Usage]:
        """It has no process."""
        del instances, resource
        return {}

    def flush_counts(self, instances: Sequence[Instance]) -> Mapping[str, int]:
        """It has no cache."""
        del instances
        return {}

    def clocks(self, instances: Sequence[Instance]) -> Mapping[str, float | None]:
        """It tells no time."""
        return {each.id: None for each in instances}

    def asked_per_second(self, instances: Sequence[Instance]) -> Mapping[str, float | None]:
        """Nobody counts."""
        return {each.id: None for each in instances}

    def inject(self, record: UndoRecord) -> None:
        """Activities are performed by the script."""
        raise NotSupported(
            f"this target has no mechanism {record.mechanism!r} to inject with",
            where=record.fault,
            fix="name another driver in the document's target",
        )

    def undo(self, record: UndoRecord) -> None:
        """Perform a rollback, or see that no activity of the run is left."""
        if record.mechanism not in _UNDO:
            raise TargetFailed(
                f"undo record {record.id!r} has the unknown mechanism {record.mechanism!r}",
                where=record.fault,
                fix="undo with the version of chaosctl that injected it",
            )
        _UNDO[record.mechanism](record)


def _see_activities_gone(record: UndoRecord) -> None:
    left = wait_until_gone(str(record.detail["marker"]), GONE_WITHIN_S)
    if left:
        raise TargetFailed(
            f"an activity is still running (process {left[0]})",
            where=record.fault,
            fix=f"end process {left[0]}",
        )


def _roll_back(record: UndoRecord) -> None:
    detail = record.detail
    activity = Activity.from_json(detail["activity"])
    given = look_up({}, _known_secrets(detail), os.environ)
    given = Given(detail["configuration"], given.secrets)
    surroundings = Surroundings(
        detail["cwd"], tuple(detail["paths"]), detail["python"], f"{record.id}-undo"
    )
    performer = Performer(given, surroundings)
    time.sleep(performer.seconds(activity.pause_before, activity.secrets))
    trouble = performer.did(activity, performer.perform(activity))
    if trouble:
        raise TargetFailed(
            trouble, where=f"rollback '{activity.name}'", fix="perform it by hand, or undo again"
        )
    time.sleep(performer.seconds(activity.pause_after, activity.secrets))


def _known_secrets(detail: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The entries of the record, with those that stand in the document taken from there."""
    wanted: Mapping[str, Mapping[str, Any]] = detail["secrets"]
    are_there = any(e == IN_DOCUMENT for entries in wanted.values() for e in entries.values())
    document = _read_secrets(Path(detail["document"])) if are_there else {}
    return {
        scope: {
            key: document.get(scope, {}).get(key) if entry == IN_DOCUMENT else entry
            for key, entry in entries.items()
        }
        for scope, entries in wanted.items()
    }


def _read_secrets(path: Path) -> dict[str, dict[str, Any]]:
    import yaml  # noqa: PLC0415 - at use: few documents have secrets in them

    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8").replace("\t", " "))
        return dict(found["secrets"])
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError) as error:
        raise TargetFailed(
            "the secrets that stood in the document cannot be read any more",
            where=str(path),
            fix="put the document back, and undo again",
        ) from error


_UNDO: Mapping[str, Callable[[UndoRecord], None]] = {
    "activities": _see_activities_gone,
    "rollback": _roll_back,
}


def make_records(
    rollbacks: Sequence[Activity],
    surroundings: Surroundings,
    *,
    given: Given,
    secrets: Mapping[str, Mapping[str, Any]],
    document: str,
    instances: tuple[Instance, ...],
    ids: RecordIds,
) -> tuple[UndoRecord, ...]:
    """The last is undone first: see that nothing runs any more, then the rollbacks in order.

    secrets: as they are written; what stands there in plain text does not go into a record.
    """
    written = {
        scope: {k: v if is_from_environment(v) else IN_DOCUMENT for k, v in entries.items()}
        for scope, entries in secrets.items()
    }
    performer = Performer(given, surroundings)
    records = []
    for activity in reversed(rollbacks):
        seconds = [activity.pause_before, activity.pause_after, activity.limit_s]
        within_s = sum(performer.seconds(each, activity.secrets) for each in seconds)
        detail = {
            "activity": activity.as_json(),
            "configuration": dict(given.configuration),
            "secrets": written,
            "document": document,
            "cwd": surroundings.cwd,
            "paths": list(surroundings.paths),
            "python": surroundings.python,
            "undo_within_s": (within_s or LIMIT_S) + UNDO_SLACK_S,
        }
        fault = f"rollback {activity.name}"
        records.append(UndoRecord(ids(), fault, DRIVER, "rollback", instances, detail=detail))
    detail = {"marker": surroundings.marker}
    last = UndoRecord(ids(), "activities", DRIVER, "activities", instances, detail=detail)
    return (*records, last)


@dataclass(frozen=True, slots=True)
class Shown(Reading):
    """by: probes that still show the fault."""

    by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ToolkitMethod(Fault):
    """The method of a document, as the one fault of its plan.

    still_shown: asks the probes that showed the fault whether they still do.
    """

    actions: tuple[str, ...] = ()
    rollbacks: tuple[str, ...] = ()
    still_shown: Callable[[], tuple[str, ...]] = tuple

    name: ClassVar[str] = "toolkit-method"
    summary: ClassVar[str] = "the method of a Chaos Toolkit document"

    @property
    def needs(self) -> frozenset[Capability]:
        """Nothing of the target."""
        return frozenset()

    def prepare(
        self, instances: Sequence[Instance], driver: str, ids: RecordIds, deadline_ms: int
    ) -> tuple[UndoRecord, ...]:
        """As many as there will be, for the plan; the script makes the real ones."""
        del deadline_ms
        names = [*(f"rollback {name}" for name in self.rollbacks), "activities"]
        return tuple(UndoRecord(ids(), name, driver, "", tuple(instances)) for name in names)

    def look(self, instances: Sequence[Instance], target: Target) -> Mapping[str, Reading]:
        """Which probes show the fault now."""
        del target
        return {each.id: Shown(by=self.still_shown()) for each in instances}

    def took_effect(
        self, before: Mapping[str, Reading], now: Mapping[str, Reading]
    ) -> Mapping[str, bool]:
        """Whether any probe shows it."""
        del before
        return {id_: isinstance(r, Shown) and bool(r.by) for id_, r in now.items()}

    def was_removed(
        self, before: Mapping[str, Reading], now: Mapping[str, Reading]
    ) -> Mapping[str, bool]:
        """Whether no probe shows it."""
        del before
        return {id_: not (isinstance(r, Shown) and r.by) for id_, r in now.items()}
