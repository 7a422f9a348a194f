"""What a request pays at the edge for all but its sockets: microseconds of processor time."""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any, cast

import uvloop

from demo_platform.balancer import Peer
from demo_platform.client import Client
from demo_platform.eureka.directory import Directory
from demo_platform.eureka.listing import Registered
from demo_platform.http_message import HttpRequest, HttpResponse, HttpStream
from demo_platform.knobs import Knobs
from demo_platform.metrics import Meters
from demo_platform.pool import Pool
from demo_platform.service import Node
from demo_platform.services import SERVICES
from demo_platform.topology import Addresses, Slot, spec_of
from demo_platform.transport import Ending, Reply
from demo_platform.zuul.wiring import edge_of
from tests.bench.figure import Figure

CALLS = 2_000
ROUNDS = 20
LIMIT_US = 30.0
SPEC = spec_of(Slot("edge", "us-east-1", "us-east-1a", 0), 0, Addresses(), seed=1)
BODY = b'{"member":1234,"title":567}'
ANSWER = Reply(Ending.ANSWERED, b'{"session":"s-1","member":1234}', status=200)
HEADERS = {
    "content-type": "application/json",
    "x-request-id": "i-1-17-play",
    "x-deadline-ms": "900",
}


class _AtOnce(Pool):
    """An origin that answers at once."""

    async def post(
        self, peer: Peer, route: str, *, body: bytes, headers: dict[str, str], timeout_s: float
    ) -> Reply:
        del peer, route, body, headers, timeout_s
        return ANSWER


def measure(_options: argparse.Namespace) -> list[Figure]:
    """A request that is passed on."""
    with tempfile.TemporaryDirectory() as folder:
        return uvloop.run(_measure(Path(folder)))


async def _measure(folder: Path) -> list[Figure]:
    knobs, meters, service = Knobs(), Meters({}), SERVICES["edge"]
    directory = Directory()
    directory.learn(
        Registered(f"{name}-{n}", name, "r", "a", f"10.0.0.{n}", 1, "UP")
        for name in SERVICES
        for n in range(2)
    )
    pool = _AtOnce(cast("Any", None), directory, own_zone="a", rng=random.Random(1))
    client = Client(service.dependencies, pool=pool, knobs=knobs, meters=meters)
    node = Node("i-1", "a", client)
    server = edge_of(SPEC, node, pool, knobs, meters, folder=folder)
    passed_on_us = await _cost_us(server.handle, "/play")
    return [Figure("a request passed on by the edge", passed_on_us, "µs", LIMIT_US)]


async def _cost_us(
    handle: Callable[[HttpRequest], Awaitable[HttpResponse | HttpStream]], path: str
) -> float:
    """The least processor time of a request over some rounds: other work can only add to it."""
    best_s = float("inf")
    request = HttpRequest("POST", path, headers=HEADERS, body=BODY, remote="10.1.1.9")
    for _ in range(ROUNDS):
        began_s = time.process_time()
        for _ in range(CALLS):
            response = await handle(request)
            if response.status != HTTPStatus.OK:
                raise ValueError(f"{path}: {response.status}")
        best_s = min(best_s, time.process_time() - began_s)
    return best_s / CALLS * 1e6
