"""`GET /api/v1/graph`: evaluate a program in a worker thread and render it."""

from __future__ import annotations

from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from atlas.errors import AtlasError
from atlas.eval.graph import GraphData, graph_data
from atlas.eval.window import graph_window
from atlas.expr.instants import parse_window, parse_zone
from atlas.expr.text import parse_duration
from atlas.model import EvalContext
from atlas.render import RENDERERS
from atlas.server.errors import NotBuilt
from atlas.server.parameters import Parameters
from atlas.server.state import ServerState, state_of

_WIDTH_DEFAULT = 700
_NOT_BUILT = ("png", "csv", "txt", "stats.json", "v2.json")


async def graph(request: Request) -> Response:
    """Answer a graph request; reading runs off the event loop."""
    parameters = Parameters(request)
    return await run_in_threadpool(_answer, state_of(request), parameters)


def _answer(state: ServerState, parameters: Parameters) -> Response:
    program = parameters.required("q")
    context = _window(state, parameters)
    media_type, render = _renderer(parameters.text("format", "png"))
    return Response(render(graph_data(state.store, program, context)), media_type=media_type)


def _window(state: ServerState, parameters: Parameters) -> EvalContext:
    zone_name = parameters.text("tz", "")
    zone = parse_zone(zone_name) if zone_name else state.zone_default
    start = parameters.text("s", state.start_default)
    start_ms, end_ms = parse_window(start, parameters.text("e", "now"), zone, state.now_ms())
    step = parameters.text("step", "")
    config = state.store.config
    return graph_window(
        start_ms,
        end_ms,
        step_ms=parse_duration(step) if step else None,
        width=parameters.positive("w", _WIDTH_DEFAULT),
        own_step_ms=config.step_ms,
        block_ms=config.block_ms,
    )


def _renderer(name: str) -> tuple[str, Callable[[GraphData], bytes]]:
    if name in RENDERERS:
        return RENDERERS[name]
    if name in _NOT_BUILT:
        raise NotBuilt(
            f"format '{name}' is not built yet",
            where="parameter 'format'",
            fix="ask for format=json",
        )
    raise AtlasError(
        f"key not found: {name}",
        where="parameter 'format'",
        fix=f"use one of {' '.join(RENDERERS)}",
        original_class="NoSuchElementException",
    )


ROUTES = [Route("/api/v1/graph", graph, methods=["GET"])]
