"""A Chaos Toolkit document as values, and which of its probes sees which of its actions. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from chaosctl.drivers.activities.activity import LIMIT_S, LIMIT_S_MAX, Activity
from chaosctl.drivers.activities.substituting import substitute
from chaosctl.drivers.activities.tolerating import in_words
from chaosctl.errors import Problem

STRATEGIES = (
    "default",
    "before-method-only",
    "after-method-only",
    "during-method-only",
    "continuously",
    "skip",
)
ROLLBACK_STRATEGIES = ("default", "always", "never", "deviated")
DURING = ("during-method-only", "continuously")
UNJUDGED = ("before-method-only", "skip")


@dataclass(frozen=True, slots=True)
class Own:
    """What the document says to chaosctl, in an extension named so. Times in ms.

    target: what is broken; two documents that name the same never run at once. kind: `test` or
        `real`, for the question before the run.
    """

    target: str = "toolkit"
    kind: str = ""
    baseline_ms: int = 3_000
    recovery_ms: int = 30_000
    every_ms: int = 1_000


@dataclass(frozen=True, slots=True)
class ToolkitDocument:
    """The document, checked. text: without secrets that stand in it; sha256: of what it was.

    warnings: what is stricter here, or left out, each at its place.
    """

    title: str
    description: str
    probes: tuple[Activity, ...]
    method: tuple[Activity, ...]
    rollbacks: tuple[Activity, ...]
    configuration: Mapping[str, Any]
    secrets: Mapping[str, Mapping[str, Any]]
    strategy: str = "default"
    own: Own = field(default_factory=Own)
    name: str = ""
    source: str = ""
    text: str = ""
    sha256: str = ""
    warnings: tuple[Problem, ...] = ()

    @property
    def actions(self) -> tuple[Activity, ...]:
        """The actions of the method."""
        return tuple(each for each in self.method if each.is_action)

    @property
    def is_judged(self) -> bool:
        """Whether anything is looked at once the method has begun."""
        return bool(self.probes) and self.strategy not in UNJUDGED


def tolerances(document: ToolkitDocument) -> list[tuple[str, str]]:
    """Each probe of the hypothesis, and its tolerance in words."""
    return [(each.name, in_words(each.tolerance)) for each in document.probes]


@dataclass(frozen=True, slots=True)
class Group:
    """Actions, by their places in the method, and the probes after them that should see them."""

    actions: tuple[int, ...]
    observers: tuple[int, ...]


def groups(method: tuple[Activity, ...]) -> list[Group]:
    """Which probes observe which actions.

    A probe with a tolerance observes the actions before it, back to the last such probe that has
    actions before itself.
    """
    found: list[Group] = []
    actions: list[int] = []
    observers: list[int] = []
    for number, activity in enumerate(method):
        if activity.is_action:
            if observers:
                found.append(Group(tuple(actions), tuple(observers)))
                actions, observers = [], []
            actions.append(number)
        elif activity.has_tolerance and actions:
            observers.append(number)
    if actions:
        found.append(Group(tuple(actions), tuple(observers)))
    return found


def unobserved(method: tuple[Activity, ...]) -> list[Activity]:
    """Actions that no probe of the method sees."""
    return [method[n] for group in groups(method) if not group.observers for n in group.actions]


def longest_ms(document: ToolkitDocument) -> int:
    """How long the method may last, ms, if every activity takes all the time it has."""
    literal = {k: v for k, v in document.configuration.items() if not isinstance(v, Mapping)}

    def seconds(written: float | str, otherwise: float) -> float:
        value = substitute(written, literal)
        try:
            return min(float(value), LIMIT_S_MAX)
        except (TypeError, ValueError):
            return otherwise

    total_s = behind_s = 0.0
    for activity in document.method:
        total_s += seconds(activity.pause_before, LIMIT_S_MAX)
        total_s += seconds(activity.pause_after, LIMIT_S_MAX)
        limit_s = seconds(activity.limit_s, LIMIT_S_MAX) or LIMIT_S
        if activity.is_background:
            behind_s = max(behind_s, limit_s)
        else:
            total_s += limit_s
    return round(1000 * (total_s + behind_s))
