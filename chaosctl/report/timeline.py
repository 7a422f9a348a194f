"""A run on one time axis: its phases, what each check said step by step, and what happened."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from chaosctl.engine.journal import Event
from chaosctl.judge.samples import Span
from chaosctl.report.drawing import LEFT, RIGHT, WIDTH, Tick, time_scale, time_ticks
from chaosctl.report.evidence import Evidence, fault_spans, moments, shown_span, zero_of
from chaosctl.report.plain import describe
from chaosctl.report.store_events import StoreEvent, store_events
from chaosctl.report.symbols import duration

LANE = 20
EVENTS_MAX = 200
MARKED = (
    "inject", "confirm", "stop", "order", "remove", "removed", "recovery", "signal", "halt", "undo",
    "verdict", "order", "manual", "breaker", "discovery",
)  # fmt: skip
"""Events with a mark on the axis."""

TOLD = (
    *MARKED, "start", "plan", "warmup", "baseline", "check", "because", "note", "guard", "branch",
    "ramp", "activity",
)  # fmt: skip
"""Events in the list below it."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch of a lane. kind: a phase, or an outcome."""

    x: float
    width: float
    kind: str
    label: str


@dataclass(frozen=True, slots=True)
class Lane:
    """One row: a name, and its bars."""

    y: float
    name: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened. number: of its row in the list, from 1."""

    number: int
    x: float
    at_s: float
    kind: str
    text: str
    is_marked: bool


@dataclass(frozen=True, slots=True)
class Timeline:
    """The whole drawing; events left out beyond EVENTS_MAX are counted."""

    height: float
    lanes: tuple[Lane, ...]
    marks: tuple[Mark, ...]
    ticks: tuple[Tick, ...]
    left_out: int


def draw_timeline(evidence: Evidence) -> Timeline:
    """Phases, the checks that were judged, and the events."""
    span = shown_span(evidence)
    names = [line.name for line in evidence.series.lines if not line.is_stop]
    lanes = [Lane(4, "phases", tuple(_phases(evidence, span)))]
    for number, name in enumerate(names, 1):
        lanes.append(Lane(4 + number * LANE, name, tuple(_outcomes(evidence, name, span))))
    told = [
        StoreEvent(int(e["at_ms"]), str(e["event"]), _told(e))
        for e in evidence.events
        if e["event"] in TOLD
    ]
    told = sorted([*told, *store_events(evidence.series.traffic)], key=lambda event: event.at_ms)
    x = time_scale(span)
    zero_ms = zero_of(evidence)
    marks = [
        Mark(
            number,
            x(event.at_ms),
            (event.at_ms - zero_ms) / 1000,
            event.kind,
            event.text,
            event.kind in MARKED,
        )
        for number, event in enumerate(told[:EVENTS_MAX], 1)
    ]
    height = 4 + LANE * (len(lanes) + 2) + 18
    left_out = len(told) - len(marks)
    return Timeline(height, tuple(lanes), tuple(marks), time_ticks(span, zero_ms), left_out)


def _told(event: Event) -> str:
    """An event for somebody who was not there; as in the plain view where that says enough."""
    say = WORDS.get(str(event["event"]), describe)
    return say(event)


def _injected(event: Event) -> str:
    hit = f" on {len(event['targets'])} instances" if event.get("targets") else ""
    return f"{event['fault']} goes in{hit}; how to undo it is on disk (records: {event['records']})"


def _seen(event: Event, words: str) -> str:
    text = f"{event['fault']} {words} on {event['seen']} of {event['of']} instances"
    text += f" after {duration(event['after_ms'])}"
    if event["missing"]:
        text += f"; but not on {', '.join(event['missing'])}"
    return text + (f"; {event['trouble']}" if event.get("trouble") else "")


def _undone(event: Event) -> str:
    hit = len(event["instances"])
    whom = f"{hit} instance{'s' if hit != 1 else ''}" if hit else "the target as a whole"
    if not event["ok"]:
        return f"{event['fault']} on {whom} could not be taken back: {event['error']}"
    return f"{event['fault']} on {whom} taken back in {duration(event['took_ms'])}"


def _phases(evidence: Evidence, span: Span) -> Iterator[Bar]:
    at, baseline = moments(evidence), evidence.series.baseline
    warmup_ms = int(evidence.first("warmup").get("at_ms", 0))
    faults = fault_spans(evidence)
    ends_ms = baseline.start_ms if baseline else (at.injected_ms or at.ended_ms)
    if warmup_ms and ends_ms > warmup_ms:
        yield _bar(Span(warmup_ms, ends_ms), "warmup", "warm-up", span)
    if baseline:
        yield _bar(baseline, "baseline", "baseline", span)
    for fault in faults:
        yield _bar(fault, "fault", "fault", span)
    recovered_ms = int(evidence.first("recovery").get("at_ms", 0))
    if at.removed_ms and recovered_ms > at.removed_ms:
        yield _bar(Span(at.removed_ms, recovered_ms), "recovery", "recovery", span)


def _outcomes(evidence: Evidence, name: str, span: Span) -> Iterator[Bar]:
    """What the check said, stretch by stretch."""
    said = [
        (int(e["step_end_ms"]), str(e["checks"][name]["outcome"]))
        for e in evidence.all("sample")
        if name in e["checks"]
    ]
    began_ms, kind, last_ms = 0, "", 0
    for end_ms, outcome in said:
        if outcome != kind or not began_ms:
            if began_ms:
                yield _bar(Span(began_ms, last_ms), kind, kind, span)
            began_ms, kind = end_ms - evidence.series.step_ms, outcome
        last_ms = end_ms
    if began_ms:
        yield _bar(Span(began_ms, last_ms), kind, kind, span)


def _bar(part: Span, kind: str, label: str, span: Span) -> Bar:
    x = time_scale(span)
    left = max(float(LEFT), x(part.start_ms))
    right = min(float(WIDTH - RIGHT), x(part.end_ms))
    return Bar(left, round(max(1.0, right - left), 1), kind, label)


WORDS: dict[str, Callable[[Event], str]] = {
    "start": lambda event: f"experiment {event['experiment']}, seed {event['seed']}",
    "inject": _injected,
    "confirm": lambda event: _seen(event, "seen"),
    "remove": lambda event: f"undo begins (records: {event['records']})",
    "removed": lambda event: _seen(event, "seen to be gone"),
    "undo": _undone,
    "verdict": lambda event: (
        f"{event['verdict']}, undo {event['undo']}, exit code {event['exit_code']}"
    ),
}
"""Events that the report tells in more words than the plain view."""
