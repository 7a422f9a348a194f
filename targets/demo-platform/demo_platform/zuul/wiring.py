"""Puts an edge together from what an instance has."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from demo_platform import rundir
from demo_platform.http_message import Handler
from demo_platform.knobs import Knobs
from demo_platform.metrics import Meters
from demo_platform.pool import Pool
from demo_platform.service import Dependency, Node
from demo_platform.services import SERVICES
from demo_platform.tokens import key_of
from demo_platform.topology import EDGE, InstanceSpec
from demo_platform.tracing.tracer import NO_TRACER, Tracer
from demo_platform.zuul.builtin import BUILT_IN
from demo_platform.zuul.edge import Edge
from demo_platform.zuul.folder import FilterFolder
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
    folder: Path | None = None,
) -> ZuulServer:
    """The edge's server.

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
        knobs=knobs,
        scopes=(spec.service, spec.id),
        meters=meters,
    )
    return ZuulServer(edge, meters, asides, tracer)
