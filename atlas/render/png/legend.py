"""The legend: which colour is which line, and each line in a few numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType

from atlas.expr.instants import parse_zone
from atlas.expr.number_format import (
    Unit,
    binary_unit,
    decimal_unit,
    duration_unit,
    is_extreme,
    scientific_text,
    unit_text,
)
from atlas.expr.text import duration_text
from atlas.graph import Axis, Graph, LegendType, Line, LineStats, LineStyle, TickLabels
from atlas.render.heatmap import HeatMap
from atlas.render.png.font import shortened
from atlas.render.png.heatmap import HeatLegend
from atlas.render.png.part import Gap, Part, TextRow
from atlas.render.png.pixels import Box, Pixels
from atlas.render.png.style import Style
from atlas.render.png.theme import opaque, parse_argb
from atlas.render.png.time_ticks import instant_text

LINES_MAX = 50
GAP_PX = 4
GUTTER_PX = 18
NUMBER_CHARACTERS, UNIT_CHARACTERS = 9, 2
STATISTICS_CHARACTERS = 2 * (5 + NUMBER_CHARACTERS + UNIT_CHARACTERS) + 2
NUMBERS: Mapping[TickLabels, tuple[Callable[[float], Unit], int]] = MappingProxyType(
    {
        TickLabels.OFF: (decimal_unit, 3),
        TickLabels.DECIMAL: (decimal_unit, 3),
        TickLabels.BINARY: (binary_unit, 2),
        TickLabels.DURATION: (duration_unit, 2),
    }
)
"""The unit of a statistic, and its digits behind the point."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A line: colour, label and rows of statistics."""

    label: str
    color: str
    statistics: tuple[str, ...]

    def draw(self, pixels: Pixels, box: Box, style: Style) -> None:
        """Draw it into a box of the height of an entry."""
        theme, normal = style.theme, style.normal
        inset = style.px(3)
        square = Box(
            *(box.left, box.top + inset),
            *(box.left + normal.height - 2 * inset, box.top + normal.height - inset),
        )
        border = Box(square.left - 1, square.top - 1, square.right + 1, square.bottom + 1)
        pixels.fill(border, opaque(theme.frame))
        pixels.fill(square, opaque(theme.canvas))
        pixels.fill(square, parse_argb(self.color))
        left = box.left + indent(style)
        label = normal.levels(shortened(self.label, (box.right - left) // normal.width))
        pixels.paste(left, box.top, label, theme.text, theme.background)
        for i, row in enumerate(self.statistics):
            top = box.top + normal.height + i * style.small.height
            pixels.paste(left, top, style.small.levels(row), theme.text, theme.background)


@dataclass(frozen=True, slots=True)
class EntryRow:
    """Entries side by side."""

    entries: tuple[Entry, ...]
    column_count: int
    style: Style

    @property
    def height(self) -> int:
        """That of the label and the statistics."""
        statistics = self.entries[0].statistics
        return self.style.normal.height + len(statistics) * self.style.small.height

    def draw(self, pixels: Pixels, box: Box) -> None:
        """Draw them in columns of equal width."""
        gutter = self.style.px(GUTTER_PX)
        pitch = (box.width + gutter) // self.column_count
        for i, entry in enumerate(self.entries):
            left = box.left + 1 + i * pitch
            right = min(left + pitch - gutter, box.right)
            entry.draw(pixels, Box(left, box.top, right, box.bottom), self.style)


def indent(style: Style) -> int:
    """From the left of an entry to its label."""
    return style.normal.height


def legend_parts(
    graph: Graph, heat_maps: Sequence[HeatMap | None], width: int, style: Style
) -> list[Part]:
    """The legend in a width, from top to bottom; none if it is off.

    heat_maps: one for each axis; the lines that are in it have no entry of their own.
    """
    if graph.legend is LegendType.OFF:
        return []
    graph = replace(graph, axes=tuple(map(_without_cells, graph.axes)))
    statistics_width = indent(style) + STATISTICS_CHARACTERS * style.small.width
    has_statistics = graph.legend is LegendType.LABELS_WITH_STATS and width >= statistics_width
    count_max = LINES_MAX
    if len(graph.lines) > LINES_MAX:
        count_max = max(1, LINES_MAX // len(graph.axes))
    shown = [line for axis in graph.axes for line in axis.lines[:count_max]]
    label_width = max((len(line.label) for line in shown), default=0) * style.normal.width
    entry_width = max(indent(style) + label_width, statistics_width if has_statistics else 0)
    gutter = style.px(GUTTER_PX)
    column_count = max(1, (width + gutter) // (entry_width + gutter))
    parts: list[Part] = [Gap(style.px(2 * GAP_PX))]
    for axis, heat_map in zip(graph.axes, heat_maps, strict=True):
        if len(graph.axes) > 1:
            parts += _header(axis, style)
        if heat_map is not None:
            parts += [HeatLegend(heat_map, style), Gap(style.px(GAP_PX))]
        entries = [_entry(line, axis, has_statistics) for line in axis.lines[:count_max]]
        for i in range(0, len(entries), column_count):
            row = EntryRow(tuple(entries[i : i + column_count]), column_count, style)
            parts += [row, Gap(style.px(GAP_PX))]
        texts = [f"… {len(axis.lines) - count_max} more"] if len(axis.lines) > count_max else []
        parts += [_text(text, style) for text in (*texts, *axis.messages)]
    return parts


def frame_part(graph: Graph, style: Style) -> Part:
    """From when to when the graph is, and in which steps."""
    length, step = (duration_text(ms) for ms in (graph.step_count * graph.step_ms, graph.step_ms))
    end = instant_text(graph.end_ms - graph.step_ms, parse_zone(graph.zones[0]))
    text = f"Frame {length} · End {end} · Step {step}"
    return TextRow(text, style.small, style.theme.text, style.theme.background)


def _without_cells(axis: Axis) -> Axis:
    lines = tuple(line for line in axis.lines if line.style is not LineStyle.HEATMAP)
    return replace(axis, lines=lines)


def _header(axis: Axis, style: Style) -> list[Part]:
    name = f"Axis {axis.number}" + (f": {axis.ylabel}" if axis.ylabel else "")
    color = parse_argb(axis.color).rgb if axis.color else style.theme.text
    row = TextRow(name, style.normal, color, style.theme.background)
    return [Gap(style.px(GAP_PX)), row, Gap(style.px(GAP_PX))]


def _text(text: str, style: Style) -> Part:
    return TextRow(text, style.normal, style.theme.text, style.theme.background)


def _entry(line: Line, axis: Axis, has_statistics: bool) -> Entry:
    if not has_statistics:
        return Entry(line.label, line.color, ())
    return Entry(line.label, line.color, _statistics(line.stats, axis.tick_labels))


def _statistics(stats: LineStats, mode: TickLabels) -> tuple[str, ...]:
    """Three rows of two numbers, the points below each other."""
    unit_of, digits = NUMBERS[mode]
    shown = partial(_number, unit_of=unit_of, digits=digits)
    return (
        f"Max  {shown(stats.max)}  Min  {shown(stats.min)}",
        f"Avg  {shown(stats.avg)}  Last {shown(stats.last)}",
        f"Tot  {shown(stats.total)}  Cnt  {stats.count:>{NUMBER_CHARACTERS}}",
    )


def _number(value: float, unit_of: Callable[[float], Unit], digits: int) -> str:
    """A number in its unit, the number to the right and the unit to the left."""
    if is_extreme(value):
        return f"{scientific_text(value, 1):>{NUMBER_CHARACTERS}}{'':{UNIT_CHARACTERS}}"
    unit = unit_of(value)
    number = unit_text(value, Unit("", unit.factor), digits)
    symbol = unit.symbol if math.isfinite(value) else ""
    return f"{number:>{NUMBER_CHARACTERS}}{symbol:<{UNIT_CHARACTERS}}"
