"""`GET /api/v1/graph`: evaluate a program in a worker thread and render it."""

from __future__ import annotations

from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from atlas.asl import parse_exprs
from atlas.errors import AtlasError
from atlas.eval.graph import build_graph
from atlas.graph import Graph
from atlas.render import RENDERERS
from atlas.server.graph_request import options_of, window_of
from atlas.server.parameters import Parameters
from atlas.server.state import ServerState, state_of


async def graph(request: Request) -> Response:
    """Answer a graph request; reading runs off the event loop."""
    parameters = Parameters(request)
    return await run_in_threadpool(_answer, state_of(request), parameters)


def _answer(state: ServerState, parameters: Parameters) -> Response:
    program = parameters.required("q")
    context = window_of(parameters, state)
    options = options_of(parameters, state)
    media_type, render = _renderer(parameters.text("format", "png"))
    exprs = parse_exprs(program, variables={"tz": options.frame.zones[0]})
    return Response(
        render(build_graph(state.store, exprs, context, options)), media_type=media_type
    )


def _renderer(name: str) -> tuple[str, Callable[[Graph], bytes]]:
    if name in RENDERERS:
        return RENDERERS[name]
    raise AtlasError(
        f"key not found: {name}",
        where="parameter 'format'",
        fix=f"use one of {' '.join(RENDERERS)}",
        original_class="NoSuchElementException",
    )


ROUTES = [Route("/api/v1/graph", graph, methods=["GET"])]
