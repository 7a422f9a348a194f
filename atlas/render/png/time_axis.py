"""A time axis below the canvas: ticks, labels and the zone's name, once for each zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo

from atlas.expr.instants import parse_zone
from atlas.graph import Graph
from atlas.render.png.pixels import Box, Pixels
from atlas.render.png.plot import column_of
from atlas.render.png.style import Style
from atlas.render.png.theme import opaque
from atlas.render.png.time_ticks import TimeTicks, time_ticks, zone_name

LABEL_CHARACTERS = 8  # as in 10:15:30
GAP_CHARACTERS = 3
TICK_PX = 4
GAP_PX = 2
MARGIN_PX = 4


@dataclass(frozen=True, slots=True)
class TimeAxis:
    """The axis of a zone as it is drawn below a canvas."""

    graph: Graph
    zone: tzinfo
    style: Style

    @property
    def height(self) -> int:
        """Rows that it takes."""
        return self.style.px(TICK_PX + GAP_PX) + self.style.small.height

    @property
    def name(self) -> str:
        """What the zone is called in the time that is shown."""
        return zone_name(*self._window_ms, self.zone)

    @property
    def name_width(self) -> int:
        """Columns that it needs to the left of the canvas."""
        return len(self.name) * self.style.small.width + self.style.px(2 * MARGIN_PX)

    @property
    def _window_ms(self) -> tuple[int, int]:
        return self.graph.start_ms - self.graph.step_ms, self.graph.end_ms - self.graph.step_ms

    def ticks(self, canvas_width: int) -> TimeTicks:
        """As many as fit; none if there are no steps."""
        if not self.graph.step_count:
            return TimeTicks((), ())
        label_width = (LABEL_CHARACTERS + GAP_CHARACTERS) * self.style.small.width
        return time_ticks(*self._window_ms, self.zone, max(1, canvas_width // label_width))

    def draw(self, pixels: Pixels, canvas: Box, top: int, ticks: TimeTicks) -> None:
        """Draw it from row `top` on, over the width of the canvas."""
        style, theme = self.style, self.style.theme
        pixels.fill(Box(canvas.left - 1, top, canvas.right, top + 1), opaque(theme.frame))
        text_top = top + style.px(TICK_PX + GAP_PX)
        name_left = canvas.left - self.name_width + style.px(MARGIN_PX)
        name = style.small.levels(self.name)
        pixels.paste(name_left, text_top, name, theme.text, theme.background)
        free_from = name_left + name.shape[1] + style.px(MARGIN_PX)
        for at_ms, label in zip(ticks.instants_ms, ticks.labels, strict=True):
            column = canvas.left + column_of(self.graph, at_ms, canvas.width)
            tick = Box(column, top, column + 1, top + 1 + style.px(TICK_PX))
            pixels.fill(tick, opaque(theme.frame))
            levels = style.small.levels(label)
            left = column - levels.shape[1] // 2
            if left >= free_from and left + levels.shape[1] <= pixels.width:
                pixels.paste(left, text_top, levels, theme.text, theme.background)
                free_from = left + levels.shape[1] + style.small.width


def time_axis(graph: Graph, zone_id: str, style: Style) -> TimeAxis:
    """The axis of a zone by its name."""
    return TimeAxis(graph, parse_zone(zone_id), style)
