"""The control API: the platform's operators' own door, HTTP and JSON on a unix socket.

A unix socket on a path is reached from the host although the supervisor listens inside the
world, and no rule in any network namespace can cut it off.
"""

import json
import math
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeGuard

from aiohttp import web

from demo_platform.errors import DemoError, unknown_name
from demo_platform.knobs import NAMES
from demo_platform.scaling import Place
from demo_platform.supervisor import Supervisor

RATE_MAX = 10_000.0

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_SUPERVISOR = web.AppKey("supervisor", Supervisor)


async def serve_control(supervisor: Supervisor, path: Path) -> web.AppRunner:
    """Listen on a unix socket until the runner returned here is cleaned up."""
    runner = web.AppRunner(make_app(supervisor), access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    await web.UnixSite(runner, str(path)).start()
    return runner


def make_app(supervisor: Supervisor) -> web.Application:
    """The API's routes over one supervisor."""
    app = web.Application(middlewares=[_answer_errors])
    app[_SUPERVISOR] = supervisor
    app.add_routes(
        [
            web.get("/v1/platform", _platform),
            web.put("/v1/switches", _switches),
            web.put("/v1/traffic", _traffic),
            web.put("/v1/suspensions/{token}", _suspend),
            web.delete("/v1/suspensions/{token}", _release),
            web.post("/v1/down", _down),
        ]
    )
    return app


async def _platform(request: web.Request) -> web.Response:
    return web.json_response(request.app[_SUPERVISOR].view().as_dict())


async def _switches(request: web.Request) -> web.Response:
    knobs = request.app[_SUPERVISOR].knobs
    wanted = await _json_object(request)
    for name, on in wanted.items():
        if name not in NAMES:
            raise unknown_name("switch", name, NAMES, where=request.path)
        if not isinstance(on, bool):
            raise DemoError(
                f"switch {name!r} is neither true nor false: {on!r}",
                where=request.path,
                fix=f'send {{"{name}": true}}',
            )
    for name, on in wanted.items():
        knobs.set(name, on)
    return web.json_response(knobs.switches())


async def _traffic(request: web.Request) -> web.Response:
    knobs = request.app[_SUPERVISOR].knobs
    rate = (await _json_object(request)).get("starts_per_second")
    if not _is_rate(rate):
        raise DemoError(
            f"starts_per_second is not a rate: {rate!r}",
            where=request.path,
            fix=f'send {{"starts_per_second": 30}}, at most {RATE_MAX:.0f}',
        )
    knobs.starts_per_second = float(rate)
    return web.json_response({"starts_per_second": knobs.starts_per_second})


async def _suspend(request: web.Request) -> web.Response:
    supervisor = request.app[_SUPERVISOR]
    groups = (await _json_object(request)).get("groups")
    if not isinstance(groups, list):
        raise _bad_groups(request)
    known = supervisor.places()
    places = {_place(entry, known, request) for entry in groups}
    supervisor.suspend(request.match_info["token"], places)
    return web.json_response({"suspensions": supervisor.suspensions()})


async def _release(request: web.Request) -> web.Response:
    supervisor = request.app[_SUPERVISOR]
    supervisor.release(request.match_info["token"])
    return web.json_response({"suspensions": supervisor.suspensions()})


async def _down(request: web.Request) -> web.Response:
    request.app[_SUPERVISOR].stop()
    return web.json_response({"state": "stopping"}, status=202)


def _place(entry: object, known: set[Place], request: web.Request) -> Place:
    if not isinstance(entry, dict):
        raise _bad_groups(request)
    group, zone = entry.get("group"), entry.get("zone")
    if not (isinstance(group, str) and isinstance(zone, str)):
        raise _bad_groups(request)
    groups = {known_group for known_group, _ in known}
    if group not in groups:
        raise unknown_name("group", group, groups, where=request.path)
    zones = {known_zone for known_group, known_zone in known if known_group == group}
    if zone not in zones:
        raise unknown_name(f"zone of {group!r}", zone, zones, where=request.path)
    return group, zone


def _is_rate(value: object) -> TypeGuard[float]:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value) and 0 <= value <= RATE_MAX


def _bad_groups(request: web.Request) -> DemoError:
    return DemoError(
        "groups is not a list of group and zone",
        where=request.path,
        fix='send {"groups": [{"group": "recs-us-east-1", "zone": "us-east-1a"}]}',
    )


async def _json_object(request: web.Request) -> dict[str, Any]:
    try:
        document = await request.json()
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DemoError(
            f"body is not JSON: {error}", where=request.path, fix="send a JSON object"
        ) from error
    if not isinstance(document, dict):
        raise DemoError("body is not an object", where=request.path, fix="send a JSON object")
    return document


@web.middleware
async def _answer_errors(request: web.Request, handler: _Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except DemoError as error:
        return web.json_response({"error": error.as_dict()}, status=400)
    except web.HTTPNotFound:
        unknown = DemoError(
            f"no such resource: {request.path}",
            where="control API",
            fix="GET /v1/platform, PUT /v1/switches, PUT /v1/traffic, "
            "PUT or DELETE /v1/suspensions/{token}, POST /v1/down",
        )
        return web.json_response({"error": unknown.as_dict()}, status=404)
    except web.HTTPMethodNotAllowed as refused:
        allowed = ", ".join(sorted(refused.allowed_methods))
        wrong = DemoError(
            f"{request.method} is not possible here", where=request.path, fix=f"use {allowed}"
        )
        return web.json_response({"error": wrong.as_dict()}, status=405)
