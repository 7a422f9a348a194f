"""`GET /api/v1/expr[/…]`: what programs mean, and what they could say more plainly."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from atlas.asl.explain import completions, debug
from atlas.asl.interpreter import VocabularyInterpreter
from atlas.asl.parse import exprs_of
from atlas.asl.word import Vocabulary
from atlas.errors import BadData
from atlas.expr.data_expr import data_exprs
from atlas.expr.normalize import normalized
from atlas.expr.query_expr import utf16
from atlas.expr.strip import stripped, with_plain_offsets
from atlas.expr.style_expr import StyleExpr
from atlas.server.parameters import Parameters
from atlas.server.programs import vocabulary_of
from atlas.server.state import ServerState, state_of

PATH = "/api/v1/expr"


def _debug(parameters: Parameters, state: ServerState) -> object:
    return [
        {
            "program": step.program,
            "context": {"stack": step.stack, "variables": step.variables},
        }
        for step in debug(_program(parameters), vocabulary_of(parameters, state))
    ]


def _normalize(parameters: Parameters, state: ServerState) -> object:
    exprs = _exprs(parameters, vocabulary_of(parameters, state))
    return [normalized(styled) for styled in reversed(exprs)]


def _complete(parameters: Parameters, state: ServerState) -> object:
    return [
        {"name": word.name, "signature": word.signature, "description": word.summary}
        for word in completions(_program(parameters), vocabulary_of(parameters, state))
    ]


def _queries(parameters: Parameters, state: ServerState) -> object:
    exprs = _exprs(parameters, vocabulary_of(parameters, state))
    return sorted({str(leaf.query) for e in exprs for leaf in data_exprs(e)}, key=utf16)


def _rewrite(parameters: Parameters, state: ServerState) -> object:
    exprs = _exprs(parameters, state.vocabulary)
    return [with_plain_offsets(styled, i) for i, styled in enumerate(exprs)]


def _strip(parameters: Parameters, state: ServerState) -> object:
    keys, families = parameters.all("k"), dict.fromkeys(parameters.all("r"))
    exprs = _exprs(parameters, state.vocabulary)
    return [stripped(styled, keys, families) for styled in exprs]


_ANSWERS: dict[str, Callable[[Parameters, ServerState], object]] = {
    PATH: _debug,
    f"{PATH}/complete": _complete,
    f"{PATH}/debug": _debug,
    f"{PATH}/normalize": _normalize,
    f"{PATH}/queries": _queries,
    f"{PATH}/rewrite": _rewrite,
    f"{PATH}/strip": _strip,
}


def _exprs(parameters: Parameters, vocabulary: Vocabulary) -> list[StyleExpr]:
    """The expressions that a program leaves, the last one first."""
    stack = VocabularyInterpreter(vocabulary).run(_program(parameters))
    return exprs_of(reversed(stack))


def _program(parameters: Parameters) -> str:
    # The router of the original finds it missing, and names its own class.
    if not parameters.has("q"):
        raise BadData(
            "MissingQueryParamRejection(q)", fix="add q=… to the query", original_class=""
        )
    return parameters.required("q")


async def expr(request: Request) -> Response:
    """Answer about a program; running it takes a while, so it is done off the event loop."""
    answer = _ANSWERS[request.url.path]
    parameters, state = Parameters(request), state_of(request)
    document = await run_in_threadpool(answer, parameters, state)
    return Response(msgspec.json.encode(document), media_type="application/json")


async def unknown(request: Request) -> Response:
    """Paths below that nothing answers: what is missing from the query is found first."""
    _program(Parameters(request))
    raise HTTPException(404)


ROUTES = [
    *(Route(path, expr, methods=["GET"]) for path in _ANSWERS),
    Route(PATH + "/{rest:path}", unknown, methods=["GET"]),
]
