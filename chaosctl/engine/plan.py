"""What a run would do to whom, computed before anything is touched. Pure."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from chaosctl.errors import ChaosctlError, NotStarted
from chaosctl.experiment.model import Condition, Experiment, Select, Step
from chaosctl.judge.hypothesis import own_window_ms, watch_ms
from chaosctl.judge.samples import STEP_MS
from monkeys.selection import Selection, select
from monkeys.target import Capability, Fault, Instance, Lack

SCHEMA = "chaosctl/plan/v1"

CONFIRM_MS_MAX = 5_000
"""How long a fault may take to be seen, and again to be seen gone."""

DEADLINE_MARGIN_MS = 10_000
"""What a target adds to the fault's time and the time to confirm before it lets go by itself."""

WARMUP_MS_MAX = 30_000


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One fault with its targets frozen by id. left_out: instance id to the reason."""

    fault: str
    parameters: Mapping[str, Any]
    for_ms: int
    deadline_ms: int  # after injection; the target lets go by itself where it can
    targets: tuple[Instance, ...]
    left_out: Mapping[str, str]
    undo_steps: int


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole run, ahead of time. at_most_ms: its longest duration, warm-up included."""

    experiment: str
    title: str
    driver: str
    target_id: str
    seed: int
    steps: tuple[PlannedStep, ...]
    population: Mapping[str, int]  # service to instances
    hit: Mapping[str, int]  # service to instances that some step touches
    limits: Mapping[str, int]
    checks: tuple[str, ...]  # in words: `starts succeed at least 97% over 10 s`
    stops: tuple[str, ...]
    warmup_ms_max: int
    baseline_ms: int
    fault_ms: int
    recovery_ms: int
    at_most_ms: int
    guards: tuple[str, ...] = ()  # in words, as they stood when this was planned

    def as_json(self) -> dict[str, Any]:
        """This plan as plain JSON values (schema chaosctl/plan/v1)."""
        return {"schema": SCHEMA, **asdict(self), "undo_steps": self.undo_steps}

    @property
    def undo_steps(self) -> int:
        """How many undo records the run will write."""
        return sum(step.undo_steps for step in self.steps)


def plan_experiment(
    experiment: Experiment,
    *,
    faults: Mapping[str, type[Fault]],
    instances: Sequence[Instance],
    target_id: str,
    lacks: Callable[[Capability], Lack | None],
    seed: int,
    guards: tuple[str, ...] = (),
) -> Plan:
    """The plan of one run.

    faults: the table of faults; lacks: what the target cannot do here and now; guards: what they
    say, in words.
    Raises ChaosctlError (invalid) for an empty selection and for windows that do not fit;
    NotStarted when the target lacks a capability.
    """
    _refuse_windows_that_do_not_fit(experiment)
    steps = _plan_steps(experiment, faults, instances, lacks, random.Random(seed))  # noqa: S311 - the same seed must choose the same targets
    touched = {i.id: i.service for step in steps for i in step.targets}
    longest_ms = max((own_window_ms(check) for check in experiment.hypothesis), default=0)
    baseline_ms = max(experiment.baseline_ms, longest_ms)
    fault_ms = sum(step.for_ms for step in steps)
    recovery_ms = watch_ms(experiment.hypothesis, experiment.recovery_ms)
    return Plan(
        experiment=experiment.name,
        title=experiment.title,
        driver=experiment.target.driver,
        target_id=target_id,
        seed=seed,
        steps=steps,
        population=Counter(sorted(i.service for i in instances)),
        hit=Counter(sorted(touched.values())),
        limits={
            "instances": experiment.limits.instances,
            "min-healthy": experiment.limits.min_healthy,
        },
        checks=tuple(f"{c.name} {in_words(c.hold)}" for c in experiment.hypothesis),
        stops=tuple(f"{s.name or s.query} {in_words(s.when)}" for s in experiment.stop),
        warmup_ms_max=WARMUP_MS_MAX,
        baseline_ms=baseline_ms,
        fault_ms=fault_ms,
        recovery_ms=experiment.recovery_ms,
        at_most_ms=WARMUP_MS_MAX
        + baseline_ms
        + fault_ms
        + 2 * CONFIRM_MS_MAX * len(steps)
        + recovery_ms,
        guards=guards,
    )


def make_fault(faults: Mapping[str, type[Fault]], step: Step | PlannedStep) -> Fault:
    """The fault of a step with its parameters."""
    return faults[step.fault](**step.parameters)


def in_words(condition: Condition) -> str:
    """A condition for people: `below 2% for 3 steps`."""
    text = condition.comparison.value.replace("-", " ")
    text += " " + " and ".join(limit.text for limit in condition.limits)
    if condition.over_ms:
        text += f" over {condition.over_ms / 1000:g} s"
    if condition.for_steps > 1:
        text += f" for {condition.for_steps} steps"
    return text


def _plan_steps(
    experiment: Experiment,
    faults: Mapping[str, type[Fault]],
    instances: Sequence[Instance],
    lacks: Callable[[Capability], Lack | None],
    rng: random.Random,
) -> tuple[PlannedStep, ...]:
    steps: list[PlannedStep] = []
    hit: set[str] = set()
    for number, step in enumerate(experiment.method, 1):
        fault = make_fault(faults, step)
        _refuse_lacks(experiment, fault, lacks)
        selection = _select(experiment, step.select, instances, rng, hit)
        if not selection.chosen:
            raise _nobody(experiment, number, step, selection)
        hit |= {i.id for i in selection.chosen}
        ids = map("plan-{}".format, itertools.count(1))
        records = fault.prepare(
            selection.chosen, experiment.target.driver, lambda ids=ids: next(ids), 0
        )
        steps.append(
            PlannedStep(
                fault=step.fault,
                parameters=step.parameters,
                for_ms=step.for_ms,
                deadline_ms=step.for_ms + CONFIRM_MS_MAX + DEADLINE_MARGIN_MS,
                targets=selection.chosen,
                left_out={one.instance.id: one.reason for one in selection.left_out},
                undo_steps=len(records),
            )
        )
    return tuple(steps)


def _select(
    experiment: Experiment,
    choice: Select,
    instances: Sequence[Instance],
    rng: random.Random,
    hit: set[str],
) -> Selection:
    return select(
        instances,
        rng=rng,
        where=choice.where,
        exclude=choice.exclude,
        count=choice.count,
        ratio=choice.ratio,
        take_all=choice.take_all,
        instances_max=experiment.limits.instances,
        min_healthy=experiment.limits.min_healthy,
        already_hit=hit,
    )


def _refuse_lacks(
    experiment: Experiment, fault: Fault, lacks: Callable[[Capability], Lack | None]
) -> None:
    for capability in sorted(fault.needs):
        lack = lacks(capability)
        if lack is not None:
            raise NotStarted(
                f"target cannot do '{fault.name}' here: {lack.what}",
                where=f"driver '{experiment.target.driver}'",
                fix=lack.fix,
            )


def _nobody(experiment: Experiment, number: int, step: Step, selection: Selection) -> ChaosctlError:
    where = f"{experiment.source or experiment.name}: method {number} ({step.fault})"
    if selection.left_out:
        one = selection.left_out[0]
        return ChaosctlError(
            f"nobody is left to hit: {len(selection.left_out)} matched and all are spared, "
            f"first {one.instance.id}: {one.reason}",
            where=where,
            fix="loosen `limits`, `exclude` or `select`",
        )
    return ChaosctlError(
        f"no instance matches select {dict(step.select.where)}",
        where=where,
        fix="`chaosctl plan` shows the instances there are; correct `select`",
    )


def _refuse_windows_that_do_not_fit(experiment: Experiment) -> None:
    """A window that cannot lie wholly inside the fault would make every run inconclusive."""
    fault_ms = sum(step.for_ms for step in experiment.method)
    for check in experiment.hypothesis:
        # One step more: the fault does not begin on the edge of a step.
        needed_ms = own_window_ms(check) + STEP_MS
        if fault_ms < needed_ms:
            raise ChaosctlError(
                f"check '{check.name}' needs {needed_ms / 1000:g} s of fault to say anything, "
                f"the method lasts {fault_ms / 1000:g} s",
                where=experiment.source or experiment.name,
                fix=f"let the fault last longer (`for: {needed_ms // 1000}s`) or shorten `over`",
            )
