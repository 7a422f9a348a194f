"""`format=json` and `std.json`: a row of values per step; what is not a number is text."""

from __future__ import annotations

import msgspec
import numpy as np

from atlas.eval.graph import GraphData


def render(graph: GraphData) -> bytes:
    """The answer's body."""
    rows: list[list[float | str]] = graph.values.T.tolist()
    for column, row in np.argwhere(~np.isfinite(graph.values)).tolist():
        rows[row][column] = _text(graph.values[column, row])
    return msgspec.json.encode(
        {
            "start": graph.start_ms,
            "step": graph.step_ms,
            "legend": graph.legends,
            "metrics": graph.tags,
            "values": rows,
            "notices": [],
        }
    )


def _text(value: float) -> str:
    if np.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"
