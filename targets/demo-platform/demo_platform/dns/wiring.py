"""A zone's name server as an instance: what it follows, and its HTTP side.

GET /healthcheck
"""

from __future__ import annotations

from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import replace

from demo_platform.dns.names import KnownRegion, Names, discovery_by_region
from demo_platform.dns.server import DnsServer
from demo_platform.eureka.client import EurekaClient
from demo_platform.eureka.directory import Directory
from demo_platform.http_message import JSON, HttpRequest, HttpResponse
from demo_platform.metrics import Ipc, Meters, counted_calls
from demo_platform.topology import InstanceSpec
from demo_platform.wires.http_client import HttpTransport

HEALTH_PATH = "/healthcheck"

Loop = Coroutine[None, None, None]


async def start_dns(
    spec: InstanceSpec,
    *,
    http: HttpTransport,
    directory: Directory,
    meters: Meters,
    stack: AsyncExitStack,
) -> tuple[Door, list[Loop]]:
    """Answer for the instance's zone; its HTTP side, and the loops that look at other regions.

    directory: of its own region, kept by whoever registers it.
    """
    directories = {spec.region: directory}
    loops: list[Loop] = []
    for region, servers in spec.remote:
        directories[region] = Directory()
        abroad = replace(spec, discovery=servers)
        loops.append(EurekaClient(abroad, http, directories[region], registers=False).run())
    known = discovery_by_region(spec)
    names = Names(
        {region: KnownRegion(found.peers, known[region]) for region, found in directories.items()}
    )
    await DnsServer(names, meters).listen(*spec.bound(spec.dns_port), stack)
    return Door(meters), loops


class Door:
    """What stands beside a name server."""

    def __init__(self, meters: Meters) -> None:
        self._calls = counted_calls(meters)
        meters.counter("server.seconds")

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer one request."""
        is_known = (request.method, request.path) == ("GET", HEALTH_PATH)
        self._calls[Ipc.SUCCESS if is_known else Ipc.BAD_REQUEST].add()
        if is_known:
            return HttpResponse(b'{"status":"up"}', content_type=JSON)
        text = f"no route {request.method} {request.path}; there is: GET {HEALTH_PATH}\n"
        return HttpResponse.of_text(text, status=404)
