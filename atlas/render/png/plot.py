"""The plotting area: what is filled, the grid over it, and the lines on top."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from atlas.graph import Axis, Graph, Line, LineStyle
from atlas.render.heatmap import HeatMap
from atlas.render.png.bounds import stack_edges
from atlas.render.png.columns import (
    fill_runs,
    line_runs,
    rows_of,
    step_of_column,
    whole_runs,
)
from atlas.render.png.heatmap import draw_cells
from atlas.render.png.pixels import Box, IntArray, Pixels
from atlas.render.png.scale import ValueScale
from atlas.render.png.style import Style
from atlas.render.png.theme import opaque, parse_argb
from atlas.render.png.time_ticks import TimeTicks
from atlas.render.png.value_ticks import ValueTicks

PEN_MAX = 50
NEARLY_ZERO = 1e-12
NO_DATA = " no data "


@dataclass(frozen=True, slots=True)
class Plot:
    """The lines of all axes, for each its scale and heat map, and the ticks of the grid."""

    graph: Graph
    scales: tuple[ValueScale, ...]
    heat_maps: tuple[HeatMap | None, ...]
    values: ValueTicks
    times: TimeTicks
    style: Style

    def draw(self, pixels: Pixels, box: Box) -> None:
        """Draw it into a box."""
        pixels.fill(box, opaque(self.style.theme.canvas))
        if all(np.isnan(line.values).all() for line in self.graph.lines):
            self._draw_grid(pixels, box)
            self._draw_no_data(pixels, box)
            return
        first_steps = step_of_column(self.graph.step_count, box.width)
        for heat_map, scale in zip(self.heat_maps, self.scales, strict=True):
            if heat_map is not None:
                draw_cells(pixels, box, heat_map, scale, first_steps)
        for axis, scale in zip(self.graph.axes, self.scales, strict=True):
            _draw_fills(pixels, box, axis, scale, first_steps)
        self._draw_grid(pixels, box)
        for axis, scale in zip(self.graph.axes, self.scales, strict=True):
            for line in _styled(axis, LineStyle.LINE):
                rows = rows_of(scale, line.values, box.height)
                width = min(PEN_MAX, max(0.0, line.width))  # a width may be NaN
                runs = line_runs(rows, first_steps, min(PEN_MAX, self.style.px(width)))
                pixels.fill_columns(box, *runs, parse_argb(line.color))

    def _draw_no_data(self, pixels: Pixels, box: Box) -> None:
        theme = self.style.theme
        levels = self.style.normal.levels(NO_DATA)
        left = box.left + (box.width - levels.shape[1]) // 2
        top = box.top + (box.height - levels.shape[0]) // 2
        pixels.fill(
            Box(left, top, left + levels.shape[1], top + levels.shape[0]), opaque(theme.canvas)
        )
        pixels.paste(left, top, levels, theme.frame, theme.canvas)

    def _draw_grid(self, pixels: Pixels, box: Box) -> None:
        theme, major, times = self.style.theme, self.values.values, self.times
        fine = set(self.values.minor) - set(major)
        fine_ms = set(times.minor_ms) - set(times.instants_ms)
        for values, instants_ms, color in (
            (fine, fine_ms, theme.minor_grid),
            (major, times.instants_ms, theme.major_grid),
        ):
            rows = rows_of(self.scales[0], np.array(list(values)), box.height)
            for top in _inside(np.rint(rows).astype(np.int64).tolist(), box.height):
                pixels.fill(Box(box.left, box.top + top, box.right, box.top + top + 1), color)
            columns = [column_of(self.graph, at_ms, box.width) for at_ms in instants_ms]
            for left in _inside(columns, box.width):
                pixels.fill(Box(box.left + left, box.top, box.left + left + 1, box.bottom), color)


def column_of(graph: Graph, at_ms: int, width: int) -> int:
    """The column of an instant: the value of a step holds for the time before it."""
    since_ms = at_ms - (graph.start_ms - graph.step_ms)
    return round(since_ms * width / (graph.step_count * graph.step_ms))


def _styled(axis: Axis, kind: LineStyle) -> list[Line]:
    return [line for line in axis.lines if line.style is kind]


def _inside(positions: Iterable[int], length: int) -> set[int]:
    """Those that are not on the edge."""
    return {position for position in positions if 0 < position < length - 1}


def _draw_fills(
    pixels: Pixels, box: Box, axis: Axis, scale: ValueScale, first_steps: IntArray
) -> None:
    for line in _styled(axis, LineStyle.VSPAN):
        runs = whole_runs(np.abs(line.values) >= NEARLY_ZERO, first_steps, box.height)
        pixels.fill_columns(box, *runs, parse_argb(line.color))
    foot = np.clip(rows_of(scale, np.zeros(1), box.height), 0, box.height - 1)
    for line in _styled(axis, LineStyle.AREA):
        runs = fill_runs(rows_of(scale, line.values, box.height), foot, first_steps)
        pixels.fill_columns(box, *runs, parse_argb(line.color))
    stacked = _styled(axis, LineStyle.STACK)
    for line, edges in zip(stacked, stack_edges(axis), strict=True):
        low, high = (rows_of(scale, edge, box.height) for edge in edges)
        pixels.fill_columns(box, *fill_runs(low, high, first_steps), parse_argb(line.color))
