"""What a run would do to whom, computed before anything is touched. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chaosctl.experiment.model import Experiment
from monkeys.target import Capability, Fault, Instance, Lack


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

    def as_json(self) -> dict[str, Any]:
        """This plan as plain JSON values (schema chaosctl/plan/v1)."""
        raise NotImplementedError


def plan_experiment(
    experiment: Experiment,
    *,
    faults: Mapping[str, type[Fault]],
    instances: Sequence[Instance],
    target_id: str,
    lacks: Callable[[Capability], Lack | None],
    seed: int,
) -> Plan:
    """The plan, or an error: InvalidExperiment/ChaosctlError (invalid), NotStarted."""
    raise NotImplementedError
