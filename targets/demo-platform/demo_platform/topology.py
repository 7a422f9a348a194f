"""Who is there: regions, zones, groups and slots, and the instance that fills a slot. Pure.

A *slot* is a place in a group's zone that one instance fills at a time. When that instance dies
the slot is filled again by the next *incarnation*: same service and zone, new id, new address
(only discovery and name servers keep theirs, because every other instance has been told them).
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

BRIDGE = "br0"
PROBE_ADDRESS = "10.0.0.1"
PORT = 8080
CACHE_PORT_OFFSET = 3131
"""A cache node speaks memcached's protocol this much above its HTTP port: at 11211, its own."""
RPC_PORT_OFFSET = 5200
"""A service that speaks gRPC or RSocket does so this much above its HTTP port: at 13280."""

RPC_SERVICES = frozenset({"auth", "customer", "history", "license", "recs"})

STORE_PORT_OFFSET = 5920
"""A store node speaks to services and other nodes this much above its HTTP port: at 14000.

Or below, where there is no such port.
"""

DNS_PORT = 53
DNS_PORT_OFFSET = 6400
"""Without a network of its own, a name server is this much above its HTTP port, or below it."""

EUREKA = "eureka"
DNS = "dns"
VIEWERS = "viewers"
EVCACHE = "evcache"
EDGE = "edge"
CASSANDRA = "cassandra"

REGIONS = ("us-east-1", "us-west-2")
ZONE_LETTERS = ("a", "b", "c")

ONE_OF_EACH = (
    ("edge", 1),
    ("api", 1),
    ("auth", 1),
    ("customer", 1),
    ("playback", 1),
    ("license", 1),
    ("steering", 1),
    ("catalog", 1),
    ("recs", 1),
    ("search", 1),
    ("history", 1),
    ("abtest", 1),
)
"""Instances of each service in a zone; those that others call most come first."""

OTHER_REGIONS_LABEL = "other-regions"

ALONE_INDEX = 1000
"""From this index on, slots are those of instances that were started by themselves."""

_EUREKA_HOST = 2
_DNS_HOST = 3
_FIRST_HOST = 10
_LAST_HOST = 250
_LAST_PORT = 65_535
_BEHIND_PROXIES = 100


@dataclass(frozen=True, slots=True)
class InstanceSpec:
    """All that a process of the platform is told about itself before it starts."""

    id: str
    service: str
    group: str
    region: str
    zone: str
    address: str
    port: int
    seed: int
    discovery: tuple[tuple[str, str, int], ...]
    """(zone, address, port) of the region's discovery servers, own zone first."""
    publish_socket: str
    """Unix socket of a spectatord; empty when nobody listens."""
    labels: tuple[tuple[str, str], ...] = ()
    trace_socket: str = ""
    """Unix socket of the collector of spans; empty when nobody listens."""
    remote: tuple[tuple[str, tuple[tuple[str, str, int], ...]], ...] = ()
    """For each other region that this process talks to, its discovery servers."""
    bound_address: str = ""
    """Where it listens, if that is not where others reach it: a proxy has its own address."""
    volume: str = ""
    """The disk that outlives the instance, by name; empty: its disk goes with it."""
    resolvers: tuple[str, ...] = ()
    """Addresses of the region's name servers, own zone first; empty where names are not resolved.
    """

    def bound(self, port: int) -> tuple[str, int]:
        """Where the process listens for what comes to one of its ports."""
        return self.bound_address or self.address, port

    @property
    def cache_port(self) -> int:
        """Where it speaks memcached's protocol; 0 if it does not."""
        return self.port + CACHE_PORT_OFFSET if self.service == EVCACHE else 0

    @property
    def rpc_port(self) -> int:
        """Where it speaks gRPC or RSocket; 0 if it does neither."""
        return self.port + RPC_PORT_OFFSET if self.service in RPC_SERVICES else 0

    @property
    def ports(self) -> tuple[int, ...]:
        """Every port that the process listens on."""
        return (
            self.port,
            *(
                port
                for port in (self.cache_port, self.rpc_port, self.store_port, self.dns_port)
                if port
            ),
        )

    @property
    def dns_port(self) -> int:
        """Where it answers questions about names; 0 if it does not."""
        if self.service != DNS:
            return 0
        return DNS_PORT if self.resolvers else _beside(self.port, DNS_PORT_OFFSET)

    @property
    def store_port(self) -> int:
        """Where a node of the wide-column store takes requests; 0: this is none."""
        return store_port_of(self.port) if self.service == CASSANDRA else 0


@dataclass(frozen=True, slots=True)
class Size:
    """How much platform to start."""

    name: str
    regions: tuple[str, ...]
    per_zone: tuple[tuple[str, int], ...]
    starts_per_second: float
    caches_per_zone: int = 1


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for one instance of a service in a zone; zone is the region's name for viewers.

    in_group: the scaling group's name, where it is not the usual one of service and region.
    """

    service: str
    region: str
    zone: str
    index: int
    labels: tuple[tuple[str, str], ...] = ()
    in_group: str = ""

    @property
    def is_alone(self) -> bool:
        """Whether no scaling group keeps this slot filled."""
        return self.index >= ALONE_INDEX

    @property
    def group(self) -> str:
        """The scaling group that keeps this slot filled, or the name of what none keeps."""
        usual = f"{self.service}-{self.region}{'-alone' if self.is_alone else ''}"
        return self.in_group or usual

    @property
    def key(self) -> str:
        """A name that no other slot has."""
        where = f"{self.in_group}/{self.zone}" if self.in_group else self.zone
        return f"{self.service}/{where}/{self.index}"


SIZES = {
    "normal": Size(name="normal", regions=REGIONS, per_zone=ONE_OF_EACH, starts_per_second=30.0),
    "small": Size(name="small", regions=REGIONS[:1], per_zone=ONE_OF_EACH, starts_per_second=8.0),
}


def slots_of(size: Size) -> tuple[Slot, ...]:
    """Every slot of a platform but the viewers'; first the servers that all others ask."""
    zones = [(region, region + letter) for region in size.regions for letter in ZONE_LETTERS]
    servers = [Slot(EUREKA, region, zone, 0) for region, zone in zones]
    names = [Slot(DNS, region, zone, 0, _others(size.regions, region)) for region, zone in zones]
    caches = [
        Slot(EVCACHE, region, zone, index, _others(size.regions, region))
        for region, zone in zones
        for index in range(size.caches_per_zone)
    ]
    stores = [
        Slot(CASSANDRA, region, zone, 0, _others(size.regions, region)) for region, zone in zones
    ]
    services = [
        Slot(service, region, zone, index, _others(size.regions, region) if service == EDGE else ())
        for region, zone in zones
        for service, count in size.per_zone
        for index in range(count)
    ]
    return tuple(names + servers + caches + stores + services)


def viewer_slots_of(size: Size) -> tuple[Slot, ...]:
    """One load generator a region. It lives in no zone, so that no zone outage can take it."""
    share = (("regions", ",".join(size.regions)),)  # among whom the offered rate is split
    return tuple(Slot(VIEWERS, region, region, 0, share) for region in size.regions)


def store_port_of(port: int) -> int:
    """Where a node of the wide-column store takes requests, by its HTTP port.

    >>> store_port_of(8080), store_port_of(60000)
    (14000, 54080)
    """
    return _beside(port, STORE_PORT_OFFSET)


def _beside(port: int, offset: int) -> int:
    above = port + offset
    return above if above <= _LAST_PORT else port - offset


def instance_id(seed: int, slot: Slot, incarnation: int) -> str:
    """The same id for the same seed, slot and incarnation, on every machine."""
    words = f"{seed}/{slot.key}/{incarnation}"
    return "i-" + hashlib.sha256(words.encode()).hexdigest()[:8]


def cluster_of(group: str) -> str:
    """What all versions of a scaling group have in common: its name without the sequence number.

    >>> cluster_of("recs-us-east-1-v007"), cluster_of("recs-us-east-1")
    ('recs-us-east-1', 'recs-us-east-1')
    """
    return re.sub(r"-(v\d{3}|alone)$", "", group)


class Style(StrEnum):
    """How instances are told apart on the network."""

    NETNS = "netns"  # 10.<region>.<zone>.<n>, each in a network namespace of its own
    PROXY = "proxy"  # as loopback; but there listen proxies, and the instances elsewhere
    LOOPBACK = "loopback"  # 127.<region>.<zone>.<n>: all of 127/8 is local on Linux
    PORTS = "ports"  # 127.0.0.1 and a port each, where only that address is local


class Addresses:
    """Hands out the addresses of one world and remembers which are taken.

    has_names: whether its instances resolve names; False where each has no network of its own.
    """

    def __init__(
        self, style: Style = Style.NETNS, port: int = PORT, *, has_names: bool = True
    ) -> None:
        self.has_names = has_names and style is Style.NETNS
        self._style = style
        self._port = port
        self._next_host: dict[str, int] = {}
        self._taken: set[tuple[str, int]] = set()

    def of(self, slot: Slot) -> tuple[str, int]:
        """Address and port for the next incarnation of a slot, not in use by any other.

        Raises ValueError when a zone has no address left, which no size comes near.
        """
        fixed = _fixed_host(slot)
        if fixed is not None:
            return self._format(slot, fixed)
        for _ in range(_FIRST_HOST, _LAST_HOST + 1):
            host = self._next_host.get(slot.zone, _FIRST_HOST)
            self._next_host[slot.zone] = _FIRST_HOST if host == _LAST_HOST else host + 1
            endpoint = self._format(slot, host)
            if endpoint not in self._taken:
                self._taken.add(endpoint)
                return endpoint
        raise ValueError(f"no address left in zone {slot.zone!r}")

    def release(self, address: str, port: int) -> None:
        """Give an address back; it is not handed out again before the others have been."""
        self._taken.discard((address, port))

    def bound(self, address: str) -> str:
        """Where the instance of that address listens; empty: there."""
        if self._style is not Style.PROXY:
            return ""
        first, region, rest = address.split(".", 2)
        return f"{first}.{int(region) + _BEHIND_PROXIES}.{rest}"

    def _format(self, slot: Slot, host: int) -> tuple[str, int]:
        region, zone = _numbers(slot)
        if self._style is Style.PORTS:
            rank = (region - 1) * (len(ZONE_LETTERS) + 1) + zone
            return "127.0.0.1", self._port + rank * (_LAST_HOST + 1) + host
        first = 10 if self._style is Style.NETNS else 127
        return f"{first}.{region}.{zone}.{host}", self._port


def specs_of(
    slots: tuple[Slot, ...],
    addresses: Addresses,
    *,
    seed: int,
    publish_socket: str = "",
) -> Iterator[InstanceSpec]:
    """The first incarnation of each slot."""
    for slot in slots:
        yield spec_of(slot, 0, addresses, seed=seed, publish_socket=publish_socket)


def spec_of(
    slot: Slot,
    incarnation: int,
    addresses: Addresses,
    *,
    seed: int,
    publish_socket: str = "",
    trace_socket: str = "",
) -> InstanceSpec:
    """The instance that fills a slot for the nth time, counted from 0."""
    address, port = addresses.of(slot)
    return InstanceSpec(
        id=instance_id(seed, slot, incarnation),
        service=slot.service,
        group=slot.group,
        region=slot.region,
        zone=slot.zone,
        address=address,
        port=port,
        seed=seed,
        discovery=_discovery_of(slot, addresses),
        publish_socket=publish_socket,
        labels=slot.labels,
        trace_socket=trace_socket,
        remote=_remote_of(slot, addresses),
        # What a store node has written is found again by the one that takes its place.
        volume=f"{CASSANDRA}-{slot.zone}-{slot.index}" if slot.service == CASSANDRA else "",
        bound_address=addresses.bound(address),
        resolvers=_resolvers_of(slot, addresses) if addresses.has_names else (),
    )


def _discovery_of(slot: Slot, addresses: Addresses) -> tuple[tuple[str, str, int], ...]:
    zones = _own_zone_first(slot)
    return tuple((zone, *addresses.of(Slot(EUREKA, slot.region, zone, 0))) for zone in zones)


def _resolvers_of(slot: Slot, addresses: Addresses) -> tuple[str, ...]:
    zones = _own_zone_first(slot)
    return tuple(addresses.of(Slot(DNS, slot.region, zone, 0))[0] for zone in zones)


def _own_zone_first(slot: Slot) -> list[str]:
    zones = [slot.region + letter for letter in ZONE_LETTERS]
    return sorted(zones, key=lambda zone: (zone != slot.zone, zone))


def _others(regions: tuple[str, ...], own: str) -> tuple[tuple[str, str], ...]:
    """The label of a slot whose instance talks to other regions."""
    others = ",".join(region for region in regions if region != own)
    return ((OTHER_REGIONS_LABEL, others),) if others else ()


def _remote_of(
    slot: Slot, addresses: Addresses
) -> tuple[tuple[str, tuple[tuple[str, str, int], ...]], ...]:
    regions = [one for one in dict(slot.labels).get(OTHER_REGIONS_LABEL, "").split(",") if one]
    there = {one: Slot(EUREKA, one, one + ZONE_LETTERS[0], 0) for one in regions}
    return tuple((one, _discovery_of(there[one], addresses)) for one in regions)


def _fixed_host(slot: Slot) -> int | None:
    if slot.service == EUREKA:
        return _EUREKA_HOST
    if slot.service == DNS:
        return _DNS_HOST
    if slot.service == VIEWERS:
        return _FIRST_HOST
    return None


def _numbers(slot: Slot) -> tuple[int, int]:
    """Region and zone as numbers from 1; the zone is 0 for what lives in none."""
    region = REGIONS.index(slot.region) + 1
    if slot.zone == slot.region:
        return region, 0
    return region, ZONE_LETTERS.index(slot.zone.removeprefix(slot.region)) + 1
