"""The method of a plan: every branch; faults by the number of the step that has their targets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

CONFIRM_MS_MAX = 5_000
"""How long a fault may take to be seen gone; a load, or an answer, to be seen."""

DECIDE_SLACK_MS = 5_000
"""How much longer than a check's window a branch may wait for data to decide on."""


@dataclass(frozen=True, slots=True)
class StepItem:
    """One fault or load. step: its place in the plan's `steps`, from 0."""

    step: int
    at_most_ms: int
    kind: str = "step"


@dataclass(frozen=True, slots=True)
class WaitItem:
    """Nothing but time."""

    for_ms: int
    kind: str = "wait"

    @property
    def at_most_ms(self) -> int:
        """As long as it is."""
        return self.for_ms


@dataclass(frozen=True, slots=True)
class ManualItem:
    """Something a person does and confirms."""

    text: str
    within_ms: int
    kind: str = "manual"

    @property
    def at_most_ms(self) -> int:
        """The time that the person has."""
        return self.within_ms


@dataclass(frozen=True, slots=True)
class ParallelItem:
    """All at once."""

    items: tuple[PlannedItem, ...]
    kind: str = "parallel"

    @property
    def at_most_ms(self) -> int:
        """The longest, and the looks of the others: only one looks at the target at a time."""
        looks_ms = 2 * CONFIRM_MS_MAX * (len(self.items) - 1)
        return max(item.at_most_ms for item in self.items) + looks_ms


@dataclass(frozen=True, slots=True)
class SerialItem:
    """One after the other."""

    items: tuple[PlannedItem, ...]
    kind: str = "serial"

    @property
    def at_most_ms(self) -> int:
        """All together."""
        return total_ms(self.items)


@dataclass(frozen=True, slots=True)
class BranchItem:
    """One way or the other. decide_ms_max: how long the check may take to say anything."""

    check: str
    is_holding: bool
    decide_ms_max: int
    then: tuple[PlannedItem, ...]
    otherwise: tuple[PlannedItem, ...] = ()
    kind: str = "when"

    @property
    def at_most_ms(self) -> int:
        """The decision, and the longer way."""
        return self.decide_ms_max + max(total_ms(self.then), total_ms(self.otherwise))


PlannedItem = StepItem | WaitItem | ManualItem | ParallelItem | SerialItem | BranchItem


def total_ms(items: Iterable[PlannedItem]) -> int:
    """The longest time of items that follow each other."""
    return sum(item.at_most_ms for item in items)


def manual_steps(items: Iterable[PlannedItem]) -> Iterator[ManualItem]:
    """Every manual step, on whatever branch."""
    for item in items:
        match item:
            case ManualItem():
                yield item
            case ParallelItem() | SerialItem():
                yield from manual_steps(item.items)
            case BranchItem():
                yield from manual_steps((*item.then, *item.otherwise))
