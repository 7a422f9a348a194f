"""Heat maps: cells on the canvas, and in the legend a strip of the colours with their counts."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from atlas.expr.number_format import statistic_text
from atlas.graph import Axis, Scale
from atlas.render.heatmap import HeatMap
from atlas.render.png.bounds import LARGEST
from atlas.render.png.columns import rows_of
from atlas.render.png.font import shortened
from atlas.render.png.pixels import Box, IntArray, Pixels
from atlas.render.png.scale import ValueScale
from atlas.render.png.style import Style
from atlas.render.png.theme import opaque, parse_argb
from atlas.render.png.tick_labels import label_of_each, labels_in_one_unit
from atlas.render.png.value_ticks import ValueTicks

LABEL = "Heatmap"
STRIP_CHARACTERS = 38
STRIP_PX = 8
TICK_PX = 4
FEWEST = 2  # labels, so that an axis can be read


def cell_scale(axis: Axis, heat_map: HeatMap) -> ValueScale:
    """The scale of the axis: its cells fill the canvas, without the room that lines are given."""
    lower, upper = np.clip(heat_map.edges[[0, -1]], -LARGEST, LARGEST).tolist()
    return ValueScale(axis.scale, lower, upper)


def cell_value_ticks(axis: Axis, heat_map: HeatMap, scale: ValueScale) -> ValueTicks | None:
    """The ticks at which cells end, so that the grid shows where they do; None if too few."""
    ticks = [tick for tick in heat_map.ticks if scale.lower <= tick.value <= scale.upper]
    values = [tick.value for tick in ticks if tick.is_major]
    if len(values) < FEWEST:
        return None
    step = values[1] - values[0]
    if axis.scale is Scale.LINEAR and step > 0:
        texts = labels_in_one_unit(values, step, axis.tick_labels)
    else:
        texts = label_of_each(values, axis.tick_labels)
    minor = tuple(tick.value for tick in ticks if not tick.is_major)
    return ValueTicks(tuple(values), tuple(texts), minor)


def draw_cells(
    pixels: Pixels, box: Box, heat_map: HeatMap, scale: ValueScale, first_steps: IntArray
) -> None:
    """Draw the cells; a column that shows several steps shows the highest count of each cell."""
    by_column = np.maximum.reduceat(heat_map.color_indexes(), first_steps, axis=0)
    # What is at a tick or above belongs to the upper one of two cells.
    ends = np.rint(rows_of(scale, heat_map.edges[1:-1], box.height))
    cell_of_row = len(ends) - np.searchsorted(ends[::-1], np.arange(box.height))
    shown = by_column[:, cell_of_row].T
    for i in np.unique(shown).tolist():
        if i >= 0:
            pixels.fill_where(box, shown == i, parse_argb(heat_map.colors[i]))


@dataclass(frozen=True, slots=True)
class HeatLegend:
    """What the heat map is called, its colours, and the counts at which they change."""

    heat_map: HeatMap
    style: Style

    @property
    def height(self) -> int:
        """Rows of the name, the strip and its counts."""
        strip = self.style.px(STRIP_PX) + self.style.px(TICK_PX)
        return self.style.normal.height + strip + self.style.small.height

    def draw(self, pixels: Pixels, box: Box) -> None:
        """Draw them below each other."""
        style, theme, normal = self.style, self.style.theme, self.style.normal
        left = box.left + normal.height  # where labels of lines begin
        label = shortened(self.heat_map.options.label or LABEL, (box.right - left) // normal.width)
        pixels.paste(left, box.top, normal.levels(label), theme.text, theme.background)
        colors, margin = self.heat_map.colors, normal.height
        width = min(STRIP_CHARACTERS * style.small.width, box.right - left - margin)
        ends = [left + width * i // len(colors) for i in range(len(colors) + 1)]
        top = box.top + normal.height
        bottom = top + style.px(STRIP_PX)
        pixels.fill(Box(left - 1, top - 1, left + width + 1, bottom + 1), opaque(theme.frame))
        pixels.fill(Box(left, top, left + width, bottom), opaque(theme.canvas))
        for color, (begin, end) in zip(colors, pairwise(ends), strict=True):
            pixels.fill(Box(begin, top, end, bottom), parse_argb(color))
        self._draw_counts(pixels, ends, bottom)

    def _draw_counts(self, pixels: Pixels, ends: list[int], top: int) -> None:
        """Write the first and the last count, and those between them if all have room."""
        style, theme, small = self.style, self.style.theme, self.style.small
        tick = style.px(TICK_PX)
        texts = [statistic_text(bound).strip() for bound in self.heat_map.color_scale.bounds()]
        needed = (max(map(len, texts)) + 1) * small.width
        has_room = (ends[-1] - ends[0]) // (len(ends) - 1) >= needed
        for i, (at, text) in enumerate(zip(ends, texts, strict=True)):
            pixels.fill(Box(at, top, at + 1, top + tick), opaque(theme.frame))
            if has_room or i in (0, len(ends) - 1):
                left = max(0, at - len(text) * small.width // 2)
                pixels.paste(left, top + tick, small.levels(text), theme.text, theme.background)
