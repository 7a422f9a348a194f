"""What a run would do to whom, computed before anything is touched. Pure."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from chaosctl.engine.choosing import Chooser, PlannedStep
from chaosctl.engine.items import PlannedItem, total_ms
from chaosctl.errors import ChaosctlError
from chaosctl.experiment.lasting import all_last_ms, in_force_ms
from chaosctl.experiment.model import ALL_PHASES, Check, Condition, Experiment, Phase
from chaosctl.experiment.windows import fault_needs_ms
from chaosctl.judge.hypothesis import own_window_ms, watch_ms
from chaosctl.judge.populations import in_words as compared_in_words
from monkeys.target import Capability, Fault, Instance, Lack

SCHEMA = "chaosctl/plan/v1"

WARMUP_MS_MAX = 30_000


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole run, ahead of time.

    steps: every fault and load, on whatever branch; method: how they follow each other. fault_ms:
    the method as it is written, the longest way. at_most_ms: the run's longest duration, with
    warm-up, looks and whatever people take.
    """

    experiment: str
    title: str
    driver: str
    target_id: str
    seed: int
    steps: tuple[PlannedStep, ...]
    method: tuple[PlannedItem, ...]
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
    rng = random.Random(seed)  # noqa: S311 - the same seed must choose the same targets
    chooser = Chooser(experiment, faults, instances, lacks, rng)
    method = chooser.plan()
    steps = tuple(chooser.steps)
    touched = {i.id: i.service for step in steps for i in step.targets}
    baseline_ms, recovery_ms = _looking_ms(experiment)
    return Plan(
        experiment=experiment.name,
        title=experiment.title,
        driver=experiment.target.driver,
        target_id=target_id,
        seed=seed,
        steps=steps,
        method=method,
        population=dict(Counter(sorted(i.service for i in instances))),
        hit=dict(Counter(sorted(touched.values()))),
        limits={
            "instances": experiment.limits.instances,
            "min-healthy": experiment.limits.min_healthy,
            "per-zone": experiment.limits.per_zone,
        },
        checks=tuple(check_in_words(c) for c in experiment.hypothesis),
        stops=tuple(f"{s.name or s.query} {in_words(s.when)}" for s in experiment.stop),
        warmup_ms_max=WARMUP_MS_MAX,
        baseline_ms=baseline_ms,
        fault_ms=all_last_ms(experiment.method),
        recovery_ms=experiment.recovery_ms,
        at_most_ms=WARMUP_MS_MAX + baseline_ms + total_ms(method) + recovery_ms,
        guards=guards,
    )


def _looking_ms(experiment: Experiment) -> tuple[int, int]:
    """How long is looked before the fault, and at most after it."""
    before, after = (
        [check for check in experiment.hypothesis if check.is_judged(phase)]
        for phase in (Phase.BEFORE, Phase.AFTER)
    )
    longest_ms = max((own_window_ms(check) for check in before), default=0)
    recovery_ms = watch_ms(after, experiment.recovery_ms) if after else 0
    return max(experiment.baseline_ms, longest_ms), recovery_ms


def in_words(condition: Condition) -> str:
    """A condition for people: `below 2% for 3 steps`."""
    if condition.population is not None:
        return compared_in_words(condition)
    text = condition.comparison.value.replace("-", " ")
    text += " " + " and ".join(limit.text for limit in condition.limits)
    if condition.over_ms:
        text += f" over {condition.over_ms / 1000:g} s"
    if condition.for_steps > 1:
        text += f" for {condition.for_steps} steps"
    return text


def check_in_words(check: Check) -> str:
    """A check for people, with when it is judged if that is not always."""
    text = f"{check.name} {in_words(check.hold)}"
    if check.phases != ALL_PHASES:
        text += f", {' and '.join(check.phases)}"
    if check.grace_ms:
        text += f", after {check.grace_ms / 1000:g} s of grace"
    return text


def _refuse_windows_that_do_not_fit(experiment: Experiment) -> None:
    """A window that cannot lie wholly inside the fault would make every run inconclusive."""
    fault_ms = in_force_ms(experiment.method)
    for check in experiment.hypothesis:
        needed_ms = fault_needs_ms(check)
        if fault_ms < needed_ms:
            raise ChaosctlError(
                f"check '{check.name}' needs {needed_ms / 1000:g} s of fault to say anything, "
                f"the method lasts {fault_ms / 1000:g} s",
                where=experiment.source or experiment.name,
                fix=f"let the fault last longer (`for: {needed_ms // 1000}s`) or shorten `over`",
            )
