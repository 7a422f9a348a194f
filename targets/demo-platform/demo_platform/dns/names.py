"""Which name has which addresses, by what discovery says. Pure.

    <service>.<region>.demo           the instances of a service that are up in a region
    <service>.<zone>.<region>.demo    those in a zone of it

As in `edge.us-east-1a.us-east-1.demo`. Discovery itself is known without being asked, for who asks
for it knows nobody yet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from demo_platform.balancer import Peer
from demo_platform.topology import EUREKA, ZONE_LETTERS, InstanceSpec

TOP = "demo"
"""The label that all names end in."""


@dataclass(frozen=True, slots=True)
class KnownRegion:
    """What is known of a region. discovery: address of its servers by zone."""

    peers: Callable[[str], Iterable[Peer]]
    discovery: Mapping[str, str] = field(default_factory=dict)

    def addresses(self, service: str, zone: str) -> tuple[str, ...] | None:
        """Of a service, in one zone if one is named; None for a service that nobody knows of."""
        if service == EUREKA:
            return tuple(
                address for place, address in self.discovery.items() if zone in {"", place}
            )
        peers = tuple(self.peers(service))
        if not peers:
            return None
        return tuple(peer.address for peer in peers if zone in {"", peer.zone})


class Names:
    """The names of all regions that a server knows."""

    def __init__(self, regions: Mapping[str, KnownRegion]) -> None:
        self._regions = regions

    def addresses(self, labels: tuple[str, ...]) -> tuple[str, ...] | None:
        """Of a name, in small letters and without the root; None if there is no such name.

        Empty where there is the name, or are names below it, without an address of its own.
        """
        if labels == (TOP,):
            return ()
        *below, region, top = labels
        known = self._regions.get(region)
        if top != TOP or known is None:
            return None
        zones = {region + letter for letter in ZONE_LETTERS}
        match below:
            case [] | [_] if zones.issuperset(below):
                return ()
            case [service]:
                return known.addresses(service, "")
            case [service, zone] if zone in zones:
                return known.addresses(service, zone)
            case _:
                return None


def service_name(service: str, region: str, zone: str = "") -> str:
    """What a service is asked for by.

    >>> service_name("edge", "us-east-1"), service_name("eureka", "us-east-1", "us-east-1b")
    ('edge.us-east-1.demo.', 'eureka.us-east-1b.us-east-1.demo.')
    """
    place = f"{zone}.{region}" if zone else region
    return f"{service}.{place}.{TOP}."


def discovery_by_region(spec: InstanceSpec) -> dict[str, dict[str, str]]:
    """Addresses of the discovery servers that an instance is told of, by region and zone."""
    told = {spec.region: spec.discovery, **dict(spec.remote)}
    return {
        region: {zone: address for zone, address, _ in servers} for region, servers in told.items()
    }
