"""Who is there: regions, zones, groups and slots, and the instance that fills a slot. Pure.

A *slot* is a place in a group's zone that one instance fills at a time. When that instance dies
the slot is filled again by the next *incarnation*: same service and zone, new id, new address
(only discovery keeps its address, because every other instance has been told it).
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

BRIDGE = "br0"
PROBE_ADDRESS = "10.0.0.1"
PORT = 8080
DISCOVERY = "discovery"
VIEWERS = "viewers"

REGIONS = ("us-east-1", "us-west-2")
ZONE_LETTERS = ("a", "b", "c")

_DISCOVERY_HOST = 2
_FIRST_HOST = 10
_LAST_HOST = 250


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
    """Unix socket of the metrics store; empty when nobody listens."""
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Size:
    """How much platform to start."""

    name: str
    regions: tuple[str, ...]
    per_zone: tuple[tuple[str, int], ...]
    starts_per_second: float


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for one instance of a service in a zone; zone is the region's name for viewers."""

    service: str
    region: str
    zone: str
    index: int
    labels: tuple[tuple[str, str], ...] = ()

    @property
    def group(self) -> str:
        """The scaling group that keeps this slot filled."""
        return f"{self.service}-{self.region}"

    @property
    def key(self) -> str:
        """A name that no other slot has."""
        return f"{self.service}/{self.zone}/{self.index}"


SIZES = {
    "normal": Size(
        name="normal",
        regions=REGIONS,
        per_zone=(
            ("edge", 1),
            ("api", 2),
            ("auth", 1),
            ("customer", 1),
            ("playback", 2),
            ("catalog", 1),
            ("recs", 1),
            ("abtest", 1),
        ),
        starts_per_second=30.0,
    ),
    "small": Size(
        name="small",
        regions=REGIONS[:1],
        per_zone=(
            ("edge", 1),
            ("api", 1),
            ("auth", 1),
            ("customer", 1),
            ("playback", 1),
            ("catalog", 1),
            ("recs", 1),
            ("abtest", 1),
        ),
        starts_per_second=8.0,
    ),
}


def slots_of(size: Size) -> tuple[Slot, ...]:
    """Every slot of a platform but the viewers', discovery first."""
    zones = [(region, region + letter) for region in size.regions for letter in ZONE_LETTERS]
    discovery = [Slot(DISCOVERY, region, zone, 0) for region, zone in zones]
    services = [
        Slot(service, region, zone, index)
        for region, zone in zones
        for service, count in size.per_zone
        for index in range(count)
    ]
    return tuple(discovery + services)


def viewer_slots_of(size: Size) -> tuple[Slot, ...]:
    """One load generator a region. It lives in no zone, so that no zone outage can take it."""
    share = (("regions", str(len(size.regions))),)  # among how many the offered rate is split
    return tuple(Slot(VIEWERS, region, region, 0, share) for region in size.regions)


def instance_id(seed: int, slot: Slot, incarnation: int) -> str:
    """The same id for the same seed, slot and incarnation, on every machine."""
    words = f"{seed}/{slot.service}/{slot.zone}/{slot.index}/{incarnation}"
    return "i-" + hashlib.sha256(words.encode()).hexdigest()[:8]


class Style(StrEnum):
    """How instances are told apart on the network."""

    NETNS = "netns"  # 10.<region>.<zone>.<n>, each in a network namespace of its own
    LOOPBACK = "loopback"  # 127.<region>.<zone>.<n>: all of 127/8 is local on Linux
    PORTS = "ports"  # 127.0.0.1 and a port each, where only that address is local


class Addresses:
    """Hands out the addresses of one world and remembers which are taken."""

    def __init__(self, style: Style = Style.NETNS, port: int = PORT) -> None:
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
    )


def _discovery_of(slot: Slot, addresses: Addresses) -> tuple[tuple[str, str, int], ...]:
    zones = [slot.region + letter for letter in ZONE_LETTERS]
    own_first = sorted(zones, key=lambda zone: (zone != slot.zone, zone))
    return tuple((zone, *addresses.of(Slot(DISCOVERY, slot.region, zone, 0))) for zone in own_first)


def _fixed_host(slot: Slot) -> int | None:
    if slot.service == DISCOVERY:
        return _DISCOVERY_HOST
    if slot.service == VIEWERS:
        return _FIRST_HOST
    return None


def _numbers(slot: Slot) -> tuple[int, int]:
    """Region and zone as numbers from 1; the zone is 0 for what lives in none."""
    region = REGIONS.index(slot.region) + 1
    if slot.zone == slot.region:
        return region, 0
    return region, ZONE_LETTERS.index(slot.zone.removeprefix(slot.region)) + 1
