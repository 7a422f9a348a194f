"""Puts an edge together from what an instance has."""

from __future__ import annotations

import random
from collections.abc import Coroutine, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from demo_platform import rundir
from demo_platform.eureka.client import EurekaClient
from demo_platform.eureka.directory import Directory
from demo_platform.http_message import Handler
from demo_platform.knobs import Knobs
from demo_platform.metrics import Meters
from demo_platform.pool import Pool
from demo_platform.service import Dependency, Node
from demo_platform.services import SERVICES
from demo_platform.tokens import key_of
from demo_platform.topology import EDGE, InstanceSpec
from demo_platform.tracing.tracer import NO_TRACER, Tracer
from demo_platform.wires.http_client import HttpTransport
from demo_platform.zuul.builtin import BUILT_IN
from demo_platform.zuul.edge import Edge
from demo_platform.zuul.folder import FilterFolder
from demo_platform.zuul.forwarding import TIMEOUT_S, Forwarding, Neighbour, look_while
from demo_platform.zuul.origin import Origin
from demo_platform.zuul.routes import ROUTES
from demo_platform.zuul.server import ZuulServer

ORIGIN_TIMEOUT_S = 0.9
"""Of an origin that no route of the edge declares, but a rule sends requests to."""


def edge_of(
    spec: InstanceSpec,
    node: Node,
    pool: Pool,
    knobs: Knobs,
    meters: Meters,
    *,
    asides: Mapping[str, Handler] = MappingProxyType({}),
    tracer: Tracer = NO_TRACER,
    forwarding: Forwarding | None = None,
    folder: Path | None = None,
) -> ZuulServer:
    """The edge's server.

    forwarding: to other regions; by default to none.
    folder: of filters; by default the world's, which this instance's own folder is beside.
    """
    service = SERVICES[EDGE]
    declared = {one.service: one for one in service.dependencies}
    filters = FilterFolder(folder or rundir.filters_beside(Path.cwd()), BUILT_IN)
    filters.look()

    def origin_of(vip: str) -> Origin:
        dependency = declared.get(vip) or Dependency(vip, timeout_s=ORIGIN_TIMEOUT_S)
        return Origin(dependency, pool=pool, knobs=knobs, meters=meters)

    edge = Edge(
        node,
        services=tuple(SERVICES),
        token_key=key_of(spec.seed),
        routes=ROUTES,
        functions=service.routes,
        origin_of=origin_of,
        folder=filters,
        forwarding=forwarding or Forwarding(spec.region, knobs),
        knobs=knobs,
        scopes=(spec.service, spec.id),
        meters=meters,
    )
    return ZuulServer(edge, meters, asides, tracer)


def forwarding_of(
    spec: InstanceSpec, http: HttpTransport, knobs: Knobs, meters: Meters
) -> tuple[Forwarding, list[Coroutine[None, None, None]]]:
    """What passes requests on to other regions, and the loops that know who is there."""
    neighbours: list[Neighbour] = []
    loops: list[Coroutine[None, None, None]] = []
    forwarding = Forwarding(spec.region, knobs, neighbours)
    rng = random.Random(f"{spec.seed}/{spec.id}/abroad")  # noqa: S311 - spreads load, no secret
    for region, servers in spec.remote:
        edges = Directory()
        pool = Pool(http, edges, own_zone="", rng=rng, knobs=knobs)
        dependency = Dependency(EDGE, timeout_s=TIMEOUT_S)
        origin = Origin(dependency, pool=pool, knobs=knobs, meters=meters)
        forwarded = meters.counter("edge.forwarded", to=region)
        neighbours.append(Neighbour(region, edges, origin, forwarded))
        abroad = replace(spec, discovery=servers)
        discovery = EurekaClient(abroad, http, edges, registers=False)
        loops.append(look_while(forwarding.share, discovery.run))
    return forwarding, loops
