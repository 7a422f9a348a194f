"""The APIs on the wire: one path, a form in, XML out, for both services and every region."""

from __future__ import annotations

import logging
import socket
import uuid
from collections.abc import Mapping

from aiohttp import web

from demo_platform.ec2 import autoscaling_actions, ec2_actions, launch_actions, policy_actions
from demo_platform.ec2.cloud import Cloud
from demo_platform.ec2.ec2_actions import Action, Call
from demo_platform.ec2.faults import AwsFault
from demo_platform.ec2.listening import HOST, USUAL_PORT
from demo_platform.ec2.markup import AUTO_SCALING, EC2, Body, Dialect, answer, failure
from demo_platform.ec2.query import Params, parse_form, scope_of

BODY_BYTES_MAX = 2**20

_SERVICES: dict[str, tuple[Dialect, Mapping[str, Action]]] = {
    "autoscaling": (
        AUTO_SCALING,
        {
            **autoscaling_actions.ACTIONS,
            **policy_actions.ACTIONS,
            **launch_actions.AUTO_SCALING_ACTIONS,
        },
    ),
    "ec2": (EC2, {**ec2_actions.ACTIONS, **launch_actions.EC2_ACTIONS}),
}

_log = logging.getLogger(__name__)


def make_app(cloud: Cloud) -> web.Application:
    """The APIs over one cloud."""
    app = web.Application(client_max_size=BODY_BYTES_MAX)
    app.router.add_route("*", "/{path:.*}", _Door(cloud).handle)
    return app


async def serve_aws(cloud: Cloud, listening: socket.socket | None, *, inside: str) -> web.AppRunner:
    """Serve until the runner returned here is cleaned up, if there is a socket to serve on.

    inside: the world's own address under which its instances find the same, at the usual port;
    the machine's loopback address where the world has no network of its own.
    """
    runner = web.AppRunner(make_app(cloud), access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    if listening is not None:
        await web.SockSite(runner, listening).start()
        if inside != HOST:
            await web.TCPSite(runner, inside, USUAL_PORT).start()
    return runner


class _Door:
    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one call."""
        request_id = str(uuid.uuid4())
        dialect = EC2
        try:
            region, service = self._scope(request)
            dialect, actions = _SERVICES[service]
            form = {**request.query, **{k: str(v) for k, v in (await request.post()).items()}}
            name = form.get("Action", "")
            params = Params(parse_form(form), is_ec2=dialect.is_ec2)
            body = actions.get(name, _unknown)(Call(region, params), self._cloud)
        except AwsFault as fault:
            _log.debug("%s", fault)
            text = failure(dialect, fault.code, fault.message, request_id)
            return _document(text, fault.status)
        return _document(answer(dialect, name, body, request_id), 200)

    def _scope(self, request: web.Request) -> tuple[str, str]:
        """(region, service) that a request is for. Raises AwsFault when we have no such."""
        region, service = scope_of(request.headers.get("Authorization", ""))
        if service not in _SERVICES:
            raise AwsFault("UnknownService", f"'{service}' is not served here", status=404)
        if region not in self._cloud.regions:
            known = ", ".join(self._cloud.regions)
            what = f"region '{region}' is not one of this platform's: {known}"
            raise AwsFault("AuthFailure", what, status=401)
        return region, service


def _unknown(call: Call, cloud: Cloud) -> Body:
    del cloud
    name = call.params.optional("Action") or ""
    raise AwsFault("InvalidAction", f"The action {name} is not valid for this web service.")


def _document(text: str, status: int) -> web.Response:
    return web.Response(text=text, status=status, content_type="text/xml")
