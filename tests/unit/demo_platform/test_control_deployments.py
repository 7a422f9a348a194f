"""The control API about deployments: an order and a time, or why not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from demo_platform.control import answer_errors
from demo_platform.control_deployments import DeploymentRoutes
from demo_platform.ec2.changes import Lease
from demo_platform.ec2.deployments import Order

GOOD: Mapping[str, Any] = {"group": "recs-r", "build": "slow", "instances": 2, "for_s": 60}


class Deployments:
    """What the routes are over."""

    def __init__(self) -> None:
        self.begun: list[tuple[Order, Lease]] = []
        self.ended: list[str] = []

    def begin(self, order: Order, lease: Lease) -> None:
        self.begun.append((order, lease))

    def take_back(self, token: str) -> None:
        self.ended.append(token)

    def as_dict(self) -> dict[str, Any]:
        return {lease.token: {"build": order.build} for order, lease in self.begun}


def ask(deployments: Deployments, method: str, path: str, body: object = None) -> tuple[int, Any]:
    """Status and answer."""

    async def story() -> tuple[int, Any]:
        app = web.Application(middlewares=[answer_errors])
        owner: Any = SimpleNamespace(deployments=deployments)
        app.add_routes(DeploymentRoutes(owner).table())
        async with TestClient(TestServer(app)) as client:
            answer = await client.request(method, path, data=json.dumps(body))
            return answer.status, await answer.json()

    return asyncio.run(story())


def test_an_order_with_its_token_is_begun_and_ended() -> None:
    deployments = Deployments()
    body = {**GOOD, "replaces": ["i-1"]}
    assert ask(deployments, "PUT", "/v1/deployments/mine", body) == (
        200,
        {"mine": {"build": "slow"}},
    )
    order = Order("recs-r", "slow", 2, ("i-1",))
    assert deployments.begun == [(order, Lease("mine", 60.0))]
    assert ask(deployments, "GET", "/v1/deployments") == (200, {"mine": {"build": "slow"}})
    assert ask(deployments, "DELETE", "/v1/deployments/mine")[0] == 200
    assert deployments.ended == ["mine"]


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"group": 1}, "a group, a build"),
        ({"build": None}, "a group, a build"),
        ({"instances": True}, "a group, a build"),
        ({"instances": "2"}, "a group, a build"),
        ({"replaces": "i-1"}, "a group, a build"),
        ({"relaces": []}, "a group, a build"),
        ({"for_s": None}, "a lease is"),
        ({"for_s": 0}, "a lease is"),
        ({"for_s": 1e9}, "a lease is"),
    ],
)
def test_what_is_no_order_is_refused(changed: dict[str, Any], says: str) -> None:
    deployments = Deployments()
    status, answer = ask(deployments, "PUT", "/v1/deployments/mine", {**GOOD, **changed})
    assert status == 400
    assert says in answer["error"]["what"]
    assert not deployments.begun
