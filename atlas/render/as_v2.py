"""`format=v2.json`: a graph as a list of typed objects, for clients that draw for themselves."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import msgspec

from atlas.expr.number_format import statistic_text
from atlas.graph import Axis, Graph, Line
from atlas.render.heatmap import HeatMap, heat_map
from atlas.render.json_numbers import json_number, json_values
from atlas.render.png import render_png


def render(graph: Graph) -> bytes:
    """The image unless hinted away, the graph, its axes, then their lines.

    Axes have the number of their place, whatever the program calls them.
    """
    items: list[dict[str, Any]] = []
    if "no-image" not in graph.hints:
        items.append(_image(graph))
    items.append(graph_metadata(graph))
    for place, axis in enumerate(graph.axes):
        items.append(axis_metadata(place, axis))
        if (found := heat_map(axis, graph.height)) is not None:
            items.append(_heat_map(place, found))
    for place, axis in enumerate(graph.axes):
        items += _contents(place, axis)
    return msgspec.json.encode(items)


def graph_metadata(graph: Graph) -> dict[str, Any]:
    """What is true of the whole graph."""
    return _present(
        {
            "type": "graph-metadata",
            "startTime": graph.start_ms,
            "endTime": graph.end_ms,
            "timezones": graph.zones,
            "step": graph.step_ms,
            "width": graph.width,
            "height": graph.height,
            "layout": graph.layout,
            "zoom": graph.zoom,
            "title": graph.title,
            "legendType": graph.legend,
            "onlyGraph": graph.is_only_graph,
            "theme": graph.theme,
            "warnings": graph.notices,
            "renderingHints": graph.hints or None,
        }
    )


def axis_metadata(place: int, axis: Axis) -> dict[str, Any]:
    """What is true of one axis."""
    return _present(
        {
            "type": "plot-metadata",
            "id": place,
            "ylabel": axis.ylabel,
            "axisColor": axis.color,
            "scale": axis.scale,
            "upper": axis.upper,
            "lower": axis.lower,
            "tickLabelMode": axis.tick_labels,
        }
    )


def _image(graph: Graph) -> dict[str, Any]:
    data = base64.b64encode(render_png(graph)).decode()
    return {"type": "graph-image", "data": f"data:image/png;base64,{data}"}


def _heat_map(place: int, found: HeatMap) -> dict[str, Any]:
    """The cells, and what it takes to draw them alike; cells above the last tick have no entry."""
    options = found.options
    ends = json_values(found.edges)
    counts = [found.count_min, *found.color_scale.bounds()[1:]]
    return _present(
        {
            "type": "heatmap",
            "plot": place,
            "colorScale": options.scale,
            "upper": options.upper,
            "lower": options.lower,
            "label": options.label,
            "yTicks": [
                {"min": low, "max": high, "label": tick.label}
                for low, high, tick in zip(ends[:-2], ends[1:-1], found.ticks, strict=True)
            ],
            "colorTicks": [
                {
                    "color": color,
                    "min": json_number(low),
                    "max": json_number(high),
                    "label": statistic_text(high),
                }
                for color, (low, high) in zip(found.colors, pairwise(counts), strict=True)
            ],
            "data": {"type": "heatmap", "values": json_values(found.counts)},
        }
    )


def _contents(place: int, axis: Axis) -> Iterator[dict[str, Any]]:
    for line in axis.lines:
        yield _line(place, line)
    for text in axis.messages:
        yield {"type": "message", "plot": place, "label": text, "color": "ff000000"}


def _line(place: int, line: Line) -> dict[str, Any]:
    return _present(
        {
            "type": "timeseries",
            "id": line.id,
            "plot": place,
            "label": line.label,
            "color": line.color,
            "lineStyle": line.style,
            "lineWidth": line.width,
            "query": line.query or None,
            "groupByKeys": line.keys or None,
            "tags": line.tags,
            "data": {"type": "array", "values": json_values(line.values)},
        }
    )


def _present(document: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if value is not None}
