"""All that is known of one run, from its folder alone: what every report is made from."""

from __future__ import annotations

import json
import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chaosctl.engine.folder import DOCUMENT, PLAN
from chaosctl.engine.journal import Event, read_journal
from chaosctl.engine.result import RunResult, read_result
from chaosctl.engine.series import Line, RunSeries, read_series
from chaosctl.errors import ChaosctlError
from chaosctl.experiment.load import bundled_source
from chaosctl.judge.samples import Series, Span, mean, step_ends


@dataclass(frozen=True, slots=True)
class Moments:
    """When things happened, epoch ms; 0: it never came to that."""

    started_ms: int
    injected_ms: int
    confirmed_ms: int
    removing_ms: int
    removed_ms: int
    ended_ms: int


@dataclass(frozen=True, slots=True)
class CheckFacts:
    """A check over the whole run, ready for a table. Values are NaN, instants None if unknown.

    samples: steps with data from the baseline to the end; silent_ms: time without. is_shift: the
    worst value is that of a comparison, how far the values are from the others.
    """

    name: str
    query: str
    outcome: str
    limit: str
    worst: float
    worst_ms: int | None
    margin: float
    first_breach_ms: int | None
    samples: int
    silent_ms: int
    weight: float
    score: float
    reason: str
    because: tuple[str, ...]
    is_shift: bool


@dataclass(frozen=True, slots=True)
class UndoFacts:
    """What became of one undo record. took_ms: all its tries together."""

    record_id: str
    fault: str
    mechanism: str
    instances: tuple[str, ...]
    attempts: int
    took_ms: int
    is_done: bool
    by: str
    error: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """One run. plan, document: empty if it did not come to that. trouble: what cannot be read."""

    result: RunResult
    series: RunSeries
    events: Sequence[Event]
    plan: Mapping[str, Any]
    document: str
    trouble: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The experiment's name."""
        return str(
            self.result.detail.get("experiment") or self.first("start").get("experiment", "")
        )

    @property
    def title(self) -> str:
        """The experiment's title."""
        return self._said("title")

    @property
    def seed(self) -> object:
        """What chose the targets."""
        return self.result.detail.get("seed", self.first("start").get("seed", ""))

    @property
    def source(self) -> str:
        """Where the document came from."""
        return str(self.first("start").get("source", ""))

    @property
    def sha256(self) -> str:
        """The digest of the document and its settings."""
        return str(self.first("start").get("sha256", ""))

    @property
    def about(self) -> Mapping[str, Any]:
        """Versions, commit and settings, as far as the run noted them."""
        found: Mapping[str, Any] = self.result.detail.get("about") or {}
        return found

    def first(self, kind: str) -> Event:
        """The first event of a kind; an empty one if there was none."""
        return next((e for e in self.events if e["event"] == kind), {})

    def all(self, kind: str) -> list[Event]:
        """Every event of a kind."""
        return [e for e in self.events if e["event"] == kind]

    def _said(self, key: str) -> str:
        return str(self.result.detail.get(key) or self.first("start").get(key, ""))


def read_evidence(folder: Path) -> Evidence:
    """Everything in a run's folder. Raises ChaosctlError if the run has no result there."""
    result = read_result(folder)
    trouble: list[str] = []
    series = RunSeries(folder.name, 1000, None, {}, ())
    events: Sequence[Event] = ()
    try:
        events = read_journal(folder)
        series = read_series(folder)
    except ChaosctlError as error:
        trouble.append(str(error.what))
    return Evidence(
        result, series, events, _plan(folder), _document(folder), trouble=tuple(trouble)
    )


def moments(evidence: Evidence) -> Moments:
    """When things happened: from the result, or from the journal of a run that could not say."""
    detail = evidence.result.detail

    def when(key: str, kind: str) -> int:
        return int(detail.get(key) or evidence.first(kind).get("at_ms", 0))

    last = max((int(e["at_ms"]) for e in evidence.events), default=0)
    return Moments(
        started_ms=when("started_ms", "start"),
        injected_ms=when("injected_ms", "inject"),
        confirmed_ms=int(detail.get("confirmed_ms") or 0),
        removing_ms=when("removing_ms", "remove") or when("", "undo"),
        removed_ms=when("removed_ms", "removed"),
        ended_ms=int(detail.get("ended_ms") or last),
    )


def check_facts(evidence: Evidence) -> list[CheckFacts]:
    """Each check of the hypothesis; those of a run that judged none are unknown."""
    judged = {c["name"]: c for c in evidence.result.detail.get("checks", ())}
    lines = {line.name: line for line in evidence.series.lines if not line.is_stop}
    names = dict.fromkeys((*judged, *lines))
    return [_check(evidence, judged.get(name, {}), lines.get(name), name) for name in names]


def windows_of(line: Line, series: Series, step_ms: int) -> dict[int, float]:
    """What the check is judged by, by the end of each window: the mean over it; steps as they are.

    >>> from chaosctl.engine.series import Line
    >>> line = Line("a", "a", False, "below", (1.0,), "", 2000, 1, 0.0, 0.0, 0.0)
    >>> windows_of(line, {1000: 1.0, 2000: 3.0, 4000: 5.0}, 1000)
    {2000: 2.0, 3000: 3.0, 4000: 5.0}
    """
    if not series or line.over_ms <= step_ms:
        return dict(series)
    first = min(series) + line.over_ms - step_ms
    found = {
        end: mean(series, step_ends(Span(end - line.over_ms, end), step_ms))
        for end in range(first, max(series) + 1, step_ms)
    }
    return {end: value for end, value in found.items() if not math.isnan(value)}


def band_of(line: Line, step_ms: int) -> tuple[dict[int, float], dict[int, float]]:
    """Least and greatest value that a forecast expects, by step or window, as the check judges."""
    ends = range(line.band_start_ms, line.band_start_ms + len(line.band_low) * step_ms, step_ms)
    low, high = (dict(zip(ends, values, strict=True)) for values in (line.band_low, line.band_high))
    return windows_of(line, low, step_ms), windows_of(line, high, step_ms)


def shown_span(evidence: Evidence) -> Span:
    """From the first to the last thing that is known, samples and events alike."""
    ends = [end for values in evidence.series.samples.values() for end in values]
    at = moments(evidence)
    known = [*ends, *(t for t in (at.started_ms, at.ended_ms) if t)]
    return Span(min(known, default=0), max(known, default=0))


def zero_of(evidence: Evidence) -> int:
    """The instant that times are told from: the start of the run."""
    return moments(evidence).started_ms or shown_span(evidence).start_ms


def judged_span(evidence: Evidence) -> Span:
    """From the baseline, or the first sample, to the last step that any line has data for."""
    ends = [end for values in evidence.series.samples.values() for end in values]
    baseline = evidence.series.baseline
    start_ms = baseline.start_ms if baseline else min(ends, default=0)
    return Span(start_ms, max(ends, default=0))


def fault_spans(evidence: Evidence) -> list[Span]:
    """When a fault was in: from each injection to the next removal."""
    spans: list[Span] = []
    began_ms = 0
    for event in evidence.events:
        if event["event"] == "inject":
            began_ms = began_ms or int(event["at_ms"])
        elif event["event"] in ("removed", "verdict") and began_ms:
            spans.append(Span(began_ms, int(event["at_ms"])))
            began_ms = 0
    if began_ms:
        spans.append(Span(began_ms, moments(evidence).ended_ms))
    return spans


def undo_facts(evidence: Evidence) -> list[UndoFacts]:
    """Each undo record, in order of injection, with what became of it."""
    tries: dict[str, list[Event]] = {}
    for event in evidence.all("undo"):
        tries.setdefault(str(event["record_id"]), []).append(event)
    found = []
    for event in evidence.all("record"):
        record = event["record"]
        own = tries.get(record["id"], [])
        done = next((e for e in own if e["ok"]), None)
        found.append(
            UndoFacts(
                record_id=record["id"],
                fault=record["fault"],
                mechanism=record["mechanism"],
                instances=tuple(_id(i) for i in record["instances"]),
                attempts=len(own),
                took_ms=sum(int(e["took_ms"]) for e in own),
                is_done=done is not None,
                by=str((done or (own[-1] if own else {})).get("by", "")),
                error="" if done or not own else str(own[-1]["error"]),
            )
        )
    return found


def settings_of(evidence: Evidence) -> list[str]:
    """What was set at the target for the whole run, in words: records that hit no instance."""
    found = []
    for event in evidence.all("record"):
        wanted = (event["record"].get("detail") or {}).get("wanted")
        if isinstance(wanted, Mapping) and not event["record"]["instances"]:
            each = (f"{name} {'on' if is_on else 'off'}" for name, is_on in wanted.items())
            found.append(f"{event['record']['fault']} {', '.join(each)}")
    return found


def repeat_command(evidence: Evidence) -> str:
    """The one command that does it again."""
    source = evidence.source
    if source == bundled_source(evidence.name):
        source = evidence.name
    words = ["chaosctl", "run", source, "--seed", str(evidence.seed)]
    for setting in evidence.about.get("settings", ()):
        words += ["--set", str(setting)]
    return shlex.join(words)


def _check(
    evidence: Evidence, judged: Mapping[str, Any], line: Line | None, name: str
) -> CheckFacts:
    series = evidence.series.of(line) if line else {}
    ends = step_ends(judged_span(evidence), evidence.series.step_ms)
    samples = sum(end in series for end in ends)
    worst = _number(judged.get("worst"))
    return CheckFacts(
        name=name,
        query=line.query if line else "",
        outcome=str(judged.get("outcome", "unknown")),
        limit=str(judged.get("limit") or (line.limit_text if line else "")),
        worst=worst,
        worst_ms=_when_worst(evidence, line, worst) if line else None,
        margin=_number(judged.get("margin")),
        first_breach_ms=judged.get("first_breach_ms"),
        samples=samples,
        silent_ms=(len(ends) - samples) * evidence.series.step_ms if line else 0,
        weight=_number(judged.get("weight")),
        score=_number(judged.get("score")),
        reason=str(judged.get("reason", "") or ("" if judged else "never judged")),
        because=tuple(evidence.result.detail.get("because", {}).get(name, ())),
        is_shift=bool(line and line.against),
    )


def _when_worst(evidence: Evidence, line: Line, worst: float) -> int | None:
    """The end of the window that was the worst while the fault was in."""
    at = moments(evidence)
    step_ms = evidence.series.step_ms
    windows = windows_of(line, evidence.series.of(line), step_ms)
    from_ms = at.injected_ms + max(line.over_ms, step_ms)
    near = {
        end: abs(value - worst)
        for end, value in windows.items()
        if from_ms <= end <= (at.removing_ms or at.ended_ms)
    }
    if math.isnan(worst) or not near:
        return None
    end = min(near, key=lambda end: near[end])
    return end if near[end] <= 1e-6 * max(1e-9, abs(worst)) else None


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else math.nan


def _id(instance: Any) -> str:
    return str(instance["id"]) if isinstance(instance, Mapping) else str(instance)


def _plan(folder: Path) -> Mapping[str, Any]:
    try:
        found = json.loads((folder / PLAN).read_text(encoding="utf-8"))
    except (OSError, ValueError):  # it ended before there was one
        return {}
    return found if isinstance(found, dict) else {}


def _document(folder: Path) -> str:
    try:
        return (folder / DOCUMENT).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
