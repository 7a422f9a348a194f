"""One process of the platform, from its specification to its orderly end.

Everything that has a life is made here, after the fork: event loop, sockets, connection pool. On
SIGTERM the process deregisters first, so that others stop choosing it, and then goes.
"""

from __future__ import annotations

import asyncio
import gc
import os
import random
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack

import aiohttp
import uvloop
from aiohttp import web

from demo_platform.client import Client
from demo_platform.discovery_client import Directory, DiscoveryClient
from demo_platform.discovery_server import DiscoveryServer
from demo_platform.errors import DemoError
from demo_platform.knobs import Knobs
from demo_platform.metrics import Meters, common_tags
from demo_platform.pool import Pool
from demo_platform.publisher import Publisher
from demo_platform.server import ServiceServer
from demo_platform.service import Node
from demo_platform.services import SERVICES
from demo_platform.topology import DISCOVERY, VIEWERS, InstanceSpec
from demo_platform.transport import new_session
from demo_platform.viewers import Viewers

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

KEEPALIVE_S = 120.0
SHUTDOWN_S = 0.2
BACKLOG = 512


def run_instance(spec: InstanceSpec, knobs: Knobs) -> None:
    """Be the instance until SIGTERM.

    Raises SystemExit(1), after a line on stderr, when it cannot serve.
    """
    try:
        # A request leaves few cycles behind: looking for them at every 700th object cost a tenth.
        gc.set_threshold(20_000, 20, 20)
        uvloop.run(_live(spec, knobs))
    except DemoError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(1) from error


async def _live(spec: InstanceSpec, knobs: Knobs) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    meters = Meters(common_tags(spec))
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(new_session())
        if spec.service == DISCOVERY:
            loops = await _discovery(spec, meters, session, stack)
        elif spec.service == VIEWERS:
            loops = _viewers(spec, knobs, meters, session)
        else:
            loops = await _service(spec, knobs, meters, session, stack)
        if spec.publish_socket:
            publisher = Publisher(meters, spec.publish_socket, instance_id=spec.id)
            loops.append(publisher.run())
        await _until(stop, loops)


async def _until(stop: asyncio.Event, loops: list[Coroutine[None, None, None]]) -> None:
    """Run the loops until told to stop; one that fails takes the process down with it."""
    tasks = [asyncio.create_task(loop) for loop in loops]
    stopping = asyncio.create_task(stop.wait())
    try:
        done, _ = await asyncio.wait([stopping, *tasks], return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in [stopping, *tasks]:
            task.cancel()
        await asyncio.gather(stopping, *tasks, return_exceptions=True)


async def _service(
    spec: InstanceSpec,
    knobs: Knobs,
    meters: Meters,
    session: aiohttp.ClientSession,
    stack: AsyncExitStack,
) -> list[Coroutine[None, None, None]]:
    service = SERVICES.get(spec.service)
    if service is None:
        raise DemoError(
            f"unknown service {spec.service!r}",
            where=spec.id,
            fix=f"choose one of {', '.join(SERVICES)}",
        )
    directory = Directory()
    rng = random.Random(f"{spec.seed}/{spec.id}")  # noqa: S311 - balances load, keeps no secret
    pool = Pool(session, directory, own_zone=spec.zone, rng=rng)
    client = Client(service.dependencies, pool=pool, knobs=knobs, meters=meters)
    node = Node(id=spec.id, zone=spec.zone, calls=client)
    await _serve(spec, ServiceServer(service, node, knobs, meters).handle, stack)
    discovery = DiscoveryClient(spec, session, directory, registers=True)
    stack.push_async_callback(discovery.leave)
    return [discovery.run()]


async def _discovery(
    spec: InstanceSpec, meters: Meters, session: aiohttp.ClientSession, stack: AsyncExitStack
) -> list[Coroutine[None, None, None]]:
    server = DiscoveryServer(spec, meters, session)
    await server.start()
    await _serve(spec, server.handle, stack)
    return [server.sweep(), server.replicate()]


def _viewers(
    spec: InstanceSpec, knobs: Knobs, meters: Meters, session: aiohttp.ClientSession
) -> list[Coroutine[None, None, None]]:
    directory = Directory()
    viewers = Viewers(spec, knobs, meters, session, directory)
    return [DiscoveryClient(spec, session, directory, registers=False).run(), viewers.run()]


async def _serve(spec: InstanceSpec, handle: Handler, stack: AsyncExitStack) -> None:
    """Listen on the instance's address until the stack is unwound."""
    server = web.Server(handle, keepalive_timeout=KEEPALIVE_S, access_log=None)
    runner = web.ServerRunner(server, shutdown_timeout=SHUTDOWN_S)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    try:
        await web.TCPSite(runner, spec.address, spec.port, backlog=BACKLOG).start()
    except OSError as error:
        raise DemoError(
            f"cannot listen on {spec.address}:{spec.port}: {os.strerror(error.errno or 0)}",
            where=f"{spec.service} {spec.id}",
            fix="stop what listens there: `ss -ltnp` shows it",
        ) from error
