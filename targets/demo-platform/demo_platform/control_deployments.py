"""The control API's part about deployments: another build of a service, for as long as wanted."""

from __future__ import annotations

from typing import Any, Protocol

from aiohttp import web

from demo_platform.control_groups import json_object, lease_of
from demo_platform.ec2.deployments import Deployments, Order
from demo_platform.errors import DemoError

_KEYS = ("group", "build", "instances", "replaces", "for_s")


class Owner(Protocol):
    """Whose deployments they are."""

    deployments: Deployments


class DeploymentRoutes:
    """Handlers over one supervisor."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner

    def table(self) -> list[web.RouteDef]:
        """The routes."""
        return [
            web.get("/v1/deployments", self.show),
            web.put("/v1/deployments/{token}", self.begin),
            web.delete("/v1/deployments/{token}", self.take_back),
        ]

    async def show(self, request: web.Request) -> web.Response:
        """Every deployment that has not been taken back."""
        del request
        return web.json_response(self._owner.deployments.as_dict())

    async def begin(self, request: web.Request) -> web.Response:
        """Bring out a build beside a group, for so many seconds at most."""
        body, token = await json_object(request), request.match_info["token"]
        lease = lease_of({"token": token, "for_s": body.get("for_s")}, request)
        self._owner.deployments.begin(_order(body, request), lease)
        return await self.show(request)

    async def take_back(self, request: web.Request) -> web.Response:
        """Begin to take one back; it is listed until it is."""
        self._owner.deployments.take_back(request.match_info["token"])
        return await self.show(request)


def _order(body: dict[str, Any], request: web.Request) -> Order:
    group, build, count = body.get("group"), body.get("build"), body.get("instances")
    replaces = body.get("replaces", [])
    is_count = isinstance(count, int) and not isinstance(count, bool)
    are_ids = isinstance(replaces, list) and all(isinstance(one, str) for one in replaces)
    is_good = isinstance(group, str) and isinstance(build, str) and is_count and are_ids
    if not is_good or set(body) - set(_KEYS):
        raise DemoError(
            "a deployment has a group, a build, a number of instances and a time",
            where=request.path,
            fix='send {"group": "recs-us-east-1", "build": "slow", "instances": 3, "for_s": 60}; '
            'and ids of the group\'s instances as "replaces" where they are to be out of service',
        )
    return Order(str(group), str(build), int(count or 0), tuple(replaces))
