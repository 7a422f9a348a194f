"""A value axis: its line, ticks, their labels and what it is called."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from atlas.graph import Axis
from atlas.render.heatmap import HeatMap, heat_map
from atlas.render.png.bounds import value_scale
from atlas.render.png.columns import rows_of
from atlas.render.png.font import shortened
from atlas.render.png.heatmap import cell_scale, cell_value_ticks
from atlas.render.png.pixels import Box, Pixels
from atlas.render.png.scale import ValueScale
from atlas.render.png.style import Style
from atlas.render.png.theme import Rgb, opaque, parse_argb
from atlas.render.png.value_ticks import ValueTicks, value_ticks

ROWS_PER_TICK = 2.6  # heights of a label from one to the next, at least
TICK_PX = 4
GAP_PX = 3
MARGIN_PX = 5


@dataclass(frozen=True, slots=True)
class ValueAxis:
    """An axis as it is drawn beside a canvas of a height."""

    axis: Axis
    scale: ValueScale
    ticks: ValueTicks
    style: Style
    heat_map: HeatMap | None = None

    @property
    def width(self) -> int:
        """Columns that it takes."""
        label_width = max((len(label) for label in self.ticks.labels), default=0)
        width = label_width * self.style.small.width + self.style.px(TICK_PX + GAP_PX + MARGIN_PX)
        return width + (self._name_width if self.axis.ylabel else 0)

    @property
    def _name_width(self) -> int:
        return self.style.normal.height + self.style.px(2 * GAP_PX)

    @property
    def _color(self) -> Rgb | None:
        return parse_argb(self.axis.color).rgb if self.axis.color else None

    def draw_left(self, pixels: Pixels, canvas: Box) -> None:
        """Draw it to the left of the canvas."""
        style, color = self.style, self._color or self.style.theme.frame
        line = canvas.left - 1
        pixels.fill(Box(line, canvas.top, canvas.left, canvas.bottom), opaque(color))
        labels_right = line - style.px(TICK_PX + GAP_PX)
        for row, label in self._labels(canvas):
            pixels.fill(Box(line - style.px(TICK_PX), row, line, row + 1), opaque(color))
            self._draw_label(pixels, labels_right - len(label) * style.small.width, row, label)
        if self.axis.ylabel:
            self._draw_name(pixels, canvas.left - self.width + style.px(MARGIN_PX), canvas)

    def draw_right(self, pixels: Pixels, canvas: Box, left: int) -> None:
        """Draw it to the right of the canvas, from column `left` on."""
        style, color = self.style, self._color or self.style.theme.frame
        pixels.fill(Box(left, canvas.top, left + 1, canvas.bottom), opaque(color))
        for row, label in self._labels(canvas):
            pixels.fill(Box(left + 1, row, left + 1 + style.px(TICK_PX), row + 1), opaque(color))
            self._draw_label(pixels, left + 1 + style.px(TICK_PX + GAP_PX), row, label)
        if self.axis.ylabel:
            right = left + self.width - style.px(MARGIN_PX)
            self._draw_name(pixels, right - style.normal.height, canvas)

    def _labels(self, canvas: Box) -> list[tuple[int, str]]:
        rows = rows_of(self.scale, np.array(self.ticks.values), canvas.height)
        tops = (canvas.top + np.rint(rows).astype(np.int64)).tolist()
        return [(top, label) for top, label in zip(tops, self.ticks.labels, strict=True) if label]

    def _draw_label(self, pixels: Pixels, left: int, row: int, label: str) -> None:
        theme = self.style.theme
        levels = self.style.small.levels(label)
        top = row - levels.shape[0] // 2
        pixels.paste(left, top, levels, self._color or theme.text, theme.background)

    def _draw_name(self, pixels: Pixels, left: int, canvas: Box) -> None:
        theme, normal = self.style.theme, self.style.normal
        text = shortened(self.axis.ylabel or "", canvas.height // normal.width)
        levels = np.rot90(normal.levels(text))
        top = canvas.top + (canvas.height - levels.shape[0]) // 2
        pixels.paste(left, top, levels, self._color or theme.text, theme.background)


def value_axis(axis: Axis, canvas_height: int, style: Style) -> ValueAxis:
    """An axis with its bounds and ticks; where it has a heat map, with those of the cells."""
    count_max = max(2, int(canvas_height / (style.small.height * ROWS_PER_TICK)))
    # Cells depend on the height that was asked for, whatever the zoom.
    found = heat_map(axis, round(canvas_height / style.zoom))
    scale = value_scale(axis) if found is None else cell_scale(axis, found)
    ticks = None if found is None else cell_value_ticks(axis, found, scale)
    ticks = ticks or value_ticks(scale, count_max, axis.tick_labels)
    return ValueAxis(axis, scale, ticks, style, found)
