"""The shapes of a check's chart and of the timeline, as numbers for a drawing. Pure.

All shapes live on a canvas of WIDTH by the given height; the template puts them into SVG.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from chaosctl.engine.series import Line, RunSeries
from chaosctl.judge.samples import NO_SERIES, Series, Span, step_ends
from chaosctl.report.evidence import band_of, windows_of
from chaosctl.report.symbols import number

WIDTH, HEIGHT = 900, 190
LEFT, RIGHT, TOP, BOTTOM = 104, 8, 8, 20
SQUEEZED_MAX = 2.0
"""A stop line farther off than so many times the height of the rest is not shown in its place."""

POINTS_MAX = 600
"""More steps than that are drawn as the least and the greatest of each stretch."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Level:
    """A horizontal line. kind: limit or stop; text_y: where its label stands."""

    y: float
    text_y: float
    kind: str
    label: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis, and what stands beside it."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Chart:
    """One check or stop condition. raw, judged: SVG paths; what is judged may be a mean of steps.

    corridor: the area of a forecast. other: the path of what the values are compared with, and
    against its query; both as judged. All empty where there is no such thing.
    number: of the line in the run's data; start_ms, end_ms: what the width stands for.
    """

    number: int
    name: str
    is_stop: bool
    span: Span
    faults: tuple[Box, ...]
    baseline: Box | None
    band: Box | None
    gaps: tuple[Box, ...]
    levels: tuple[Level, ...]
    raw: str
    judged: str
    corridor: str
    other: str
    against: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]


@dataclass(frozen=True, slots=True)
class Scale:
    """From values to places."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """The place of a value, to a tenth of a pixel."""
        share = (value - self.low) / (self.high - self.low) if self.high > self.low else 0.5
        return round(self.start + share * (self.end - self.start), 1)

    def inside(self, value: float) -> float:
        """The place of a value, or of the nearest end."""
        return self(min(max(value, self.low), self.high))


def time_scale(span: Span) -> Scale:
    """The one time axis that all drawings of a run share."""
    return Scale(span.start_ms, max(span.end_ms, span.start_ms + 1), LEFT, WIDTH - RIGHT)


def time_ticks(span: Span, zero_ms: int) -> tuple[Tick, ...]:
    """Seconds since zero_ms, the start of the run, at round numbers."""
    x = time_scale(span)
    every = _round_step((span.end_ms - span.start_ms) / 9000, (1, 2, 5, 10))
    first = math.ceil((span.start_ms - zero_ms) / 1000 / every)
    count = int((span.end_ms - zero_ms) / 1000 / every) - first + 1
    seconds = [(first + number) * every for number in range(count)]
    return tuple(Tick(x(zero_ms + at * 1000), f"{at:+g} s") for at in seconds)


def draw_chart(
    series: RunSeries,
    index: int,
    *,
    span: Span,
    zero_ms: int,
    data: Span,
    faults: Sequence[Span],
    stops: Iterable[Line] = (),
    beside: Iterable[float] = (),
) -> Chart:
    """The chart of one line. data: where steps were expected; stops: conditions on its query;
    beside: values of a chart that is to have the same scale."""
    line = series.lines[index]
    values = series.of(line)
    judged = windows_of(line, values, series.step_ms)
    x = time_scale(span)
    own = "stop" if line.is_stop else "limit"
    levels = [(limit, own, line.limit_text) for limit in line.limits]
    for stop in stops:
        levels += [(limit, "stop", f"stop: {stop.name} {stop.limit_text}") for limit in stop.limits]
    levels = [level for level in levels if math.isfinite(level[0])]
    low, high = band_of(line, series.step_ms)
    other = series.samples.get(line.against, NO_SERIES)
    y = _value_scale(
        [*values.values(), *other.values(), *beside, line.usual, *line.limits],
        [*(at for at, *_ in levels), *low.values(), *high.values()],
    )
    return Chart(
        number=index,
        name=line.name,
        is_stop=line.is_stop,
        span=span,
        faults=tuple(_column(x, fault) for fault in faults),
        baseline=_column(x, series.baseline) if series.baseline else None,
        band=_band(line, y),
        gaps=_gaps(values, data, series.step_ms, x),
        levels=tuple(
            _level(y, value, kind, label, line.comparison) for value, kind, label in levels
        ),
        raw=_path(values, series.step_ms, x, y),
        judged=_path(judged, series.step_ms, x, y) if line.over_ms > series.step_ms else "",
        corridor=_area(low, high, x, y),
        other=_path(other, series.step_ms, x, y),
        against=line.against,
        x_ticks=time_ticks(span, zero_ms),
        y_ticks=_value_ticks(y),
    )


def _level(y: Scale, value: float, kind: str, label: str, comparison: str) -> Level:
    """With its label on the side where the line should not be, if there is room."""
    if not y.low <= value <= y.high:
        label = f"{label} ({number(value)}: off this chart)"
    at = min(max(y(value), TOP + 1.0), HEIGHT - BOTTOM - 1.0)
    is_below = kind == "limit" and comparison in ("at-least", "above")
    is_below = (is_below or at < TOP + 13) and at < HEIGHT - BOTTOM - 13
    return Level(at, at + 11 if is_below else at - 3, kind, label)


def _column(x: Scale, span: Span) -> Box:
    left = x(span.start_ms)
    return Box(left, TOP, round(max(1.0, x(span.end_ms) - left), 1), HEIGHT - TOP - BOTTOM)


def _band(line: Line, y: Scale) -> Box | None:
    """Between the least and the greatest value of the baseline."""
    if not (math.isfinite(line.low) and math.isfinite(line.high)):
        return None
    top = y(line.high)
    return Box(LEFT, top, WIDTH - LEFT - RIGHT, round(max(1.0, y(line.low) - top), 1))


def _gaps(values: Series, data: Span, step_ms: int, x: Scale) -> tuple[Box, ...]:
    """The stretches where data was expected and there is none."""
    missing = [end for end in step_ends(data, step_ms) if end not in values]
    spans: list[Span] = []
    for end in missing:
        if spans and spans[-1].end_ms == end - step_ms:
            spans[-1] = Span(spans[-1].start_ms, end)
        else:
            spans.append(Span(end - step_ms, end))
    return tuple(_column(x, span) for span in spans)


def _path(values: Series, step_ms: int, x: Scale, y: Scale) -> str:
    """An SVG path that is broken where a step has no value."""
    parts: list[str] = []
    last_ms = None
    for end, value in _thinned(values).items():
        if not math.isfinite(value):
            last_ms = None
            continue
        is_next = last_ms is not None and (end - last_ms <= step_ms or len(values) > POINTS_MAX)
        parts.append(f"{'L' if is_next else 'M'}{x(end):g} {y(value):g}")
        if not is_next:
            parts.append("h.1")  # so that a step alone between gaps is seen
        last_ms = end
    return "".join(parts)


def _area(low: Series, high: Series, x: Scale, y: Scale) -> str:
    """What lies between two lines, cut off where the chart ends."""
    ends = sorted(end for end in low if math.isfinite(low[end]) and math.isfinite(high[end]))
    if not ends:
        return ""
    there = [f"{x(end):g} {y.inside(high[end]):g}" for end in ends]
    back = [f"{x(end):g} {y.inside(low[end]):g}" for end in reversed(ends)]
    return f"M{'L'.join([*there, *back])}Z"


def _thinned(values: Series) -> Series:
    ends = sorted(values)
    if len(ends) <= POINTS_MAX:
        return {end: values[end] for end in ends}
    size = math.ceil(2 * len(ends) / POINTS_MAX)
    kept: set[int] = set()
    for start in range(0, len(ends), size):
        stretch = ends[start : start + size]
        kept |= {min(stretch, key=lambda e: values[e]), max(stretch, key=lambda e: values[e])}
    return {end: values[end] for end in sorted(kept)}


def _value_scale(values: Iterable[float], others: Iterable[float]) -> Scale:
    """For the values; the others are in, too, unless the values would be squeezed by them."""
    known = [value for value in values if math.isfinite(value)]
    low, high = min(known, default=0.0), max(known, default=1.0)
    reach = SQUEEZED_MAX * ((high - low) or abs(high) or 1.0)
    near = [value for value in others if low - reach <= value <= high + reach]
    low, high = min([low, *near]), max([high, *near])
    room = (high - low) * 0.08 or abs(high) * 0.1 or 1.0
    foot = 0.0 if 0 <= low < room * 2 else low - room
    return Scale(foot, high + room, HEIGHT - BOTTOM, TOP)


def _value_ticks(y: Scale) -> tuple[Tick, ...]:
    every = _round_step((y.high - y.low) / 4, (1, 2, 2.5, 5, 10))
    first = math.ceil(y.low / every)
    count = min(12, int(y.high / every) - first + 1)
    return tuple(
        Tick(y((first + number_) * every), number((first + number_) * every))
        for number_ in range(count)
    )


def _round_step(least: float, mantissas: Sequence[float]) -> float:
    """The smallest round number that is not below `least`.

    >>> _round_step(0.03, (1, 2, 5, 10)), _round_step(7, (1, 2, 5, 10))
    (0.05, 10.0)
    """
    if not least > 0 or not math.isfinite(least):
        return 1.0
    power = 10.0 ** math.floor(math.log10(least))
    return next(float(m * power) for m in mantissas if m * power >= least * (1 - 1e-9))


def numbers_of(series: RunSeries) -> list[Mapping[str, object]]:
    """The lines' values as a report embeds them: six digits, None for a gap."""
    found: list[Mapping[str, object]] = []
    for line in series.lines:
        values = series.of(line)
        judged = windows_of(line, values, series.step_ms)
        other = series.samples.get(line.against, NO_SERIES)
        start_ms = min(values, default=0)
        ends = range(start_ms, max(values, default=-1) + 1, series.step_ms)
        found.append(
            line.as_json()
            | {
                "start_ms": start_ms,
                "step_ms": series.step_ms,
                "values": [_short(values.get(end)) for end in ends],
                "judged": [_short(judged.get(end)) for end in ends] if line.over_ms else [],
                "others": [_short(other.get(end)) for end in ends] if line.against else [],
            }
        )
    return found


def _short(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(f"{value:.6g}")
