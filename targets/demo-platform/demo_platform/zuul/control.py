"""The edges' part of the control API: faults for cohorts of members, and what each edge says.

`/v1/fit/TOKEN` gives faults to the requests of a cohort for a while. A token is set again by the
same request and cleared by DELETE; it ends by itself, whatever becomes of who set it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any

import aiohttp
from aiohttp import web

from demo_platform.errors import DemoError
from demo_platform.shared_properties import Document, SharedProperties
from demo_platform.topology import EDGE
from demo_platform.zuul.fit_rules import RULES_MAX, accept, in_force
from demo_platform.zuul.page import PAGE_PATH
from demo_platform.zuul.properties import RULES

"""Where an edge tells of itself."""

ASK_WITHIN_S = 1.0

Body = Callable[[web.Request], Awaitable[dict[str, Any]]]
Edges = Callable[[], Mapping[str, str]]


def edge_routes(
    shared: SharedProperties, edges: Edges, body_of: Body, *, services: Collection[str]
) -> list[web.RouteDef]:
    """The routes.

    edges: addresses of the edges that discovery lists, by id.
    services: those that there are.
    """

    async def rules(request: web.Request) -> web.Response:
        del request
        return web.json_response(_view(shared))

    async def set_rule(request: web.Request) -> web.Response:
        token, where = request.match_info["token"], request.path
        wanted = await body_of(request)
        text = accept(token, wanted, known=services, now_s=time.monotonic(), where=where)
        kept = _kept(shared)
        if len(kept) >= RULES_MAX and token not in kept:
            fix = "DELETE one, or wait for one to end"
            raise DemoError(f"{len(kept)} rules are in force", where=where, fix=fix)
        _write(shared, kept | {token: text})
        return web.json_response(_view(shared))

    async def clear_rule(request: web.Request) -> web.Response:
        kept = _kept(shared)
        kept.pop(request.match_info["token"], None)
        _write(shared, kept)
        return web.json_response(_view(shared))

    async def pages(request: web.Request) -> web.Response:
        del request
        asked = edges()
        async with aiohttp.ClientSession() as session:
            found = await asyncio.gather(*(_page(session, base) for base in asked.values()))
        return web.json_response(dict(zip(asked, found, strict=True)))

    return [
        web.get("/v1/fit", rules),
        web.put("/v1/fit/{token}", set_rule),
        web.delete("/v1/fit/{token}", clear_rule),
        web.get("/v1/zuul", pages),
    ]


async def _page(session: aiohttp.ClientSession, base: str) -> Any:
    """An edge's page, or why there is none."""
    timeout = aiohttp.ClientTimeout(total=ASK_WITHIN_S)
    try:
        async with session.get(f"{base}{PAGE_PATH}", timeout=timeout) as response:
            return await response.json()
    except (aiohttp.ClientError, TimeoutError) as error:
        return {"silent": f"{type(error).__name__}: {error}"}


def _kept(shared: SharedProperties) -> dict[str, str]:
    """The properties of the rules in force, by token; those that have ended are left out."""
    texts = {
        name.removeprefix(RULES): value
        for name, value in (shared.read() or {}).get(EDGE, {}).items()
        if name.startswith(RULES) and isinstance(value, str)
    }
    alive = in_force(texts, now_s=time.monotonic())
    return {token: text for token, text in texts.items() if token in alive}


def _write(shared: SharedProperties, kept: Mapping[str, str]) -> None:
    document: Document = dict(shared.read() or {})
    others = {n: v for n, v in document.get(EDGE, {}).items() if not n.startswith(RULES)}
    document[EDGE] = {**others, **{f"{RULES}{token}": text for token, text in kept.items()}}
    shared.write({scope: values for scope, values in document.items() if values})


def _view(shared: SharedProperties) -> dict[str, dict[str, object]]:
    now_s = time.monotonic()
    return {
        token: {
            "faults": rule.faults,
            "members": rule.members,
            "left_s": round(rule.until_s - now_s, 3),
        }
        for token, rule in in_force(_kept(shared), now_s=now_s).items()
    }
