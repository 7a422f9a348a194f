"""The control API: the platform's operators' own door, HTTP and JSON on a unix socket.

A unix socket on a path is reached from the host although the supervisor listens inside the
world, and no rule in any network namespace can cut it off.
"""

import math
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeGuard

from aiohttp import web

from demo_platform.control_deployments import DeploymentRoutes
from demo_platform.control_groups import GroupRoutes, json_object
from demo_platform.dials import DIALS, check_dial
from demo_platform.errors import DemoError, unknown_name
from demo_platform.hystrix.properties import check_property
from demo_platform.hystrix.turbine_stream import TURBINE_PATH, Turbine
from demo_platform.knobs import NAMES
from demo_platform.rundir import SPANS_SOCKET
from demo_platform.scaling import Place
from demo_platform.supervisor import Supervisor
from demo_platform.topology import EDGE
from demo_platform.tracing.collector import Collector
from demo_platform.zuul.control import edge_routes
from demo_platform.zuul.properties import PREFIX, check_edge_property, check_together

RATE_MAX = 10_000.0
RAMP_S_MAX = 86_400.0

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_SUPERVISOR = web.AppKey("supervisor", Supervisor)


async def serve_control(supervisor: Supervisor, path: Path) -> web.AppRunner:
    """Listen on a unix socket until the runner returned here is cleaned up.

    Spans are listened for on a socket beside it.
    """
    app, collector = make_app(supervisor), Collector()
    app.add_routes(collector.routes())
    app.cleanup_ctx.append(lambda _: collector.listening(path.with_name(SPANS_SOCKET)))
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    await web.UnixSite(runner, str(path)).start()
    return runner


def make_app(supervisor: Supervisor) -> web.Application:
    """The API's routes over one supervisor."""
    app = web.Application(middlewares=[answer_errors])
    app[_SUPERVISOR] = supervisor
    app.add_routes(
        [
            web.get("/v1/platform", _platform),
            web.put("/v1/switches", _switches),
            web.put("/v1/traffic", _traffic),
            web.put("/v1/dials", _dials),
            web.get("/v1/properties", _properties),
            web.put("/v1/properties/{scope}", _set_properties),
            web.put("/v1/suspensions/{token}", _suspend),
            web.delete("/v1/suspensions/{token}", _release),
            web.post("/v1/down", _down),
            *GroupRoutes(supervisor).table(),
            *DeploymentRoutes(supervisor).table(),
            web.get(TURBINE_PATH, Turbine(supervisor.registered_instances).handle),
        ]
    )
    app.add_routes(
        edge_routes(
            supervisor.knobs.properties,
            lambda: supervisor.registered_instances(EDGE) or {},
            json_object,
            services=_services(supervisor),
        )
    )
    return app


async def _platform(request: web.Request) -> web.Response:
    return web.json_response(request.app[_SUPERVISOR].view().as_dict())


async def _switches(request: web.Request) -> web.Response:
    knobs = request.app[_SUPERVISOR].knobs
    wanted = await json_object(request)
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
    wanted = await json_object(request)
    rate, over_s = wanted.get("starts_per_second"), wanted.get("over_s", 0.0)
    if not _is_rate(rate):
        raise DemoError(
            f"starts_per_second is not a rate: {rate!r}",
            where=request.path,
            fix=f'send {{"starts_per_second": 30}}, at most {RATE_MAX:.0f}',
        )
    if not (_is_number(over_s) and 0 <= over_s <= RAMP_S_MAX):
        raise DemoError(
            f"over_s is not a duration: {over_s!r}",
            where=request.path,
            fix=f"send the seconds that a ramp takes, at most {RAMP_S_MAX:.0f}, or leave it out",
        )
    if over_s:
        knobs.ramp(float(rate), over_s=over_s)
    else:
        knobs.starts_per_second = float(rate)
    return web.json_response({"starts_per_second": knobs.starts_per_second})


async def _dials(request: web.Request) -> web.Response:
    knobs = request.app[_SUPERVISOR].knobs
    wanted = await json_object(request)
    for name, value in wanted.items():
        if name not in DIALS:
            raise unknown_name("dial", name, DIALS, where=request.path)
        try:
            check_dial(name, value if _is_number(value) else math.nan)
        except ValueError as error:
            raise DemoError(
                f"dial {name!r} cannot stand at {value!r}", where=request.path, fix=str(error)
            ) from error
    for name, value in wanted.items():
        knobs.turn(name, float(value))
    return web.json_response(knobs.dials())


async def _properties(request: web.Request) -> web.Response:
    return web.json_response(request.app[_SUPERVISOR].knobs.properties.read())


async def _set_properties(request: web.Request) -> web.Response:
    """Set properties in a scope; null clears one. Instances that are no more are forgotten."""
    supervisor, scope = request.app[_SUPERVISOR], request.match_info["scope"]
    known = supervisor.scopes()
    if scope not in known:
        raise unknown_name("scope", scope, known, where=request.path)
    wanted = await json_object(request)
    for name, value in wanted.items():
        _check(name, value, vips=_services(supervisor), where=request.path)
    shared = supervisor.knobs.properties
    document = {kept: values for kept, values in (shared.read() or {}).items() if kept in known}
    values = document.get(scope, {}) | wanted
    document[scope] = {name: value for name, value in values.items() if value is not None}
    check_together(document[scope], where=request.path)
    shared.write({kept: values for kept, values in document.items() if values})
    return web.json_response(shared.read())


async def _suspend(request: web.Request) -> web.Response:
    supervisor = request.app[_SUPERVISOR]
    groups = (await json_object(request)).get("groups")
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


def _services(supervisor: Supervisor) -> tuple[str, ...]:
    return tuple(name for name, _ in supervisor.settings.size.per_zone)


def _check(name: str, value: object, *, vips: tuple[str, ...], where: str) -> None:
    """Refuse what is no property, or no value of one."""
    if name.startswith(PREFIX):
        check_edge_property(name, value, vips=vips, where=where, may_be_null=True)
    else:
        check_property(name, value, where=where, may_be_null=True)


def _is_rate(value: object) -> TypeGuard[float]:
    return _is_number(value) and 0 <= value <= RATE_MAX


def _is_number(value: object) -> TypeGuard[float]:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value)


def _bad_groups(request: web.Request) -> DemoError:
    return DemoError(
        "groups is not a list of group and zone",
        where=request.path,
        fix='send {"groups": [{"group": "recs-us-east-1", "zone": "us-east-1a"}]}',
    )


@web.middleware
async def answer_errors(request: web.Request, handler: _Handler) -> web.StreamResponse:
    """Say in JSON what was wrong with a request, where, and how to fix it."""
    try:
        return await handler(request)
    except DemoError as error:
        return web.json_response({"error": error.as_dict()}, status=400)
    except web.HTTPNotFound:
        unknown = DemoError(
            f"no such resource: {request.path}",
            where="control API",
            fix="GET /v1/platform, PUT /v1/switches, PUT /v1/traffic, PUT /v1/dials, "
            "GET /v1/properties, PUT /v1/properties/{scope}, GET /v1/fit, "
            "PUT or DELETE /v1/fit/{token}, GET /v1/zuul, "
            "PUT or DELETE /v1/suspensions/{token}, POST /v1/down, "
            "GET /v1/groups, PUT /v1/groups/{group}, GET or PUT /v1/evacuation, "
            "DELETE /v1/evacuation/{token}, GET /v1/deployments, "
            "PUT or DELETE /v1/deployments/{token}, "
            "GET /turbine.stream?cluster=NAME, GET /api/v2/… as Zipkin's",
        )
        return web.json_response({"error": unknown.as_dict()}, status=404)
    except web.HTTPMethodNotAllowed as refused:
        allowed = ", ".join(sorted(refused.allowed_methods))
        wrong = DemoError(
            f"{request.method} is not possible here", where=request.path, fix=f"use {allowed}"
        )
        return web.json_response({"error": wrong.as_dict()}, status=405)
