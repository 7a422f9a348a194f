"""`format=json` and `std.json`: a row of values per step; what is not a number is text."""

from __future__ import annotations

import msgspec
import numpy as np
import numpy.typing as npt

from atlas.eval.graph import GraphData
from atlas.store.block import FloatArray


def render(graph: GraphData) -> bytes:
    """The answer's body."""
    table = graph.values.T
    is_plain = bool(np.isfinite(table).all())
    return msgspec.json.encode(
        {
            "start": graph.start_ms,
            "step": graph.step_ms,
            "legend": graph.legends,
            "metrics": graph.tags,
            "values": (table if is_plain else _with_text(table)).tolist(),
            "notices": [],
        }
    )


def _with_text(table: FloatArray) -> npt.NDArray[np.object_]:
    """The table with text where JSON has no number."""
    mixed = table.astype(object)
    mixed[np.isnan(table)] = "NaN"
    mixed[np.isposinf(table)] = "Infinity"
    mixed[np.isneginf(table)] = "-Infinity"
    return mixed
