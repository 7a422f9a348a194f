"""From the method of a document to planned steps: who is hit, on every branch. Pure.

What steps hit adds up along each way; of two branches only one is taken, so each starts from what
was hit before it, and afterwards both count. Of items that run at once no two hit one instance:
what is seen there could not be told apart, nor taken back apart.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from chaosctl.engine.items import (
    CONFIRM_MS_MAX,
    DECIDE_SLACK_MS,
    BranchItem,
    ManualItem,
    ParallelItem,
    PlannedItem,
    SerialItem,
    StepItem,
    WaitItem,
)
from chaosctl.errors import ChaosctlError, NotStarted
from chaosctl.experiment.model import (
    Branch,
    Experiment,
    Item,
    Limits,
    Load,
    Manual,
    Parallel,
    Ramp,
    Select,
    Serial,
    Step,
    Wait,
)
from chaosctl.judge.hypothesis import own_window_ms
from monkeys.load import LOAD, TrafficLoad
from monkeys.selection import Ceiling, Selection, select
from monkeys.target import Capability, Fault, Instance, Lack

DEADLINE_MARGIN_MS = 10_000
"""What a target adds to the fault's time and the time to confirm before it lets go by itself."""

_NOBODY: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One fault with its targets frozen by id. left_out: instance id to the reason.

    chosen: how many were asked for, in words. undo_steps: records of all times and levels.
    With a ramp, parameters are those of its first level.
    """

    fault: str
    parameters: Mapping[str, Any]
    for_ms: int
    deadline_ms: int  # after injection; the target lets go by itself where it can
    targets: tuple[Instance, ...]
    left_out: Mapping[str, str]
    undo_steps: int
    after_ms: int = 0
    times: int = 1
    pause_ms: int = 0
    ramp: Ramp | None = None
    chosen: str = ""

    @property
    def levels(self) -> int:
        """How many levels its ramp has; 1 without one."""
        return len(self.ramp.levels) if self.ramp is not None else 1

    def level_ms(self, level: int) -> int:
        """When a level of the ramp begins, from the beginning of the first (which is level 0)."""
        return round(self.ramp.over_ms * level / self.levels) if self.ramp is not None else 0


def make_fault(faults: Mapping[str, type[Fault]], step: PlannedStep, level: int = 0) -> Fault:
    """The fault of a step with its parameters, at a level of its ramp."""
    if step.fault == LOAD:
        return TrafficLoad(**step.parameters)
    grown = {} if step.ramp is None else {step.ramp.field: step.ramp.levels[level]}
    return faults[step.fault](**{**step.parameters, **grown})


@dataclass(slots=True)
class _Hit:
    """What the steps so far do. killed: id to the reason why it cannot be hit any more."""

    ids: set[str] = field(default_factory=set)
    killed: dict[str, str] = field(default_factory=dict)

    def copy(self) -> _Hit:
        """The same, to go another way with."""
        return _Hit(set(self.ids), dict(self.killed))

    def add(self, other: _Hit) -> None:
        """What another way does counts, too."""
        self.ids |= other.ids
        self.killed |= other.killed


class Chooser:
    """Plans the method of one experiment; `steps` are those that came so far."""

    def __init__(
        self,
        experiment: Experiment,
        faults: Mapping[str, type[Fault]],
        instances: Sequence[Instance],
        lacks: Callable[[Capability], Lack | None],
        rng: random.Random,
    ) -> None:
        self.steps: list[PlannedStep] = []
        self._experiment, self._faults, self._instances = experiment, faults, instances
        self._lacks, self._rng = lacks, rng

    def plan(self) -> tuple[PlannedItem, ...]:
        """The whole method. Raises ChaosctlError for what cannot be, NotStarted for a lack."""
        return self._all(self._experiment.method, _Hit(), _NOBODY, 1)

    def _all(
        self, items: Iterable[Item], hit: _Hit, busy: Mapping[str, str], lanes: int
    ) -> tuple[PlannedItem, ...]:
        return tuple(self._one(item, hit, busy, lanes) for item in items)

    def _one(self, item: Item, hit: _Hit, busy: Mapping[str, str], lanes: int) -> PlannedItem:
        """busy: instances of what runs at the same time; lanes: how much of it there is."""
        match item:
            case Step():
                return self._add(self._step(item, hit, busy, lanes))
            case Load():
                return self._add(self._load(item, lanes))
            case Wait():
                planned: PlannedItem = WaitItem(item.for_ms)
            case Manual():
                planned = ManualItem(item.text, item.within_ms)
            case Serial():
                planned = SerialItem(self._all(item.items, hit, busy, lanes))
            case Parallel():
                planned = self._parallel(item, hit, busy, lanes)
            case Branch():
                planned = self._branch(item, hit, busy, lanes)
        return planned

    def _parallel(
        self, item: Parallel, hit: _Hit, busy: Mapping[str, str], lanes: int
    ) -> ParallelItem:
        busy, planned = dict(busy), []
        for one in item.items:
            first = len(self.steps)
            planned.append(self._one(one, hit, busy, lanes * len(item.items)))
            for step in self.steps[first:]:
                reason = f"{step.fault} hits it at the same time"
                busy |= {instance.id: reason for instance in step.targets}
        return ParallelItem(tuple(planned))

    def _branch(self, item: Branch, hit: _Hit, busy: Mapping[str, str], lanes: int) -> BranchItem:
        check = next(c for c in self._experiment.hypothesis if c.name == item.check)
        other = hit.copy()
        then = self._all(item.then, hit, busy, lanes)
        otherwise = self._all(item.otherwise, other, busy, lanes)
        hit.add(other)
        decide_ms = own_window_ms(check) + check.gap_ms + DECIDE_SLACK_MS
        return BranchItem(item.check, item.is_holding, decide_ms, then, otherwise)

    def _add(self, step: PlannedStep) -> StepItem:
        self.steps.append(step)
        seen_ms = make_fault(self._faults, step).seen_within_ms
        each_ms = step.for_ms + step.levels * seen_ms + CONFIRM_MS_MAX
        pauses_ms = (step.times - 1) * step.pause_ms
        at_most_ms = step.after_ms + step.times * each_ms + pauses_ms
        return StepItem(len(self.steps) - 1, at_most_ms)

    def _load(self, item: Load, lanes: int) -> PlannedStep:
        step = PlannedStep(
            fault=LOAD,
            parameters={"times": item.times},
            for_ms=item.for_ms,
            deadline_ms=item.for_ms + CONFIRM_MS_MAX + lanes * DEADLINE_MARGIN_MS,
            targets=(),
            left_out={},
            undo_steps=1,
            after_ms=item.after_ms,
        )
        self._refuse_lacks(make_fault(self._faults, step))
        return step

    def _step(self, item: Step, hit: _Hit, busy: Mapping[str, str], lanes: int) -> PlannedStep:
        selection = self._select(item, hit, {**busy, **hit.killed})
        seen_ms = self._faults[item.fault].seen_within_ms
        step = PlannedStep(
            fault=item.fault,
            parameters=item.parameters,
            for_ms=item.for_ms,
            deadline_ms=item.for_ms + seen_ms + lanes * DEADLINE_MARGIN_MS,
            targets=selection.chosen,
            left_out={one.instance.id: one.reason for one in selection.left_out},
            undo_steps=0,
            after_ms=item.after_ms,
            times=item.times,
            pause_ms=item.pause_ms,
            ramp=item.ramp,
            chosen=in_words(item.select),
        )
        fault = make_fault(self._faults, step)
        self._refuse_lacks(fault)
        if not selection.chosen:
            raise self._nobody(item, selection)
        if fault.kills and item.times > 1:
            raise self._dead_already(item)
        hit.ids |= {each.id for each in selection.chosen}
        if fault.kills:
            hit.killed |= {each.id: f"{item.fault} kills it before" for each in selection.chosen}
        grown = {} if item.ramp is None else {item.ramp.field: item.ramp.levels[0]}
        return replace(
            step,
            parameters={**item.parameters, **grown},
            undo_steps=self._records(fault, selection) * step.times * step.levels,
        )

    def _records(self, fault: Fault, selection: Selection) -> int:
        ids = map("plan-{}".format, itertools.count(1))
        driver = self._experiment.target.driver
        return len(fault.prepare(selection.chosen, driver, lambda: next(ids), 0))

    def _select(self, item: Step, hit: _Hit, unavailable: Mapping[str, str]) -> Selection:
        choice = item.select
        return select(
            self._instances,
            rng=self._rng,
            where=choice.where,
            exclude=choice.exclude,
            count=choice.count,
            ratio=choice.ratio,
            per_zone=choice.per_zone,
            take_all=choice.take_all,
            limits=_ceiling(self._experiment.limits),
            own_limits=_ceiling(item.limits),
            already_hit=hit.ids,
            unavailable=unavailable,
        )

    def _refuse_lacks(self, fault: Fault) -> None:
        for capability in sorted(fault.needs):
            lack = self._lacks(capability)
            if lack is not None:
                raise NotStarted(
                    f"target cannot do '{fault.name}' here: {lack.what}",
                    where=f"driver '{self._experiment.target.driver}'",
                    fix=lack.fix,
                )

    def _where(self, item: Step) -> str:
        name = self._experiment.source or self._experiment.name
        return f"{name}: method {len(self.steps) + 1} ({item.fault})"

    def _dead_already(self, item: Step) -> ChaosctlError:
        return ChaosctlError(
            f"'{item.fault}' is to be repeated, and who it kills does not come back",
            where=self._where(item),
            fix="leave 'repeat' out, and write a step with its own 'select' for each time",
        )

    def _nobody(self, item: Step, selection: Selection) -> ChaosctlError:
        if selection.left_out:
            one = selection.left_out[0]
            return ChaosctlError(
                f"nobody is left to hit: {len(selection.left_out)} matched and all are spared, "
                f"first {one.instance.id}: {one.reason}",
                where=self._where(item),
                fix="loosen `limits`, `exclude` or `select`",
            )
        return ChaosctlError(
            f"no instance matches select {dict(item.select.where)}",
            where=self._where(item),
            fix="`chaosctl plan` shows the instances there are; correct `select`",
        )


def in_words(choice: Select) -> str:
    """How many are asked for: `30%, rounded down, at least one`."""
    if choice.take_all:
        return "all"
    if choice.per_zone:
        return f"{choice.per_zone} per zone"
    if choice.count:
        return str(choice.count)
    return f"{choice.ratio * 100:g}%, rounded down, at least one"


def _ceiling(limits: Limits) -> Ceiling:
    return Ceiling(limits.instances, limits.per_zone, limits.min_healthy)
