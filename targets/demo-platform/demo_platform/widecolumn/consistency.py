"""How many replicas must have answered before a request is good. Pure arithmetic.

| level        | a read or a write needs                                            |
|--------------|-------------------------------------------------------------------|
| ONE          | any replica                                                       |
| LOCAL_ONE    | any replica of the coordinator's region                           |
| LOCAL_QUORUM | more than half of the replicas of the coordinator's region        |
| QUORUM       | more than half of all replicas, wherever they are                 |
| EACH_QUORUM  | more than half of the replicas of each region                     |
| ALL          | every replica                                                     |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Consistency(StrEnum):
    """A level, by the name that Cassandra gives it."""

    ONE = "ONE"
    LOCAL_ONE = "LOCAL_ONE"
    LOCAL_QUORUM = "LOCAL_QUORUM"
    QUORUM = "QUORUM"
    EACH_QUORUM = "EACH_QUORUM"
    ALL = "ALL"


@dataclass(frozen=True, slots=True)
class Need:
    """What a request needs: so many answers from each region named, or from any (`ANYWHERE`)."""

    parts: tuple[tuple[str, int], ...]

    @property
    def required(self) -> int:
        """Answers needed in all."""
        return sum(count for _, count in self.parts)

    @property
    def region(self) -> str | None:
        """The one region whose replicas count; None when those of others do, too."""
        return self.parts[0][0] or None if len(self.parts) == 1 else None

    def counted(self, answers: Mapping[str, int]) -> int:
        """How many of the answers, given by region, count towards what is required."""
        return sum(min(count, _from(region, answers)) for region, count in self.parts)

    def is_met(self, answers: Mapping[str, int]) -> bool:
        """Whether answers, by region, are enough."""
        return all(_from(region, answers) >= count for region, count in self.parts)


ANYWHERE = ""


def need_of(level: Consistency, replicas: Mapping[str, int], local: str) -> Need:
    """What a level needs, with so many replicas by region, as seen from the region `local`."""
    here = replicas.get(local, 0)
    match level:
        case Consistency.ONE:
            return Need(((ANYWHERE, 1),))
        case Consistency.LOCAL_ONE:
            return Need(((local, 1),))
        case Consistency.LOCAL_QUORUM:
            return Need(((local, quorum(here)),))
        case Consistency.QUORUM:
            return Need(((ANYWHERE, quorum(sum(replicas.values()))),))
        case Consistency.EACH_QUORUM:
            return Need(tuple((region, quorum(count)) for region, count in replicas.items()))
        case Consistency.ALL:
            return Need(((ANYWHERE, sum(replicas.values())),))


def quorum(replicas: int) -> int:
    """More than half.

    >>> [quorum(n) for n in (1, 2, 3, 6)]
    [1, 2, 2, 4]
    """
    return replicas // 2 + 1


def _from(region: str, answers: Mapping[str, int]) -> int:
    return answers.get(region, 0) if region else sum(answers.values())
