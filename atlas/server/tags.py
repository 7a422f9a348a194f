"""`GET /api/v1/tags[/KEY]`: what keys and values the series have."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from atlas.server.parameters import Parameters
from atlas.server.programs import requested_query
from atlas.server.state import ServerState, state_of

NEXT_OFFSET_HEADER = "x-nflx-atlas-next-offset"


async def tags(request: Request) -> Response:
    """Answer a listing."""
    # The rest of the path is the key, slashes and all.
    key = request.path_params.get("key")
    state, parameters = state_of(request), Parameters(request)
    question = (key, request.scope["query_string"])
    return await state.work.run(request, question, lambda _: _answer(state, key, parameters))


def _answer(state: ServerState, key: str | None, parameters: Parameters) -> Response:
    limit_max = state.settings.tags_listed_max
    limit = parameters.positive("limit", limit_max)
    offset = parameters.text("offset", "")
    is_verbose = parameters.text("verbose", "0") == "1"
    query = requested_query(parameters.text("q", ":true"))
    if is_verbose and key is None:
        items: Sequence[str] = ()
    else:
        with state.store.locked():
            index = state.store.index
            items = index.keys(query) if key is None else index.values(key, query)
    prefix = f"{key}," if is_verbose else ""
    begin = bisect_right(items, offset, key=lambda item: prefix + item) if offset else 0
    shown = items[begin : begin + limit]
    is_full = len(shown) >= min(limit, limit_max)
    headers = {NEXT_OFFSET_HEADER: prefix + shown[-1]} if is_full else {}
    if parameters.text("format", "json") == "txt":
        lines = (f"{key}\t{item}\t-1" if is_verbose else item for item in shown)
        return Response("\n".join(lines), headers=headers, media_type="text/plain")
    document = [{"key": key, "value": item, "count": -1} for item in shown] if is_verbose else shown
    return Response(msgspec.json.encode(document), headers=headers, media_type="application/json")


ROUTES = [
    Route("/api/v1/tags", tags, methods=["GET"]),
    Route("/api/v1/tags/{key:path}", tags, methods=["GET"]),
]
