"""The experiment, as values. Durations are milliseconds, ratios 0…1; the loader has checked all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from chaosctl.experiment.calendars import HolidayCalendar


class NoData(StrEnum):
    """What silence means to a check. No data is never a pass."""

    INCONCLUSIVE = "inconclusive"
    FAIL = "fail"
    IGNORE = "ignore"


class Comparison(StrEnum):
    """How a value is held against its limit."""

    AT_LEAST = "at-least"
    AT_MOST = "at-most"
    ABOVE = "above"
    BELOW = "below"
    BETWEEN = "between"
    WITHIN = "within"  # the band of a forecast from the baseline
    COMPARE = "compare"  # with the values of another query


class Phase(StrEnum):
    """When a check is judged."""

    BEFORE = "before"
    DURING = "during"
    ON_FAULT = "on-fault"  # only while the fault is confirmed to be in
    AFTER = "after"


ALL_PHASES = (Phase.BEFORE, Phase.DURING, Phase.AFTER)


@dataclass(frozen=True, slots=True)
class Limit:
    """A bound: a number, or made of the same query's mean over the baseline: value · mean + offset.

    `text` is what the user wrote (`97%`, `50% of baseline`, `baseline + 5`).
    """

    value: float
    of_baseline: bool
    text: str
    offset: float = 0.0


@dataclass(frozen=True, slots=True)
class Population:
    """What the values of a query are compared with: those of another, at the same time.

    worse: `higher`, `lower` or `either`. The shift that does not matter is the larger of tolerance,
    in the query's unit, and tolerance_ratio, a share of the other's median.
    """

    query: str
    worse: str = "either"
    tolerance: float = 0.0
    tolerance_ratio: float = 0.0


@dataclass(frozen=True, slots=True)
class Condition:
    """value compared with its limits; over a window, or for a time on end.

    over_ms: the value is the mean of the query over this window; 0: the value of a step.
    for_steps: how many steps in a row must breach before it counts (at least 1).
    population: for `compare`. confidence: of the forecast's band and of the comparison.
    """

    comparison: Comparison
    limits: tuple[Limit, ...]
    over_ms: int = 0
    for_steps: int = 1
    population: Population | None = None
    confidence: float = 0.95


@dataclass(frozen=True, slots=True)
class ProbeSpec:
    """A question to the system itself, as the document has it; durations inside are ms.

    kind: a row of the table of probes. every_ms: a whole number of steps.
    """

    kind: str
    parameters: Mapping[str, Any]
    every_ms: int = 1000
    timeout_ms: int = 1000


@dataclass(frozen=True, slots=True)
class Check:
    """A named condition, its policy for silence, and how much it counts.

    query: over the store; for a probe `probe:` and the check's name, under which its answers are.
    phases: when it is judged. grace_ms: for so long after the injection it is not.
    """

    name: str
    query: str
    hold: Condition
    no_data: NoData = NoData.INCONCLUSIVE
    gap_ms: int = 3000
    weight: float = 2.0
    probe: ProbeSpec | None = None
    phases: tuple[Phase, ...] = ALL_PHASES
    grace_ms: int = 0

    def is_judged(self, phase: Phase) -> bool:
        """Whether it is judged in a phase; `during` has `on-fault` in it."""
        if phase is Phase.DURING:
            return Phase.DURING in self.phases or Phase.ON_FAULT in self.phases
        return phase in self.phases


@dataclass(frozen=True, slots=True)
class StopCondition:
    """What ends the fault early when it becomes true.

    query: over the store; for a probe the key under which its answers are.
    """

    query: str
    when: Condition
    name: str = ""
    probe: ProbeSpec | None = None


@dataclass(frozen=True, slots=True)
class Select:
    """Which instances: those that match every key, then how many of them.

    `where` keys: service, region, zone, group, id, label.<key>. Values are lists of alternatives.
    Exactly one of all, count, ratio, per_zone (so many in each zone).
    """

    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    exclude: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    count: int = 0
    ratio: float = 0.0
    take_all: bool = True
    per_zone: int = 0


@dataclass(frozen=True, slots=True)
class Limits:
    """Blast radius: 0 means no such limit. per_zone: never more instances of one zone."""

    instances: int = 0
    min_healthy: int = 0
    per_zone: int = 0


@dataclass(frozen=True, slots=True)
class Ramp:
    """A parameter that grows or shrinks in equal levels, each as long as the others.

    field: the fault's own name of the parameter. levels: its values in that field's unit, first to
    last. over_ms: the time of all levels together; the last one stays until the fault ends.
    """

    field: str
    levels: tuple[float, ...]
    over_ms: int


@dataclass(frozen=True, slots=True)
class Step:
    """One fault of the method.

    after_ms: how long to wait first. times: how often it goes in, each time for for_ms and with
    pause_ms in between. limits: of this step alone, beside those of the whole run. A ramp's
    parameter is missing in `parameters`.
    """

    fault: str
    select: Select
    parameters: Mapping[str, Any]
    for_ms: int
    after_ms: int = 0
    times: int = 1
    pause_ms: int = 0
    ramp: Ramp | None = None
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class Load:
    """So many times the target's usual traffic."""

    times: float
    for_ms: int
    after_ms: int = 0


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing but time."""

    for_ms: int


@dataclass(frozen=True, slots=True)
class Manual:
    """Something that a person does, and says when it is done; all is undone if they do not."""

    text: str
    within_ms: int


@dataclass(frozen=True, slots=True)
class Parallel:
    """All items begin at once; it is over when the last one is."""

    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Serial:
    """One item after the other."""

    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Branch:
    """What to do depends on a check: holding, or broken."""

    check: str
    is_holding: bool
    then: tuple[Item, ...]
    otherwise: tuple[Item, ...] = ()


Item = Step | Load | Wait | Manual | Parallel | Serial | Branch


@dataclass(frozen=True, slots=True)
class TargetSpec:
    """Which driver, and what it is told (the demo's fragility switches, its size).

    kind: `test` or `real`, as the document says; empty where it leaves that to the driver.
    """

    driver: str
    options: Mapping[str, Any] = field(default_factory=dict)
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Hours:
    """A part of each day, in minutes since midnight: from in, to out. May go past midnight."""

    from_minute: int
    to_minute: int
    text: str


@dataclass(frozen=True, slots=True)
class Guards:
    """What must be so before a run may touch anything. Left out is not asked.

    days: weekdays, 0 is Monday. timezone: of hours, days, holidays and the budget's day; empty:
    the machine's own. outage: conditions none of which may be true. healthy: names and probes all
    of which must say yes. per_day: runs of the same
    experiment that put a fault in; per_day_in_all: the same of any. min_healthy_ratio: of each
    service's instances. is_leashed: nothing may be touched at all. source: where these are written,
    for people.
    """

    hours: Hours | None = None
    days: tuple[int, ...] = ()
    timezone: str = ""
    holidays: HolidayCalendar | None = None
    outage: tuple[StopCondition, ...] = ()
    healthy: tuple[tuple[str, ProbeSpec], ...] = ()
    per_day: int = 0
    per_day_in_all: int = 0
    min_healthy_ratio: float = 0.0
    is_leashed: bool = False
    source: str = "the document"


@dataclass(frozen=True, slots=True)
class Experiment:
    """A whole document, checked."""

    name: str
    title: str
    target: TargetSpec
    baseline_ms: int
    hypothesis: tuple[Check, ...]
    method: tuple[Item, ...]
    stop: tuple[StopCondition, ...] = ()
    limits: Limits = field(default_factory=Limits)
    guards: Guards = field(default_factory=Guards)
    recovery_ms: int = 30_000
    source: str = ""
    sha256: str = ""
