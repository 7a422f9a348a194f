"""Toxiproxy's HTTP API over a collection of proxies."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from demo_platform.toxiproxy.collection import (
    Collection,
    PartlyRefused,
    Refused,
    shown,
    shown_toxic,
)

VERSION = "2.12.0"
"""Of the original whose API this is."""

BODY_BYTES_MAX = 4 * 2**20

_COLLECTION = web.AppKey("collection", Collection)
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def make_app(collection: Collection) -> web.Application:
    """The API's routes. A change may be sent by POST, as to old servers, or by PATCH."""
    app = web.Application(middlewares=[_answer_errors], client_max_size=BODY_BYTES_MAX)
    app[_COLLECTION] = collection
    routes = [
        web.get("/version", _version),
        web.post("/reset", _reset),
        web.post("/populate", _populate),
        web.get("/proxies", _proxies),
        web.post("/proxies", _create),
        web.get("/proxies/{proxy}", _proxy),
        web.delete("/proxies/{proxy}", _delete),
        web.get("/proxies/{proxy}/toxics", _toxics),
        web.post("/proxies/{proxy}/toxics", _add_toxic),
        web.get("/proxies/{proxy}/toxics/{toxic}", _toxic),
        web.delete("/proxies/{proxy}/toxics/{toxic}", _remove_toxic),
    ]
    for method in ("POST", "PATCH"):
        routes += [
            web.route(method, "/proxies/{proxy}", _update),
            web.route(method, "/proxies/{proxy}/toxics/{toxic}", _update_toxic),
        ]
    app.add_routes(routes)
    return app


async def _version(_: web.Request) -> web.Response:
    return web.json_response({"version": VERSION, "leases": True})


async def _reset(request: web.Request) -> web.Response:
    await request.app[_COLLECTION].reset()
    return web.Response(status=204)


async def _proxies(request: web.Request) -> web.Response:
    return web.json_response(request.app[_COLLECTION].shown())


async def _create(request: web.Request) -> web.Response:
    made = await request.app[_COLLECTION].create(await _object(request))
    return web.json_response(shown(made), status=201)


async def _populate(request: web.Request) -> web.Response:
    wanted = await _json(request)
    if not (isinstance(wanted, list) and all(isinstance(each, dict) for each in wanted)):
        raise Refused(400, "bad request body: no list of proxies")
    made = await request.app[_COLLECTION].populate(wanted)
    return web.json_response({"proxies": [shown(each) for each in made]}, status=201)


async def _proxy(request: web.Request) -> web.Response:
    return web.json_response(shown(request.app[_COLLECTION].proxy(request.match_info["proxy"])))


async def _update(request: web.Request) -> web.Response:
    name, wanted = request.match_info["proxy"], await _object(request)
    return web.json_response(shown(await request.app[_COLLECTION].update(name, wanted)))


async def _delete(request: web.Request) -> web.Response:
    await request.app[_COLLECTION].delete(request.match_info["proxy"])
    return web.Response(status=204)


async def _toxics(request: web.Request) -> web.Response:
    proxy = request.app[_COLLECTION].proxy(request.match_info["proxy"])
    return web.json_response([shown_toxic(toxic) for toxic in proxy.toxics])


async def _add_toxic(request: web.Request) -> web.Response:
    name, wanted = request.match_info["proxy"], await _object(request)
    return web.json_response(shown_toxic(request.app[_COLLECTION].add_toxic(name, wanted)))


async def _toxic(request: web.Request) -> web.Response:
    found = request.match_info
    return web.json_response(
        shown_toxic(request.app[_COLLECTION].toxic(found["proxy"], found["toxic"]))
    )


async def _update_toxic(request: web.Request) -> web.Response:
    found, wanted = request.match_info, await _object(request)
    toxic = request.app[_COLLECTION].update_toxic(found["proxy"], found["toxic"], wanted)
    return web.json_response(shown_toxic(toxic))


async def _remove_toxic(request: web.Request) -> web.Response:
    found = request.match_info
    request.app[_COLLECTION].remove_toxic(found["proxy"], found["toxic"])
    return web.Response(status=204)


async def _object(request: web.Request) -> dict[str, Any]:
    wanted = await _json(request)
    if not isinstance(wanted, dict):
        raise Refused(400, "bad request body: no object")
    return wanted


async def _json(request: web.Request) -> Any:
    try:
        return json.loads(await request.read())
    except (ValueError, RecursionError) as error:
        raise Refused(400, f"bad request body: {error}") from error


@web.middleware
async def _answer_errors(request: web.Request, handler: _Handler) -> web.StreamResponse:
    # As the original: a page in a browser must not reach what listens on the same machine.
    if request.headers.get("User-Agent", "").startswith("Mozilla/"):
        return web.Response(status=403, text="User agent not allowed")
    try:
        return await handler(request)
    except Refused as refused:
        said: dict[str, Any] = {"error": refused.what, "status": refused.status}
        if request.path == "/populate":
            made = refused.made if isinstance(refused, PartlyRefused) else None
            said["proxies"] = made and [shown(each) for each in made]
        return web.json_response(said, status=refused.status)
