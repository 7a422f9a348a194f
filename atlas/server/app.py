"""The application: every route, the error boundary, and the state that they share.

Routes are plain functions of a request: a declared body or query model costs more than the answer.
"""

from __future__ import annotations

from collections.abc import Callable

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.routing import Route

from atlas.asl.words.custom_words import custom_vocabulary
from atlas.errors import AtlasError
from atlas.ingest.publish_json import JsonPublisher
from atlas.server import expr, fetch, graph, health, pages, publish, tags
from atlas.server.compression import Compression
from atlas.server.conventions import Conventions
from atlas.server.errors import on_atlas_error, on_defect, on_http_error, on_recursion
from atlas.server.query_work import QueryWork
from atlas.server.spectatord import Listener
from atlas.server.state import ServerState, with_known_zone
from atlas.settings import RequestSettings
from atlas.store.memory import MemoryStore

ROUTES: list[Route] = [
    *publish.ROUTES,
    *graph.ROUTES,
    *tags.ROUTES,
    *fetch.ROUTES,
    *expr.ROUTES,
    *health.ROUTES,
    *pages.ROUTES,
]


def make_app(
    store: MemoryStore,
    now_ms: Callable[[], int],
    settings: RequestSettings | None = None,
    listener: Listener | None = None,
) -> FastAPI:
    """An application over a store; the clock is handed in. Without settings: the defaults.

    listener: what takes datagrams beside the application, for its metrics.
    """
    settings = with_known_zone(settings or RequestSettings())
    app = FastAPI(
        title="atlas",
        routes=[*ROUTES],
        openapi_url=None,
        redirect_slashes=False,
        exception_handlers={
            AtlasError: on_atlas_error,
            HTTPException: on_http_error,
            RecursionError: on_recursion,
            Exception: on_defect,
        },
    )
    app.add_middleware(Compression)
    app.add_middleware(Conventions, endpoints=[r.path.partition("/{")[0] for r in ROUTES])
    vocabulary = custom_vocabulary(settings.custom_averages, settings.custom_words)
    app.state.atlas = ServerState(
        store,
        JsonPublisher(store),
        now_ms,
        settings,
        QueryWork(settings.query),
        vocabulary,
        listener=listener,
    )
    return app
