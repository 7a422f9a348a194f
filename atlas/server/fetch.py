"""`GET /api/v2/fetch`: lines as a stream of events, in chunks of steps.

The whole window is evaluated at once, so that words with a memory see all of it; only the answer
comes in chunks. What goes wrong before anything is computed is a refusal like any other; later it
is an event of the stream. The hint `presentation-metadata` adds how a graph of it would look.
Source: Atlas `FetchRequestSource.scala`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Any

import msgspec
import numpy as np
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from atlas.errors import AtlasError, LimitExceeded
from atlas.eval.evaluate import evaluate
from atlas.eval.graph import OFFSET_TAG, GraphOptions, Looks, blank_axis, looks_by_label
from atlas.eval.lines import Lines
from atlas.expr.legend import Legend, with_simple_legends
from atlas.expr.style_expr import StyleExpr
from atlas.expr.text import duration_text
from atlas.graph import line_id
from atlas.model import EvalContext
from atlas.render.as_v2 import axis_metadata, graph_metadata
from atlas.render.json_numbers import json_values
from atlas.server.graph_request import options_of, stream_window_of
from atlas.server.parameters import Parameters
from atlas.server.programs import requested_exprs
from atlas.server.state import ServerState, state_of
from atlas.store.budget import Budget

CHUNK_STEPS = 60
POINTS_MAX = 2_000_000
"""Steps of all expressions together: what is streamed is computed at once."""

LOOKS_HINT = "presentation-metadata"

_HEARTBEAT_S = 10.0
_HEARTBEAT = {"type": "info", "message": "heartbeat"}
_CLOSE = {"type": "close", "message": "operation complete"}


@dataclass(frozen=True, slots=True)
class _Request:
    """What is to be streamed."""

    state: ServerState
    exprs: Sequence[StyleExpr]
    context: EvalContext
    budget: Budget
    options: GraphOptions

    @property
    def has_looks(self) -> bool:
        """Whether the client wants to know how to draw the lines."""
        return LOOKS_HINT in self.options.frame.hints

    def events(self) -> list[dict[str, Any]]:
        """Every line event of the answer, chunk by chunk, or the error that came up."""
        try:
            plain = [styled.expr for styled in self.exprs]
            found = evaluate(self.state.store, plain, self.context, self.budget)
        except AtlasError as error:
            return [{"type": "error", "message": error.message}]
        looks = looks_by_label(self.exprs, self.options) if self.has_looks else []
        return [
            event
            for first in range(0, self.context.step_count, CHUNK_STEPS)
            for styled, lines, look in zip_longest(self.exprs, found, looks)
            for event in _chunk(styled, lines, first, self.context, look)
        ]

    def metadata(self) -> list[dict[str, Any]]:
        """The graph and its axes, if they are wanted."""
        if not self.has_looks:
            return []
        graph = replace(
            self.options.frame,
            start_ms=self.context.start_ms,
            end_ms=self.context.end_ms,
            step_ms=self.context.step_ms,
        )
        used = sorted({look.axis for look in looks_by_label(self.exprs, self.options)})
        axes = (axis_metadata(n, blank_axis(n, self.options.axes[n])) for n in used)
        return [graph_metadata(graph), *axes]


async def fetch(request: Request) -> Response:
    """Answer with a stream; the evaluation runs off the event loop."""
    parameters, state = Parameters(request), state_of(request)
    parameters.required("q")
    context = stream_window_of(parameters, state)
    options = options_of(parameters, state)
    exprs = requested_exprs(parameters, state, options.frame.zones[0])
    shown = with_simple_legends([copy for styled in exprs for copy in styled.per_offset()])
    point_count = len(shown) * context.step_count
    if point_count > POINTS_MAX:
        raise LimitExceeded(
            f"too many datapoints: {point_count} > {POINTS_MAX}",
            fix="ask for a shorter time, or larger steps",
        )
    wanted = _Request(state, shown, context, state.work.budget(), options)
    return StreamingResponse(_stream(wanted, wanted.metadata()), media_type="text/event-stream")


async def _stream(request: _Request, metadata: Sequence[dict[str, Any]]) -> AsyncIterator[bytes]:
    yield _event(_HEARTBEAT)
    for event in metadata:
        yield _event(event)
    work = asyncio.ensure_future(run_in_threadpool(request.events))
    try:
        while not (await asyncio.wait([work], timeout=_HEARTBEAT_S))[0]:
            yield _event(_HEARTBEAT)
    finally:
        request.budget.cancel()  # nobody listens, unless the work is done
    for event in await work:
        yield _event(event)
    yield _event(_CLOSE)


def _chunk(
    styled: StyleExpr, lines: Lines, first: int, context: EvalContext, looks: Looks | None
) -> Iterator[dict[str, Any]]:
    """The lines that have a value in the chunk of steps from `first` on."""
    part = lines.values[:, first : first + CHUNK_STEPS]
    start_ms = context.start_ms + first * context.step_ms
    offset = duration_text(styled.offset_ms)
    query, legend = str(styled), Legend(styled)
    for i in np.flatnonzero(~np.isnan(part).all(axis=1)).tolist():
        tags = {**lines.tags[i], OFFSET_TAG: offset}
        # The original fills in the legend before it knows the offset.
        label = legend.text(lines.labels[i], lines.tags[i])
        event = {
            "type": "timeseries",
            "id": line_id(tags, query),
            **(_looks_of(label, looks) if looks is not None else {}),
            "query": query,
            "groupByKeys": styled.expr.grouping,
            "label": label,
            "tags": tags,
            "start": start_ms,
            "end": start_ms + part.shape[1] * context.step_ms,
            "step": context.step_ms,
            "data": {"type": "array", "values": json_values(part[i])},
        }
        yield {key: value for key, value in event.items() if value not in (None, (), {})}


def _looks_of(label: str, looks: Looks) -> dict[str, Any]:
    return {
        "plot": looks.axis,
        "color": looks.pick(label),
        "lineStyle": looks.style,
        "lineWidth": looks.width,
    }


def _event(document: dict[str, Any]) -> bytes:
    return b"data: " + msgspec.json.encode(document) + b"\n\n"


ROUTES = [Route("/api/v2/fetch", fetch, methods=["GET"])]
