"""dns-failure: names are answered wrongly, late or not at all; open connections stay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar, Protocol, runtime_checkable

from monkeys.errors import NotSupported
from monkeys.looking import is_gone, look_at_living
from monkeys.parameters import BadParameter
from monkeys.target import (
    Answer,
    Capability,
    Fault,
    Instance,
    Reading,
    RecordIds,
    Resolution,
    Target,
    UndoRecord,
)

NAME = "dns-failure"
_DELAY_MS_MIN = 50
_DELAY_MS_MAX = 30_000
_GIVES_UP_MS = 1000.0
"""After this the C library goes on to the next server, so no answer is seen to be later."""

_TIMED_LOOKS = 3
_TIMED_BUDGET_MS = 1500.0


@runtime_checkable
class CanResolve(Protocol):
    """A target in whose instances names can be looked up."""

    def resolve(self, instances: Sequence[Instance]) -> Mapping[str, Resolution]:
        """What comes of looking up a name that there is, by id.

        In each instance's place, as its own programs would; a name server is asked itself.
        """


@dataclass(frozen=True, slots=True)
class DnsFailure(Fault):
    """Answer nothing, or the wrong thing, to what each instance asks of DNS over UDP or TCP.

    If it is a name server, to what it is asked as well. Connections that are open stay so: who
    needs no name notices nothing.
    """

    name: ClassVar[str] = NAME
    summary: ClassVar[str] = "answer what instances ask of DNS wrongly, late or not at all"
    seen_within_ms: ClassVar[int] = 12_000
    """Looking takes as long as the C library does to give up, which is a second a server."""

    answer: str = field(
        default="none",
        metadata={
            "summary": "what a question gets: silence, a code that says no, or its answer, late",
            "choices": ("none", "servfail", "nxdomain", "late"),
        },
    )
    delay_ms: float = field(
        default=0.0,
        metadata={
            "summary": "how late, for 'late' only; after 1 s a C library asks the next server",
            "unit": "ms",
            "at_least": 0,
            "at_most": _DELAY_MS_MAX,
        },
    )

    def __post_init__(self) -> None:
        if self.answer == "late" and self.delay_ms < _DELAY_MS_MIN:
            raise BadParameter(
                f"a late answer needs a 'delay' of {_DELAY_MS_MIN}ms or more",
                parameter="delay",
                fix="add it, like delay: 400ms",
            )
        if self.answer != "late" and self.delay_ms:
            raise BadParameter(
                f"an answer of {self.answer!r} has no 'delay'",
                parameter="delay",
                fix="leave it out, or say answer: late",
            )

    @property
    def needs(self) -> frozenset[Capability]:
        """Coming between an instance and its name servers."""
        return frozenset({Capability.NAMES})

    def prepare(
        self, instances: Sequence[Instance], driver: str, ids: RecordIds, deadline_ms: int
    ) -> tuple[UndoRecord, ...]:
        """One record, so that one process answers in all places."""
        detail = {"answer": self.answer, "delay_ms": self.delay_ms}
        return (UndoRecord(ids(), NAME, driver, "dns", tuple(instances), deadline_ms, detail),)

    def look(self, instances: Sequence[Instance], target: Target) -> Mapping[str, Reading]:
        """State of each process, and what comes of looking up a name in its place."""
        if not isinstance(target, CanResolve):
            raise NotSupported(
                f"no instance of '{target.name}' looks up names", where=NAME, fix="leave it out"
            )
        ask = partial(_soonest, target) if self.answer == "late" else target.resolve
        return look_at_living(instances, target, "resolution", ask)

    def took_effect(
        self, before: Mapping[str, Reading], now: Mapping[str, Reading]
    ) -> Mapping[str, bool]:
        """It found the name before, and now there comes of it what was asked for."""
        return {id_: self._is_seen(reading, now.get(id_)) for id_, reading in before.items()}

    def was_removed(
        self, before: Mapping[str, Reading], now: Mapping[str, Reading]
    ) -> Mapping[str, bool]:
        """It finds the name, about as soon as before; or it is gone."""
        return {
            id_: is_gone(now.get(id_)) or self._is_well(reading, now.get(id_))
            for id_, reading in before.items()
        }

    def _is_seen(self, before: Reading, now: Reading | None) -> bool:
        was, found = before.resolution, None if now is None else now.resolution
        if was is None or found is None or was.answer is not Answer.ADDRESS:
            return False
        match self.answer:
            case "nxdomain":
                return found.answer is Answer.NO_NAME
            case "servfail":
                return found.answer is Answer.NONE and found.took_ms < 0.9 * _GIVES_UP_MS
            case "none":
                return found.answer is Answer.NONE and found.took_ms >= 0.9 * _GIVES_UP_MS
            case _:
                is_late = found.took_ms >= was.took_ms + 0.9 * self._seen_delay_ms
                return found.answer is not Answer.NO_NAME and is_late

    def _is_well(self, before: Reading, now: Reading | None) -> bool:
        found = None if now is None else now.resolution
        if found is None or found.answer is not Answer.ADDRESS:
            return False
        if self.answer != "late" or before.resolution is None:
            return True
        return found.took_ms < before.resolution.took_ms + 0.5 * self._seen_delay_ms

    @property
    def _seen_delay_ms(self) -> float:
        return min(self.delay_ms, _GIVES_UP_MS)


def _soonest(target: CanResolve, instances: Sequence[Instance]) -> Mapping[str, Resolution]:
    """The quickest of up to three look-ups, for a busy machine only ever adds."""
    found = dict(target.resolve(instances))
    spent_ms = max(each.took_ms for each in found.values())
    for _ in range(_TIMED_LOOKS - 1):
        if spent_ms > _TIMED_BUDGET_MS:
            break
        again = target.resolve(instances)
        spent_ms += max(each.took_ms for each in again.values())
        for id_, each in again.items():
            found[id_] = min(found[id_], each, key=lambda one: one.took_ms)
    return found
