"""`GET /api/v1/graph`: evaluate a program in a worker thread and render it."""

from __future__ import annotations

import re
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from atlas.errors import AtlasError
from atlas.eval.graph import build_graph
from atlas.graph import Graph
from atlas.model import EvalContext
from atlas.render import RENDERERS
from atlas.render.png import error_png
from atlas.server.graph_request import options_of, window_of
from atlas.server.parameters import Parameters
from atlas.server.programs import requested_exprs
from atlas.server.state import ServerState, state_of
from atlas.store.budget import Budget

# Browsers show no text where an image is wanted, so they get theirs as an image.
_BROWSER = re.compile(r"mozilla|msie|gecko|chrome|opera|webkit", re.IGNORECASE)


async def graph(request: Request) -> Response:
    """Answer a graph request."""
    parameters = Parameters(request)
    is_browser = _BROWSER.search(request.headers.get("user-agent", "")) is not None
    state = state_of(request)
    program = parameters.required("q")
    context = window_of(parameters, state)
    name = parameters.text("format", "png")
    question = (program, parameters.text("cq", ""), name, context.step_count, context.step_ms)
    return await state.work.run(
        request,
        question,
        lambda budget: _answer(state, parameters, context, is_browser, budget),
    )


def _answer(
    state: ServerState,
    parameters: Parameters,
    context: EvalContext,
    is_browser: bool,
    budget: Budget,
) -> Response:
    options = options_of(parameters, state)
    name = parameters.text("format", "png")
    media_type, render = _renderer(name)
    try:
        exprs = requested_exprs(parameters, state, options.frame.zones[0])
        body = render(build_graph(state.store, exprs, context, options, budget))
    except AtlasError as error:
        if name != "png" or not is_browser:
            raise
        frame = options.frame
        body = error_png(str(error), frame.width, frame.height, frame.theme)
    return Response(body, media_type=media_type)


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
