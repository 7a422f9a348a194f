"""bad-deploy: a new version of a service is brought out, and there is something wrong with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Protocol, runtime_checkable

from monkeys.errors import NotSupported
from monkeys.looking import look_at_state
from monkeys.target import (
    Capability,
    Fault,
    Instance,
    Reading,
    RecordIds,
    Serving,
    Target,
    UndoRecord,
)

NAME = "bad-deploy"
KEEP, DISABLE = "keep", "disable"

SLOWER_MS = 100.0
WRONG_MORE = 0.25
MORE_MIB = 8.0
"""By so much, at least, a flawed build does worse than the usual one did before."""

UNDO_WITHIN_S = 15.0
"""Who was disabled is asked again first, and what is new is out of discovery before it ends."""


@runtime_checkable
class CanDeploy(Protocol):
    """A target that can have several builds of a service serve at once."""

    def serving(
        self, instances: Sequence[Instance], build: str
    ) -> Mapping[str, tuple[Serving, Serving]]:
        """How these serve, all of one's group together, and how those of a build beside them do.

        By id of the instances.
        """


@dataclass(frozen=True, slots=True)
class BadDeploy(Fault):
    """Bring out a flawed build of each instance's service, in a new group beside its own.

    The new group is called by the next number of its cluster, as in `recs-us-east-1-v001`. No
    instance is deleted but the new ones, when it is taken back; and none before traffic is back.
    """

    name: ClassVar[str] = NAME
    summary: ClassVar[str] = "bring out a build that is slow, wrong or leaky, beside the good one"
    seen_within_ms: ClassVar[int] = 15_000
    """Instances have to be started, to be known, to be asked; and a leak has to grow."""

    flaw: str = field(
        default="slow",
        metadata={
            "summary": "slow: a request takes 8 times its work, and at least 200 ms more; wrong: "
            "half of them fail (500); leaky: it keeps 1 MiB of each, and ends when that is 96 MiB",
            "choices": ("slow", "wrong", "leaky"),
        },
    )
    old: str = field(
        default=KEEP,
        metadata={
            "summary": "keep: the selected instances serve beside the new ones, as with a canary "
            "that nobody judges; disable: they are out of service once these are asked (red/black)",
            "choices": (KEEP, DISABLE),
        },
    )
    instances: float = field(
        default=0.0,
        metadata={
            "summary": "how many instances the new group has; 0: as many as were selected of the "
            "old one",
            "unit": "count",
            "user_name": "instances",
            "at_least": 0,
            "at_most": 12,
        },
    )

    @property
    def needs(self) -> frozenset[Capability]:
        """The operators' way to bring out a build."""
        return frozenset({Capability.DEPLOY})

    def prepare(
        self, instances: Sequence[Instance], driver: str, ids: RecordIds, deadline_ms: int
    ) -> tuple[UndoRecord, ...]:
        """One record for each group, so that each has a new one beside it."""
        records = []
        for group in sorted({each.group for each in instances}):
            chosen = tuple(each for each in instances if each.group == group)
            detail = {
                "group": group,
                "build": self.flaw,
                "instances": int(self.instances) or len(chosen),
                "disables": self.old == DISABLE,
                "undo_within_s": UNDO_WITHIN_S,
            }
            records.append(
                UndoRecord(ids(), NAME, driver, "deployment", chosen, deadline_ms, detail)
            )
        return tuple(records)

    def look(self, instances: Sequence[Instance], target: Target) -> Mapping[str, Reading]:
        """How they serve, and how the flawed build beside them does."""
        if not isinstance(target, CanDeploy):
            raise NotSupported(
                f"nothing can be deployed on '{target.name}'", where=NAME, fix="leave it out"
            )
        serving = target.serving(instances, self.flaw)
        readings = look_at_state(instances, target)
        for id_, (usual, flawed) in serving.items():
            readings[id_] = replace(readings[id_], usual=usual, flawed=flawed)
        return readings

    def took_effect(
        self, before: Mapping[str, Reading], now: Mapping[str, Reading]
    ) -> Mapping[str, bool]:
        """Every new one is up, is asked, and shows its flaw; and who is to be disabled is."""
        return {id_: self._is_out(reading, now.get(id_)) for id_, reading in before.items()}

    def was_removed(
        self, before: Mapping[str, Reading], now: Mapping[str, Reading]
    ) -> Mapping[str, bool]:
        """No new one is left, and who lives is in discovery as before."""
        return {id_: _is_back(reading, now.get(id_)) for id_, reading in before.items()}

    def _is_out(self, before: Reading, now: Reading | None) -> bool:
        if now is None or not (before.usual and before.flawed and now.usual and now.flawed):
            return False
        wanted = int(self.instances) or before.usual.living
        if now.flawed.asked < before.flawed.living + wanted:
            return False
        if self.old == DISABLE and now.usual.listed:
            return False
        return self._is_shown(before.usual, now.flawed)

    def _is_shown(self, usual: Serving, flawed: Serving) -> bool:
        """Whether the build does worse than the usual one did, in the way that it is to."""
        one, other, least = {
            "slow": (usual.answer_ms, flawed.answer_ms, SLOWER_MS),
            "wrong": (usual.wrong_ratio, flawed.wrong_ratio, WRONG_MORE),
            "leaky": (usual.memory_mib, flawed.memory_mib, MORE_MIB),
        }[self.flaw]
        return one is not None and other is not None and other >= one + least


def _is_back(before: Reading, now: Reading | None) -> bool:
    if now is None or not (before.usual and before.flawed and now.usual and now.flawed):
        return False
    is_gone = now.flawed.living <= before.flawed.living
    return is_gone and now.usual.listed >= min(before.usual.listed, now.usual.living)
