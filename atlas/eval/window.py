"""The steps of a graph: how a time range becomes a window that fits its width.

Source: Atlas `GraphConfig.scala`, `Step.scala`. There a step must also divide the time of a block,
or be a multiple of it, as steps are joined block by block. With the usual blocks of an hour every
readable step does. Ours are joined across blocks, so the length of a block, which is another for
every step of a store, does not matter.
"""

from __future__ import annotations

import math

from atlas.model import EvalContext

POINTS_MAX = 1440
"""Most points of a line, however wide the graph, unless a server is set otherwise."""

_DAY_MS = 86_400_000
_COUNTS = (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30)
_READABLE_MS = (
    *(1, 5, 10, 50, 100, 500),
    *(1000 * n for n in _COUNTS),
    *(60_000 * n for n in _COUNTS),
    *(3_600_000 * n for n in (1, 2, 3, 4, 6, 8, 12)),
)


def graph_window(
    start_ms: int,
    end_ms: int,
    *,
    step_ms: int | None,
    width: int,
    own_step_ms: int,
    point_count_max: int = POINTS_MAX,
) -> EvalContext:
    """The window to evaluate for a range. Its first step is not shown, but is seen by every word.

    step_ms: the step asked for, or None. own_step_ms: the store's.
    """
    asked_ms = readable_step(max(own_step_ms, step_ms or own_step_ms), own_step_ms)
    points_max = min(point_count_max, width)
    count = (end_ms - start_ms) // asked_ms
    graph_ms = readable_step(max(1, -(-count // points_max)) * asked_ms, own_step_ms)
    first_ms = start_ms // graph_ms * graph_ms
    last_ms = end_ms // graph_ms * graph_ms
    if first_ms == last_ms:
        first_ms -= graph_ms
    return EvalContext(first_ms, last_ms + graph_ms, graph_ms)


def readable_step(step_ms: int, own_step_ms: int) -> int:
    """The next multiple of the store's step at or above `step_ms` that people can read off a graph.

    A store whose own step is not among those has multiples of it instead.
    """
    readable_ms = _READABLE_MS
    if own_step_ms not in _READABLE_MS:
        units = own_step_ms, 60 * own_step_ms, 3600 * own_step_ms
        readable_ms = tuple(count * unit_ms for unit_ms in units for count in _COUNTS)
    for longer_ms in readable_ms:
        if longer_ms >= step_ms and longer_ms % own_step_ms == 0:
            return longer_ms
    days_ms = math.lcm(_DAY_MS, own_step_ms)
    return -(-step_ms // days_ms) * days_ms
