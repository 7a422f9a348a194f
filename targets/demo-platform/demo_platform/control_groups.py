"""The control API's part about scaling groups and the evacuation of regions."""

from __future__ import annotations

from typing import Any, Protocol

from aiohttp import web

from demo_platform.document import State
from demo_platform.ec2.changes import FOR_GOOD, Lease
from demo_platform.ec2.cloud import Cloud
from demo_platform.ec2.evacuation import Evacuations
from demo_platform.ec2.faults import AwsFault
from demo_platform.ec2.groups import Group, Process
from demo_platform.ec2.resizing import Change, change
from demo_platform.errors import DemoError, unknown_name

DIRECTIONS = ("away", "back")
LEASE_S_MAX = 86_400.0
_SIZES = ("min", "desired", "max")


class Owner(Protocol):
    """Whose groups they are."""

    cloud: Cloud
    evacuations: Evacuations

    async def evacuate(self, region: str, *, is_back: bool, lease: Lease) -> None:
        """Begin to evacuate a region, or to come back."""


class GroupRoutes:
    """Handlers over one supervisor."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner

    def table(self) -> list[web.RouteDef]:
        """The routes."""
        return [
            web.get("/v1/groups", self.show),
            web.put("/v1/groups/{group}", self.change),
            web.get("/v1/evacuation", self.show_evacuation),
            web.put("/v1/evacuation", self.evacuate),
            web.delete("/v1/evacuation/{token}", self.take_back),
        ]

    async def show(self, request: web.Request) -> web.Response:
        """Every group, with its policies and their alarms."""
        del request
        groups = self._owner.cloud.estate.groups.values()
        return web.json_response({group.name: self._shape(group) for group in groups})

    async def change(self, request: web.Request) -> web.Response:
        """Change a group's size or limits, or which of its processes are suspended."""
        name = request.match_info["group"]
        groups = self._owner.cloud.estate.groups
        if name not in groups:
            raise unknown_name("group", name, groups, where=request.path)
        body = await json_object(request)
        unknown = [key for key in body if key not in (*_SIZES, "suspended")]
        if unknown:
            raise unknown_name("key", unknown[0], (*_SIZES, "suspended"), where=request.path)
        for key in _SIZES:
            value = body.get(key)
            if key in body and (isinstance(value, bool) or not isinstance(value, int)):
                raise DemoError(
                    f"{key} is not a number of instances: {value!r}",
                    where=request.path,
                    fix=f'send {{"{key}": 3}}',
                )
        group = groups[name]
        suspended = _suspended(body, request) if "suspended" in body else None
        sizes = Change(body.get("min"), body.get("desired"), body.get("max"))
        try:
            change(self._owner.cloud, group, sizes, why="an operator's request")
        except AwsFault as fault:
            raise DemoError(
                fault.message, where=request.path, fix="GET /v1/groups shows sizes and limits"
            ) from fault
        if suspended is not None:
            group.suspended = dict.fromkeys(suspended, "an operator's request")
            self._owner.cloud.keeper.wake()
        return web.json_response(self._shape(group))

    async def show_evacuation(self, request: web.Request) -> web.Response:
        """The last evacuation, or the one under way; empty when there was none."""
        del request
        last = self._owner.evacuations.last
        return web.json_response(last.as_dict() if last else {})

    async def evacuate(self, request: web.Request) -> web.Response:
        """Begin to evacuate a region, or to come back."""
        body = await json_object(request)
        region, direction = body.get("region"), body.get("direction", DIRECTIONS[0])
        if not isinstance(region, str) or direction not in DIRECTIONS:
            raise DemoError(
                "an evacuation has a region and a direction",
                where=request.path,
                fix='send {"region": "us-east-1", "direction": "away"}, or "back"',
            )
        lease = lease_of(body, request)
        await self._owner.evacuate(region, is_back=direction == "back", lease=lease)
        return await self.show_evacuation(request)

    async def take_back(self, request: web.Request) -> web.Response:
        """Have everything as it was before an evacuation, at once; again changes nothing."""
        self._owner.evacuations.take_back(request.match_info["token"])
        return await self.show_evacuation(request)

    def _shape(self, group: Group) -> dict[str, Any]:
        members = self._owner.cloud.estate.members(group)
        return {
            "service": group.service,
            "region": group.region,
            "zones": list(group.zones),
            "min": group.size_min,
            "desired": group.desired,
            "max": group.size_max,
            "in_service": sum(one.state is State.UP for one in members),
            "is_fixed": group.is_fixed,
            "suspended": sorted(group.suspended),
            "policies": [
                {
                    "name": policy.name,
                    "type": policy.kind.value,
                    "reading": policy.readings[-1] if policy.readings else None,
                    "target": policy.target.value if policy.target else None,
                    "high": policy.high.value,
                    "low": policy.low.value,
                }
                for policy in self._owner.cloud.policies.of(group.name)
            ],
        }


async def json_object(request: web.Request) -> dict[str, Any]:
    """The body. Raises DemoError unless it is a JSON object."""
    try:
        document = await request.json()
    except (ValueError, UnicodeDecodeError) as error:
        raise DemoError(
            f"body is not JSON: {error}", where=request.path, fix="send a JSON object"
        ) from error
    if not isinstance(document, dict):
        raise DemoError("body is not an object", where=request.path, fix="send a JSON object")
    return document


def _suspended(body: dict[str, Any], request: web.Request) -> list[Process]:
    names = body["suspended"]
    known = {process.value: process for process in Process}
    if not isinstance(names, list):
        raise DemoError(
            f"suspended is not a list: {names!r}", where=request.path, fix='send ["Launch"]'
        )
    for name in names:
        if name not in known:
            raise unknown_name("process", str(name), known, where=request.path)
    return [known[name] for name in names]


def lease_of(body: dict[str, Any], request: web.Request) -> Lease:
    """For whom and how long, if the request says so; both or neither."""
    token, for_s = body.get("token"), body.get("for_s")
    if token is None and for_s is None:
        return FOR_GOOD
    is_number = isinstance(for_s, int | float) and not isinstance(for_s, bool)
    length_s = float(for_s) if is_number and for_s is not None else 0.0
    if not isinstance(token, str) or not token or not 0 < length_s <= LEASE_S_MAX:
        raise DemoError(
            "a lease is a token and the seconds that it lasts",
            where=request.path,
            fix=f'send {{"token": "mine-1", "for_s": 60}}, at most {LEASE_S_MAX:.0f}, or neither',
        )
    return Lease(token, length_s)
