"""The steps of a graph: how a time range becomes a window that fits its width.

Source: Atlas `GraphConfig.scala`, `Step.scala`.
"""

from __future__ import annotations

from atlas.errors import BadData
from atlas.model import EvalContext

POINTS_MAX = 1440
"""Most points of a line, however wide the graph, unless a server is set otherwise."""

_DAY_MS = 86_400_000
_ALLOWED_MS = (
    *(1, 5, 10, 50, 100, 500),
    *(1000 * n for n in (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30)),
    *(60_000 * n for n in (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30)),
    *(3_600_000 * n for n in (1, 2, 3, 4, 6, 8, 12)),
)


def graph_window(
    start_ms: int,
    end_ms: int,
    *,
    step_ms: int | None,
    width: int,
    own_step_ms: int,
    block_ms: int,
    point_count_max: int = POINTS_MAX,
) -> EvalContext:
    """The window to evaluate for a range. Its first step is not shown, but is seen by every word.

    step_ms: the step asked for, or None. own_step_ms, block_ms: those of the store.
    """
    asked_ms = readable_step(max(own_step_ms, step_ms or own_step_ms), own_step_ms, block_ms)
    points_max = min(point_count_max, width)
    count = (end_ms - start_ms) // asked_ms
    longer_ms = max(1, -(-count // points_max)) * asked_ms
    graph_ms = readable_step(longer_ms, own_step_ms, block_ms)
    first_ms = start_ms // graph_ms * graph_ms
    last_ms = end_ms // graph_ms * graph_ms
    if first_ms == last_ms:
        first_ms -= graph_ms
    if graph_ms % own_step_ms:
        raise BadData(
            "requirement failed: consolidated step must be multiple of db step",
            fix=f"ask for a step that is a multiple of {own_step_ms} ms",
        )
    return EvalContext(first_ms, last_ms + graph_ms, graph_ms)


def readable_step(step_ms: int, own_step_ms: int, block_ms: int) -> int:
    """The next step at or above `step_ms` that people can read off a graph."""
    for allowed_ms in _ALLOWED_MS:
        fits = block_ms % allowed_ms == 0 or allowed_ms % block_ms == 0
        if allowed_ms >= step_ms and fits and allowed_ms % own_step_ms == 0:
            return allowed_ms
    return -(-step_ms // _DAY_MS) * _DAY_MS
