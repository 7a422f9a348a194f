"""`format=json`, `std.json` and `stats.json`: values in rows of a step each, or statistics."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import msgspec

from atlas.graph import Graph
from atlas.render.json_numbers import json_number, json_values, table


def render(graph: Graph) -> bytes:
    """Start, step, legends, tags, values and notices."""
    values = table([line.values for line in graph.lines], graph.step_count)
    return msgspec.json.encode(
        {
            "start": graph.start_ms,
            "step": graph.step_ms,
            **_lines(graph),
            "values": json_values(values),
            "notices": graph.notices,
        }
    )


def render_stats(graph: Graph) -> bytes:
    """The statistics of each line in the place of its values."""
    stats = [
        {name: json_number(value) if name != "count" else value for name, value in pairs}
        for pairs in (asdict(line.stats).items() for line in graph.lines)
    ]
    return msgspec.json.encode(
        {
            "start": graph.start_ms,
            "end": graph.end_ms,
            "step": graph.step_ms,
            **_lines(graph),
            "stats": stats,
            "notices": graph.notices,
        }
    )


def _lines(graph: Graph) -> dict[str, Any]:
    return {
        "legend": [line.label for line in graph.lines],
        "metrics": [dict(sorted(line.tags.items())) for line in graph.lines],
    }
