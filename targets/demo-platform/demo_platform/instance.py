"""One process of the platform, from its specification to its orderly end.

Everything that has a life is made here, after the fork: event loop, sockets, connection pool. On
SIGTERM the process deregisters first, so that others stop choosing it, and then goes.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import random
import signal
import sys
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial

import uvloop

from demo_platform.builds import running_build
from demo_platform.client import Client
from demo_platform.dns.asking import KnownName
from demo_platform.dns.finding import with_discovery
from demo_platform.dns.names import service_name
from demo_platform.dns.wiring import start_dns
from demo_platform.errors import DemoError
from demo_platform.eureka.client import EurekaClient
from demo_platform.eureka.directory import Directory
from demo_platform.eureka.server import EurekaServer
from demo_platform.evcache.wiring import cache_of, start_node
from demo_platform.fragility import (
    cache_policy,
    keeps_to_zone,
    needs_registry,
    store_capacity,
)
from demo_platform.hystrix.stream import STREAM_PATH, HystrixStream
from demo_platform.knobs import Knobs
from demo_platform.members.device import Devices
from demo_platform.members.viewers import Viewers
from demo_platform.metrics import Meters, common_tags
from demo_platform.pool import Pool, Transport
from demo_platform.prometheus_page import with_metrics
from demo_platform.publisher import Publisher
from demo_platform.server import ServiceServer
from demo_platform.service import NO_CACHE, Cache, Node, Service, Wire
from demo_platform.services import SERVICES
from demo_platform.topology import CASSANDRA, DNS, EDGE, EUREKA, EVCACHE, VIEWERS, InstanceSpec
from demo_platform.tracing.sender import tracer_of
from demo_platform.tracing.tracer import Tracer
from demo_platform.widecolumn.wiring import behind_of, start_store_node, store_of
from demo_platform.wires.grpc_client import GrpcTransport
from demo_platform.wires.grpc_server import serve_grpc
from demo_platform.wires.http_client import HttpTransport
from demo_platform.wires.http_server import serve_http
from demo_platform.wires.rsocket_client import RSocketTransport
from demo_platform.wires.rsocket_server import serve_rsocket
from demo_platform.zone_log import begin_log
from demo_platform.zuul.server import REQUEST_WITHIN_S
from demo_platform.zuul.wiring import edge_of, forwarding_of

_log = logging.getLogger(__name__)


def run_instance(spec: InstanceSpec, knobs: Knobs) -> None:
    """Be the instance until SIGTERM.

    Raises SystemExit(1), after a line on stderr, when it cannot serve.
    """
    try:
        begin_log(spec)
        # A request leaves few cycles behind: looking for them at every 700th object cost a tenth.
        gc.set_threshold(20_000, 20, 20)
        uvloop.run(_live(with_discovery(spec), knobs))
    except DemoError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(1) from error


async def _live(spec: InstanceSpec, knobs: Knobs) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    meters = Meters(common_tags(spec))
    async with AsyncExitStack() as stack:
        http = HttpTransport()
        stack.callback(http.close)
        if spec.service == EUREKA:
            loops = await _eureka(spec, meters, http, stack)
        elif spec.service == DNS:
            loops = await _dns(spec, meters, http, stack)
        elif spec.service == EVCACHE:
            loops = await _evcache(spec, meters, http, stack)
        elif spec.service == CASSANDRA:
            loops = await _cassandra(spec, knobs, meters, http, stack)
        elif spec.service == VIEWERS:
            loops = _viewers(spec, knobs, meters, http, tracer_of(spec, stack))
        else:
            loops = await _service(spec, knobs, meters, http, stack)
        if spec.publish_socket:
            publisher = Publisher(meters, spec.publish_socket, instance_id=spec.id)
            loops.append(publisher.run())
        _log.info("serving at %s:%d", spec.address, spec.port)
        await _until(stop, loops)
        _log.info("leaving")


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
    http: HttpTransport,
    stack: AsyncExitStack,
) -> list[Coroutine[None, None, None]]:
    service = _service_of(spec)
    directory = Directory()
    loops: list[Coroutine[None, None, None]] = []
    rng = random.Random(f"{spec.seed}/{spec.id}")  # noqa: S311 - balances load, keeps no secret
    transports = _transports(service, stack)
    pool = Pool(http, directory, own_zone=spec.zone, rng=rng, transports=transports, knobs=knobs)
    pool.keeps_to_zone = partial(keeps_to_zone, knobs)
    pool.publish(meters)
    scopes = (spec.service, spec.id)
    client = Client(service.dependencies, pool=pool, knobs=knobs, meters=meters, scopes=scopes)
    cache: Cache = NO_CACHE
    if service.cache is not None:
        cache, loops = cache_of(
            service.cache,
            spec,
            http=http,
            directory=directory,
            policy=partial(cache_policy, knobs),
            meters=meters,
            stack=stack,
        )
    node = Node(spec.id, spec.zone, client, cache, seed=spec.seed)
    if service.uses_store:
        store = store_of(spec, directory=directory, meters=meters, stack=stack)
        behind = behind_of(store, meters, stack)
        node = replace(node, store=store, behind=behind)
    asides = {STREAM_PATH: HystrixStream(client.runtime).handle}
    tracer, bound = tracer_of(spec, stack), spec.bound(spec.port)
    if spec.service == EDGE:
        forwarding, looking = forwarding_of(spec, http, knobs, meters)
        edge = edge_of(
            spec, node, pool, knobs, meters, asides=asides, tracer=tracer, forwarding=forwarding
        )
        loops = [*loops, edge.watch(), *looking]
        handle = with_metrics(meters, edge.handle)
        await serve_http(handle, *bound, stack, request_within_s=REQUEST_WITHIN_S)
    else:
        build = running_build(spec)
        server = ServiceServer(service, node, knobs, meters, asides, tracer=tracer, build=build)
        await serve_http(with_metrics(meters, server.handle), *bound, stack)
        await _serve_rpc(spec, service, server, stack)
    forgets = partial(needs_registry, knobs)
    return [_registering(spec, http, directory, meters, stack, forgets=forgets), *loops]


def _service_of(spec: InstanceSpec) -> Service:
    service = SERVICES.get(spec.service)
    if service is None:
        raise DemoError(
            f"unknown service {spec.service!r}",
            where=spec.id,
            fix=f"choose one of {', '.join(SERVICES)}",
        )
    return service


async def _serve_rpc(
    spec: InstanceSpec, service: Service, server: ServiceServer, stack: AsyncExitStack
) -> None:
    """Listen for the protocol in which other services call this one, if it is not HTTP."""
    if service.wire is Wire.GRPC:
        await serve_grpc(server, service.name, spec.address, spec.rpc_port, stack)
    elif service.wire is Wire.RSOCKET:
        await serve_rsocket(server, service, spec.address, spec.rpc_port, stack)


def _transports(service: Service, stack: AsyncExitStack) -> dict[str, Transport]:
    """How the services are called that a service depends on and that do not speak HTTP."""
    names = [one.service for one in service.dependencies]
    by_grpc = [name for name in names if SERVICES[name].wire is Wire.GRPC]
    by_rsocket = [name for name in names if SERVICES[name].wire is Wire.RSOCKET]
    found: dict[str, Transport] = {}
    if by_grpc:
        grpc = GrpcTransport()
        stack.push_async_callback(grpc.close)
        found |= dict.fromkeys(by_grpc, grpc)
    if by_rsocket:
        rsocket = RSocketTransport(SERVICES)
        stack.push_async_callback(rsocket.close)
        found |= dict.fromkeys(by_rsocket, rsocket)
    return found


async def _evcache(
    spec: InstanceSpec, meters: Meters, http: HttpTransport, stack: AsyncExitStack
) -> list[Coroutine[None, None, None]]:
    directory = Directory()
    sidecar, loops = await start_node(
        spec, http=http, directory=directory, meters=meters, stack=stack
    )
    await serve_http(with_metrics(meters, sidecar.handle), *spec.bound(spec.port), stack)
    return [_registering(spec, http, directory, meters, stack), *loops]


async def _dns(
    spec: InstanceSpec, meters: Meters, http: HttpTransport, stack: AsyncExitStack
) -> list[Coroutine[None, None, None]]:
    directory = Directory()
    door, loops = await start_dns(spec, http=http, directory=directory, meters=meters, stack=stack)
    await serve_http(with_metrics(meters, door.handle), *spec.bound(spec.port), stack)
    return [_registering(spec, http, directory, meters, stack), *loops]


async def _cassandra(
    spec: InstanceSpec,
    knobs: Knobs,
    meters: Meters,
    http: HttpTransport,
    stack: AsyncExitStack,
) -> list[Coroutine[None, None, None]]:
    directory = Directory()
    door, loops = await start_store_node(
        spec,
        http=http,
        directory=directory,
        capacity=partial(store_capacity, knobs),
        meters=meters,
        stack=stack,
    )
    await serve_http(with_metrics(meters, door.handle), *spec.bound(spec.port), stack)
    return [_registering(spec, http, directory, meters, stack), *loops]


def _registering(
    spec: InstanceSpec,
    http: HttpTransport,
    directory: Directory,
    meters: Meters,
    stack: AsyncExitStack,
    *,
    forgets: Callable[[], bool] = lambda: False,
) -> Coroutine[None, None, None]:
    """The loop that keeps the instance listed; it is taken off the list before it ends."""
    eureka = EurekaClient(spec, http, directory, registers=True, forgets=forgets)
    eureka.publish(meters)
    stack.push_async_callback(eureka.leave)
    return eureka.run()


async def _eureka(
    spec: InstanceSpec, meters: Meters, http: HttpTransport, stack: AsyncExitStack
) -> list[Coroutine[None, None, None]]:
    rng = random.Random(f"{spec.seed}/{spec.id}")  # noqa: S311 - picks whom to evict first
    server = EurekaServer(spec, meters, http, rng=rng)
    await server.start()
    await serve_http(with_metrics(meters, server.handle), *spec.bound(spec.port), stack)
    stack.push_async_callback(server.leave)
    return server.loops()


def _viewers(
    spec: InstanceSpec,
    knobs: Knobs,
    meters: Meters,
    http: HttpTransport,
    tracer: Tracer,
) -> list[Coroutine[None, None, None]]:
    directory = Directory()
    # Apart from who comes and when, so that what the platform does cannot change who comes;
    # and a device is in no zone.
    chance = random.Random(f"{spec.seed}/{spec.region}/devices")  # noqa: S311 - no secret
    pool = Pool(http, directory, own_zone="", rng=chance)
    edges = KnownName(service_name(EDGE, spec.region)) if spec.resolvers else None
    devices = Devices(pool, knobs, chance, edges=edges, tracer=tracer)
    viewers = Viewers(spec, knobs, meters, directory, devices)
    return [EurekaClient(spec, http, directory, registers=False).run(), viewers.run()]
