"""Where a run stands, folded from its events. Pure; the live view draws it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from chaosctl.report.plain import QUIET_EVENTS, describe

VALUES_MAX = 600
EVENTS_MAX = 50


@dataclass(slots=True)
class CheckView:
    """One check: its limit, what it says now, and its steps so far as (t_ms, value)."""

    limit: str = ""
    value: float = math.nan
    outcome: str = "unknown"
    steps: list[tuple[int, float]] = field(default_factory=list)


@dataclass(slots=True)
class Snapshot:
    """A run at an instant. Times are ms since the start of the run; 0 where it has not come."""

    run_id: str = ""
    name: str = ""
    title: str = ""
    seed: int = 0
    phase: str = "plan"
    t_ms: int = 0
    targets: int = 0
    population: int = 0
    seen: int = 0
    undo_steps: int = 0
    undone: int = 0
    baseline_ms: int = 0
    fault_ms: int = 0
    recovery_ms: int = 0
    phase_since_ms: int = 0
    injected_ms: int = 0
    removed_ms: int = 0
    checks: dict[str, CheckView] = field(default_factory=dict)
    events: list[tuple[int, str, str]] = field(default_factory=list)

    def take(self, event: Mapping[str, Any]) -> None:
        """Fold one event in."""
        kind = event["event"]
        self.t_ms = int(event["t_ms"])
        enter = PHASE_OF.get(kind)
        if enter is not None and enter != self.phase:
            self.phase, self.phase_since_ms = enter, self.t_ms
        fold = getattr(self, f"_take_{kind}", None)
        if fold is not None:
            fold(event)
        if kind not in QUIET_EVENTS:
            self.events.append((self.t_ms, kind, describe(event)))
            del self.events[:-EVENTS_MAX]

    def _take_start(self, event: Mapping[str, Any]) -> None:
        self.run_id, self.name = event["run"], event["experiment"]
        self.title, self.seed = event["title"], event["seed"]

    def _take_plan(self, event: Mapping[str, Any]) -> None:
        self.targets = sum(len(step["targets"]) for step in event["steps"])
        self.population, self.undo_steps = event["population"], event["undo_steps"]
        self.baseline_ms, self.fault_ms = event["baseline_ms"], event["fault_ms"]
        self.recovery_ms = event["recovery_ms"]

    def _take_sample(self, event: Mapping[str, Any]) -> None:
        for name, said in event["checks"].items():
            check = self.checks.setdefault(name, CheckView())
            step = said["step"]
            check.steps.append((self.t_ms, math.nan if step is None else float(step)))
            del check.steps[:-VALUES_MAX]
            check.value = math.nan if said["value"] is None else float(said["value"])
            check.outcome, check.limit = str(said["outcome"]), said["limit"]

    def _take_inject(self, _event: Mapping[str, Any]) -> None:
        self.injected_ms = self.injected_ms or self.t_ms

    def _take_confirm(self, event: Mapping[str, Any]) -> None:
        self.seen += event["seen"]

    def _take_undo(self, event: Mapping[str, Any]) -> None:
        self.undone += bool(event["ok"])

    def _take_removed(self, _event: Mapping[str, Any]) -> None:
        self.removed_ms = self.t_ms


PHASE_OF = {
    "warmup": "warm-up",
    "baseline": "baseline",
    "record": "inject",
    "inject": "inject",
    "injected": "confirm",
    "confirm": "fault",
    "remove": "remove",
    "removed": "recovery",
    "recovery": "verdict",
    "verdict": "verdict",
}
