"""Where a run stands, folded from its events. Pure; the live view and the dashboard draw it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from chaosctl.report.plain import QUIET_EVENTS, describe

VALUES_MAX = 600
EVENTS_MAX = 50
SILENT_MS = 3000
"""A newest step that is older than this is no longer what a check says now."""


@dataclass(slots=True)
class CheckView:
    """One check or stop condition: what it is held against, what it says now, and its steps.

    steps: end of the step in ms since the start of the run, the step's value, and the judged value
    (the mean over the check's window); NaN is a gap. limits, usual: numbers once they are known.
    """

    limit: str = ""
    value: float = math.nan
    outcome: str = "unknown"
    query: str = ""
    is_stop: bool = False
    over_ms: int = 0
    limits: tuple[float, ...] = ()
    usual: float = math.nan
    steps: list[tuple[int, float, float]] = field(default_factory=list)

    def silent_ms(self, now_ms: float) -> float:
        """How long there has been no data by now; 0 while there is."""
        if not self.steps:
            return 0
        known = (end_ms for end_ms, value, _ in reversed(self.steps) if not math.isnan(value))
        last_ms = next(known, self.steps[0][0])
        silent_ms = now_ms - last_ms
        return silent_ms if math.isnan(self.steps[-1][1]) or silent_ms > SILENT_MS else 0

    @property
    def is_share(self) -> bool:
        """Whether its values are shares of 1, which people read as percent."""
        return "%" in self.limit and "baseline" not in self.limit


@dataclass(slots=True)
class TargetView:
    """One instance that the run acts on. state: `planned`, `hit`, `seen`, `unseen`, `undone`."""

    service: str = ""
    zone: str = ""
    state: str = "planned"
    after_ms: int = 0
    was_seen: bool = False


@dataclass(slots=True)
class Snapshot:
    """A run at an instant. Times are ms since the start of the run; 0 where it has not come."""

    run_id: str = ""
    name: str = ""
    title: str = ""
    seed: int = 0
    phase: str = "plan"
    t_ms: int = 0
    started_ms: int = 0
    population: int = 0
    seen: int = 0
    undo_steps: int = 0
    undone: int = 0
    baseline_ms: int = 0
    fault_ms: int = 0
    recovery_ms: int = 0
    phase_since_ms: int = 0
    phases: list[str] = field(default_factory=list)
    """Those that were entered, in order."""
    injected_ms: int = 0
    removed_ms: int = 0
    verdict: str = ""
    undo: str = ""
    reason: str = ""
    checks: dict[str, CheckView] = field(default_factory=dict)
    stops: dict[str, CheckView] = field(default_factory=dict)
    targets: dict[str, TargetView] = field(default_factory=dict)
    events: list[tuple[int, str, str]] = field(default_factory=list)

    def take(self, event: Mapping[str, Any]) -> None:
        """Fold one event in."""
        kind = event["event"]
        self.t_ms = int(event["t_ms"])
        self.started_ms = int(event["at_ms"]) - self.t_ms
        enter = PHASE_OF.get(kind)
        if enter is not None and enter != self.phase:
            self.phase, self.phase_since_ms = enter, self.t_ms
            self.phases.append(enter)
        fold = getattr(self, f"_take_{kind}", None)
        if fold is not None:
            fold(event)
        if kind not in QUIET_EVENTS:
            self.events.append((self.t_ms, kind, describe(event)))
            del self.events[:-EVENTS_MAX]

    @property
    def fault_span(self) -> tuple[int, int] | None:
        """From the injection to the undo, or to the newest event; None before the injection."""
        if not self.injected_ms:
            return None
        return self.injected_ms, self.removed_ms or max(self.t_ms, self.injected_ms)

    def _take_start(self, event: Mapping[str, Any]) -> None:
        self.run_id, self.name = event["run"], event["experiment"]
        self.title, self.seed = event["title"], event["seed"]

    def _take_plan(self, event: Mapping[str, Any]) -> None:
        for step in event["steps"]:
            places = step.get("places") or [("", "")] * len(step["targets"])
            for name, (service, zone) in zip(step["targets"], places, strict=True):
                self.targets[name] = TargetView(service, zone)
        self.population, self.undo_steps = event["population"], event["undo_steps"]
        self.baseline_ms, self.fault_ms = event["baseline_ms"], event["fault_ms"]
        self.recovery_ms = event["recovery_ms"]

    def _take_lines(self, event: Mapping[str, Any]) -> None:
        for line in event["lines"]:
            group = self.stops if line["is_stop"] else self.checks
            view = group.setdefault(line["name"], CheckView())
            view.query, view.is_stop = line["query"], line["is_stop"]
            view.limit, view.over_ms = line["limit_text"], line["over_ms"]
            view.limits = tuple(_number(limit) for limit in line["limits"])
            view.usual = _number(line["usual"])

    def _take_sample(self, event: Mapping[str, Any]) -> None:
        end_ms = int(event["step_end_ms"]) - self.started_ms
        for name, said in event["checks"].items():
            check = self.checks.setdefault(name, CheckView())
            check.value = _number(said["value"])
            check.outcome, check.limit = str(said["outcome"]), said["limit"]
            check.steps.append((end_ms, _number(said["step"]), check.value))
            del check.steps[:-VALUES_MAX]
        for name, value in event["stops"].items():
            stop = self.stops.setdefault(name, CheckView(is_stop=True))
            stop.value = _number(value)
            stop.steps.append((end_ms, stop.value, stop.value))
            del stop.steps[:-VALUES_MAX]

    def _take_stop(self, event: Mapping[str, Any]) -> None:
        if event["name"] in self.stops:
            self.stops[event["name"]].outcome = "fail"

    def _take_inject(self, event: Mapping[str, Any]) -> None:
        self.injected_ms = self.injected_ms or self.t_ms
        self.removed_ms = 0
        self._mark(self._hit_by(event), "hit")

    def _take_confirm(self, event: Mapping[str, Any]) -> None:
        missing = set(event["missing"])
        self._mark((name for name in self._hit_by(event) if name not in missing), "seen", event)
        self._mark((name for name in self._hit_by(event) if name in missing), "unseen", event)
        self.seen = sum(target.was_seen for target in self.targets.values())

    def _take_undo(self, event: Mapping[str, Any]) -> None:
        self.undone += bool(event["ok"])

    def _take_removed(self, event: Mapping[str, Any]) -> None:
        missing = set(event["missing"])
        self._mark((name for name in self._hit_by(event) if name not in missing), "undone", event)
        if event.get("left"):
            self.phase = "fault"  # another one is still in
        else:
            self.removed_ms = self.t_ms

    def _hit_by(self, event: Mapping[str, Any]) -> list[str]:
        """Whom the fault of an event hits; everybody in journals that did not say so yet."""
        return [name for name in event.get("targets", self.targets) if name in self.targets]

    def _take_verdict(self, event: Mapping[str, Any]) -> None:
        self.verdict, self.reason = str(event["verdict"]), str(event["reason"])
        self.undo = str(event["undo"])

    def _mark(
        self, names: Iterable[str], state: str, event: Mapping[str, Any] | None = None
    ) -> None:
        for name in names:
            self.targets[name].state = state
            self.targets[name].after_ms = int(event["after_ms"]) if event else 0
            self.targets[name].was_seen |= state == "seen"


def snapshot_of(events: Iterable[Mapping[str, Any]], until_ms: float = math.inf) -> Snapshot:
    """Where a run stood at an instant, in ms since its start."""
    snapshot = Snapshot()
    for event in events:
        if event["t_ms"] > until_ms:
            break
        snapshot.take(event)
    return snapshot


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


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
