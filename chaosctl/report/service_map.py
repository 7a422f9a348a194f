"""The services as a layered graph at the worst moment of a run, as shapes for a drawing. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chaosctl.judge.samples import Span
from chaosctl.judge.traffic import WINDOW_STEPS, FlowState, flow_states
from chaosctl.report.evidence import CheckFacts, Evidence, check_facts, moments, zero_of
from chaosctl.report.images import chosen_lines
from chaosctl.report.layers import Place, depths_in, layers_of, path_of
from chaosctl.report.symbols import duration

NODES_MAX = 40
BOX_WIDTH, BOX_HEIGHT, PORT = 128, 56, 15
GAP_LEAST, WIDTH_LEAST = 118, 900
DRIFTS = {-1: "▼ ", 0: "", 1: "▲ "}
STOP_HEIGHT, ROOM, MARGIN = 18, 16, 10


@dataclass(frozen=True, slots=True)
class Moment:
    """The time that the map is of, and in words which that is."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Box:
    """A service. lines: what stands below its name; title: all of it."""

    x: float
    y: float
    height: float
    name: str
    lines: tuple[str, ...]
    is_worse: bool
    is_hit: bool
    title: str


@dataclass(frozen=True, slots=True)
class Arrow:
    """Calls from one service to another. path: of SVG; label: at its end."""

    path: str
    x: float
    y: float
    label: str
    is_worse: bool
    is_idle: bool
    title: str


@dataclass(frozen=True, slots=True)
class ServiceMap:
    """The whole drawing; states: the numbers behind it; left_out: flows that have no place."""

    text: str
    width: float
    height: float
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    states: tuple[FlowState, ...]
    left_out: int


def draw_service_map(evidence: Evidence) -> ServiceMap | None:
    """The map at the worst moment; None where nothing is known of the services then."""
    traffic, moment = evidence.series.traffic, worst_moment(evidence)
    if not traffic.flows or moment is None:
        return None
    states = flow_states(traffic, moment.span, evidence.series.baseline)
    names = _busiest(states)
    shown = [s for s in states if s.service in names and (not s.caller or s.caller in names)]
    left_out = traffic.left_out + len(states) - len(shown)
    calls = {(s.caller, s.service): s for s in shown if s.caller}
    rows = layers_of(names, calls)
    places = _Places(rows, calls)
    own = {s.service: s for s in shown if not s.caller}
    hit = evidence.plan.get("hit") or {}
    population = evidence.plan.get("population") or {}
    boxes = tuple(
        _box(name, places, own.get(name), hit.get(name, 0), population.get(name, 0))
        for name in sorted(names)
    )
    arrows = tuple(_arrow(state, places) for state in calls.values())
    return ServiceMap(
        moment.text, places.width, places.height, boxes, arrows, tuple(shown), left_out
    )


def worst_moment(evidence: Evidence) -> Moment | None:
    """When the check that matters most was worst; else the whole fault; None without one."""
    at = moments(evidence)
    if not at.injected_ms:
        return None
    facts = {check.name: check for check in check_facts(evidence)}
    for line in chosen_lines(evidence, len(facts)):
        check: CheckFacts = facts[line.name]
        if check.worst_ms is not None and not line.against:
            # A single step of a few requests is chance more than anything.
            length_ms = max(line.over_ms, WINDOW_STEPS * evidence.series.traffic.step_ms)
            seconds = f"{(check.worst_ms - zero_of(evidence)) / 1000:+.0f} s"
            text = f"in the {duration(length_ms)} up to {seconds}, when '{line.name}' was worst"
            return Moment(Span(check.worst_ms - length_ms, check.worst_ms), text)
    end_ms = at.removing_ms or at.ended_ms
    return Moment(Span(at.injected_ms, end_ms), "over the whole time of the fault")


def percent(share: float) -> str:
    """A share as people read it.

    >>> percent(0.0), percent(0.0004), percent(0.034), percent(0.438)
    ('0 %', '< 0.1 %', '3.4 %', '44 %')
    """
    if math.isnan(share):
        return "no data"
    if 0 < share < 0.001:
        return "< 0.1 %"
    text = f"{share * 100:.1f}" if share < 0.1 else f"{share * 100:.0f}"
    return f"{text.removesuffix('.0')} %"


def rate(per_second: float) -> str:
    """A rate as people read it.

    >>> rate(0.0), rate(3.24), rate(28.9), rate(4180.2)
    ('0/s', '3.2/s', '29/s', '4180/s')
    """
    if math.isnan(per_second):
        return "no data"
    text = f"{per_second:.1f}" if per_second < 10 else f"{per_second:.0f}"
    return f"{text.removesuffix('.0')}/s"


def _busiest(states: Sequence[FlowState]) -> set[str]:
    """The services with a place on the map."""
    asked: dict[str, float] = {}
    for state in states:
        for name in (state.service, state.caller):
            if name:
                known = [r for r in (state.rate, state.usual_rate) if not math.isnan(r)]
                asked[name] = asked.get(name, 0.0) + max(known, default=0.0)
    return set(sorted(asked, key=lambda name: (-asked[name], name))[:NODES_MAX])


class _Places:
    """Where everything stands."""

    def __init__(
        self,
        rows: Sequence[Sequence[Place]],
        calls: Mapping[tuple[str, str], FlowState],
    ) -> None:
        self.depths = depths_in(rows)
        self._arriving = {name: sum(target == name for _, target in calls) for name in self.depths}
        gaps = max(1, len(rows) - 1)
        least = len(rows) * BOX_WIDTH + gaps * GAP_LEAST + 2 * MARGIN
        self.width = max(WIDTH_LEAST, least)
        self.gap = (self.width - 2 * MARGIN - len(rows) * BOX_WIDTH) / gaps
        tall = [sum(self.tall(place) + ROOM for place in row) for row in rows]
        self.height = max(tall, default=0) + ROOM
        self._tops: dict[Place, float] = {}
        for row, height in zip(rows, tall, strict=True):
            y = (self.height - height + ROOM) / 2
            for place in row:
                self._tops[place] = y
                y += self.tall(place) + ROOM
        self._ports: dict[tuple[str, str], float] = {}
        for name in self.depths:
            into = [edge for edge in calls if edge[1] == name]
            into.sort(key=lambda edge: self.middle(path_of(edge, self.depths)[-2]))
            first = self.middle(name) - PORT * (len(into) - 1) / 2
            self._ports |= {edge: first + PORT * number for number, edge in enumerate(into)}

    def tall(self, place: Place) -> float:
        if not isinstance(place, str):
            return STOP_HEIGHT
        return max(BOX_HEIGHT, PORT * self._arriving[place] + 6)

    def left(self, depth: int) -> float:
        return MARGIN + depth * (BOX_WIDTH + self.gap)

    def top(self, place: Place) -> float:
        return self._tops[place]

    def middle(self, place: Place) -> float:
        return self._tops[place] + self.tall(place) / 2

    def port(self, edge: tuple[str, str]) -> float:
        return self._ports[edge]

    def path(self, edge: tuple[str, str]) -> str:
        """Level where it leaves, passes and arrives; curved in between."""
        source, target = edge
        x, y = self.left(self.depths[source]) + BOX_WIDTH, self.middle(source)
        parts = [f"M{x:.1f} {y:.1f}"]
        for place in path_of(edge, self.depths)[1:]:
            is_end = place == target
            depth = self.depths[target] if isinstance(place, str) else place[2]
            to_x = self.left(depth)
            to_y = self.port(edge) if is_end else self.middle(place)
            half = (x + to_x) / 2
            parts.append(f"C{half:.1f} {y:.1f} {half:.1f} {to_y:.1f} {to_x:.1f} {to_y:.1f}")
            x, y = to_x, to_y
            if not is_end:
                x += BOX_WIDTH
                parts.append(f"H{x:.1f}")
        return "".join(parts)


def _box(name: str, places: _Places, state: FlowState | None, hit: int, of: int) -> Box:
    lines = []
    if state is not None:
        bad = percent(state.failed)
        lines.append(f"{_drifting(state)} (usual {rate(state.usual_rate)})")
        lines.append(f"✘ {bad} failed" if state.is_worse else f"{bad} failed")
    title = f"{name}: {', '.join(lines) or 'counts nothing itself'}"
    if hit:
        title += f"; the fault hit {hit} of {of} instances"
    label = f"{name} ⚡ {hit} of {of}" if hit else name
    return Box(
        x=places.left(places.depths[name]),
        y=places.top(name),
        height=places.tall(name),
        name=label,
        lines=tuple(lines),
        is_worse=state is not None and state.is_worse,
        is_hit=bool(hit),
        title=title,
    )


def _drifting(state: FlowState) -> str:
    return f"{DRIFTS[state.drift]}{rate(state.rate)}"


def _arrow(state: FlowState, places: _Places) -> Arrow:
    edge = (state.caller, state.service)
    label = _drifting(state)
    if state.is_worse:
        replaced_mostly = state.replaced > state.failed
        share, word = (state.replaced, "fallback") if replaced_mostly else (state.failed, "failed")
        label += f" ✘ {percent(share)} {word}"
    title = (
        f"{state.caller} calls {state.service}: {rate(state.rate)}"
        f" (usual {rate(state.usual_rate)}), {percent(state.failed)} failed,"
        f" {percent(state.replaced)} answered by a fallback"
        f" (usual together {percent(state.usual_bad)})"
    )
    return Arrow(
        path=places.path(edge),
        x=places.left(places.depths[state.service]) - 6,
        y=places.port(edge) - 3,
        label=label,
        is_worse=state.is_worse,
        is_idle=not state.rate > 0,
        title=title,
    )
