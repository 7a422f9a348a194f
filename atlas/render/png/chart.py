"""A graph as an image: what goes where, and how large everything is.

Width and height of a graph are of the canvas, the plotting area, or of the whole image, as its
layout says; in an image of fixed height nothing stands below the time axes. Source: Atlas
`DefaultGraphEngine.scala`, `TimeSeriesGraph.scala`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from atlas.graph import AXIS_COUNT_MAX, Axis, Graph, Layout
from atlas.render.png.font import wrapped
from atlas.render.png.legend import frame_part, legend_parts
from atlas.render.png.part import Gap, Part, TextRow, notices
from atlas.render.png.pixels import Box, Pixels
from atlas.render.png.plot import Plot
from atlas.render.png.style import Style
from atlas.render.png.theme import theme_of
from atlas.render.png.time_axis import TimeAxis, time_axis
from atlas.render.png.value_axis import ValueAxis, value_axis

WIDTH_MAX, HEIGHT_MAX, CANVAS_MIN = 2000, 1000, 64
ZOOM_MIN, ZOOM_MAX = 0.5, 2.0
TITLE_ROWS_MAX = 3
NOTICES_MAX = 20
MARGIN_PX = 8
RIGHT_MARGIN_PX = 28  # half a label of the time axis


@dataclass(frozen=True, slots=True)
class Frame:
    """What is around the canvas; where only the canvas is drawn, there are no time axes."""

    above: tuple[Part, ...] = ()
    value_axes: tuple[ValueAxis, ...] = ()
    time_axes: tuple[TimeAxis, ...] = ()
    left: int = 0
    right: int = 0

    @property
    def top(self) -> int:
        """Rows above the canvas."""
        return sum(part.height for part in self.above)

    @property
    def bottom(self) -> int:
        """Rows of the time axes."""
        return sum(axis.height for axis in self.time_axes)


def draw_chart(graph: Graph) -> Pixels:
    """The image of a graph."""
    warnings = [*graph.notices[:NOTICES_MAX], *_own_warnings(graph)]
    graph = replace(graph, axes=graph.axes[:AXIS_COUNT_MAX] or (Axis(0),))
    is_fixed_height = graph.layout in (Layout.IMAGE, Layout.IMAGE_HEIGHT)
    theme = theme_of(graph.theme)
    if warnings and is_fixed_height:  # where there is no room for them, they shine through
        theme = replace(theme, background=theme.warning)
    style = Style(theme, min(max(ZOOM_MIN, graph.zoom), ZOOM_MAX))  # a zoom may be NaN
    frame, width, height = _fitted(graph, style)
    if not frame.value_axes:  # they are not drawn, but the canvas follows them
        axes = tuple(value_axis(axis, height, style) for axis in graph.axes)
        frame = replace(frame, value_axes=axes)
    below: list[Part] = []
    image_width = frame.left + width + frame.right
    if not is_fixed_height and not graph.is_only_graph:
        below = _below(graph, frame, warnings, image_width, style)
    image_height = frame.top + height + frame.bottom + sum(part.height for part in below)
    pixels = Pixels(image_width, image_height, theme.background)
    canvas = Box(frame.left, frame.top, frame.left + width, frame.top + height)
    _draw_parts(pixels, frame.above, 0)
    _draw_canvas(pixels, canvas, graph, frame, style)
    _draw_parts(pixels, below, canvas.bottom + frame.bottom)
    return pixels


def _own_warnings(graph: Graph) -> list[str]:
    """What was asked for and is not in the image."""
    found = {
        f"width {graph.width} was limited to {WIDTH_MAX}": graph.width > WIDTH_MAX,
        f"height {graph.height} was limited to {HEIGHT_MAX}": graph.height > HEIGHT_MAX,
        f"zoom {graph.zoom:g} was limited to {ZOOM_MAX:g}": graph.zoom > ZOOM_MAX,
        f"axes left out: {len(graph.axes) - AXIS_COUNT_MAX}": len(graph.axes) > AXIS_COUNT_MAX,
    }
    return [text for text, applies in found.items() if applies]


def _fitted(graph: Graph, style: Style) -> tuple[Frame, int, int]:
    """The frame and the size of the canvas; no frame if too little is left inside of it."""
    width, height = style.px(min(graph.width, WIDTH_MAX)), style.px(min(graph.height, HEIGHT_MAX))
    least = style.px(CANVAS_MIN)
    bare = Frame(), max(width, least), max(height, least)
    if graph.is_only_graph:
        return bare
    time_axes = tuple(time_axis(graph, zone, style) for zone in graph.zones)
    frame = Frame(_above(graph, max(width, least), style), time_axes=time_axes)
    if graph.layout in (Layout.IMAGE, Layout.IMAGE_HEIGHT):
        height -= frame.top + frame.bottom
        if height < least:
            return bare
    height = max(height, least)
    axes = tuple(value_axis(axis, height, style) for axis in graph.axes)
    frame = replace(
        frame,
        value_axes=axes,
        left=max(axes[0].width, *(axis.name_width for axis in time_axes)),
        right=max(sum(axis.width for axis in axes[1:]), style.px(RIGHT_MARGIN_PX)),
    )
    if graph.layout in (Layout.IMAGE, Layout.IMAGE_WIDTH):
        width -= frame.left + frame.right
        if width < least:
            return bare
    return frame, max(width, least), height


def _above(graph: Graph, width: int, style: Style) -> tuple[Part, ...]:
    theme, large = style.theme, style.large
    rows = wrapped(graph.title, width // large.width, TITLE_ROWS_MAX) if graph.title else []
    title = (TextRow(row, large, theme.text, theme.background, is_centred=True) for row in rows)
    return (Gap(style.px(MARGIN_PX)), *title, Gap(style.px(MARGIN_PX) if rows else 1))


def _below(
    graph: Graph, frame: Frame, warnings: Sequence[str], width: int, style: Style
) -> list[Part]:
    margin = Gap(style.px(MARGIN_PX))
    heat_maps = [axis.heat_map for axis in frame.value_axes]
    parts = legend_parts(graph, heat_maps, width - 2 * margin.height, style)
    if parts:
        parts += [margin, frame_part(graph, style)]
    if warnings:
        parts += [margin, notices(warnings, width - 2 * margin.height, style)]
    return [*parts, margin]


def _draw_parts(pixels: Pixels, parts: Sequence[Part], top: int) -> None:
    margin = MARGIN_PX
    for part in parts:
        part.draw(pixels, Box(margin, top, pixels.width - margin, top + part.height))
        top += part.height


def _draw_canvas(pixels: Pixels, canvas: Box, graph: Graph, frame: Frame, style: Style) -> None:
    axes = frame.value_axes
    time_axes = frame.time_axes or (time_axis(graph, graph.zones[0], style),)
    times = [axis.ticks(canvas.width) for axis in time_axes]
    scales = tuple(axis.scale for axis in axes)
    heat_maps = tuple(axis.heat_map for axis in axes)
    Plot(graph, scales, heat_maps, axes[0].ticks, times[0], style).draw(pixels, canvas)
    if not frame.time_axes:
        return
    axes[0].draw_left(pixels, canvas)
    left = canvas.right
    for axis in axes[1:]:
        axis.draw_right(pixels, canvas, left)
        left += axis.width
    top = canvas.bottom
    for zone_axis, ticks in zip(time_axes, times, strict=True):
        zone_axis.draw(pixels, canvas, top, ticks)
        top += zone_axis.height
