"""Who is there, with which ids and addresses."""

from __future__ import annotations

from collections import Counter

import pytest

from demo_platform.services import SERVICES
from demo_platform.topology import (
    RPC_SERVICES,
    SIZES,
    Addresses,
    Slot,
    Style,
    instance_id,
    slots_of,
    spec_of,
    specs_of,
    viewer_slots_of,
)

RECS = Slot("recs", "us-east-1", "us-east-1b", 0)


@pytest.mark.parametrize(("size", "count", "viewers"), [("normal", 96, 2), ("small", 48, 1)])
def test_sizes_have_so_many_instances(size: str, count: int, viewers: int) -> None:
    slots = slots_of(SIZES[size])
    assert len(slots) == count
    assert len({slot.key for slot in slots}) == count
    assert len(viewer_slots_of(SIZES[size])) == viewers


@pytest.mark.parametrize("size", sorted(SIZES))
def test_each_zone_has_one_instance_of_each_service(size: str) -> None:
    zones = Counter((slot.zone, slot.service) for slot in slots_of(SIZES[size]))
    regions = len(SIZES[size].regions)
    assert len({zone for zone, _ in zones}) == 3 * regions
    assert {service for _, service in zones} == {*SERVICES, "cassandra", "dns", "eureka", "evcache"}
    assert set(zones.values()) == {1}
    assert len([one for one in zones if one[1] in SERVICES]) == 36 * regions


def test_ids_depend_on_seed_slot_and_incarnation_only() -> None:
    assert instance_id(1, RECS, 0) == instance_id(1, RECS, 0) == "i-" + instance_id(1, RECS, 0)[2:]
    others = {
        instance_id(2, RECS, 0),
        instance_id(1, RECS, 1),
        instance_id(1, Slot("recs", "us-east-1", "us-east-1b", 1), 0),
        instance_id(1, Slot("recs", "us-east-1", "us-east-1c", 0), 0),
    }
    assert len(others | {instance_id(1, RECS, 0)}) == 5


def test_ids_and_addresses_of_a_platform_are_all_different() -> None:
    specs = list(specs_of(slots_of(SIZES["normal"]), Addresses(), seed=3))
    assert len({spec.id for spec in specs}) == len({spec.address for spec in specs}) == 96


def test_address_says_region_and_zone() -> None:
    spec = spec_of(Slot("recs", "us-west-2", "us-west-2c", 0), 0, Addresses(), seed=1)
    assert (spec.address, spec.port) == ("10.2.3.10", 8080)


def test_replaced_instance_gets_a_new_address_and_eureka_keeps_its_own() -> None:
    addresses = Addresses()
    first, second = (spec_of(RECS, n, addresses, seed=1) for n in (0, 1))
    assert first.address != second.address
    server = Slot("eureka", "us-east-1", "us-east-1b", 0)
    first, second = (spec_of(server, n, addresses, seed=1) for n in (0, 1))
    assert first.address == second.address == "10.1.2.2"


def test_addresses_come_round_again_only_when_given_back() -> None:
    addresses = Addresses()
    first = addresses.of(RECS)
    for _ in range(240):
        addresses.of(RECS)
    with pytest.raises(ValueError, match="no address left"):
        addresses.of(RECS)
    addresses.release(*first)
    assert addresses.of(RECS) == first


def test_own_zones_discovery_is_named_first() -> None:
    spec = spec_of(RECS, 0, Addresses(), seed=1)
    assert [zone for zone, _, _ in spec.discovery] == ["us-east-1b", "us-east-1a", "us-east-1c"]


@pytest.mark.parametrize("style", list(Style))
def test_no_two_endpoints_are_the_same(style: Style) -> None:
    size = SIZES["normal"]
    specs = list(specs_of(slots_of(size) + viewer_slots_of(size), Addresses(style), seed=1))
    endpoints = [(spec.address, port) for spec in specs for port in spec.ports]
    # Cache nodes, store nodes and name servers have two, as services that speak gRPC or RSocket.
    assert len(set(endpoints)) == len(endpoints) == 98 + 18 + 6 * len(RPC_SERVICES)
    first_octet = "10." if style is Style.NETNS else "127."
    assert all(spec.address.startswith(first_octet) for spec in specs)


def test_cache_nodes_know_the_discovery_of_the_other_regions() -> None:
    specs = specs_of(slots_of(SIZES["normal"]), Addresses(), seed=1)
    (node,) = (s for s in specs if (s.service, s.zone) == ("evcache", "us-west-2b"))
    assert node.ports == (8080, 11211)
    ((region, servers),) = node.remote
    assert region == "us-east-1"
    assert [address for _, address, _ in servers] == ["10.1.1.2", "10.1.2.2", "10.1.3.2"]
    assert spec_of(RECS, 0, Addresses(), seed=1).remote == ()
    small = specs_of(slots_of(SIZES["small"]), Addresses(), seed=1)
    assert all(spec.remote == () and spec.labels == () for spec in small)


def test_own_zones_name_server_is_asked_first_and_is_where_it_was() -> None:
    addresses = Addresses()
    spec = spec_of(RECS, 0, addresses, seed=1)
    assert spec.resolvers == ("10.1.2.3", "10.1.1.3", "10.1.3.3")
    slot = Slot("dns", "us-east-1", "us-east-1b", 0)
    first, second = (spec_of(slot, n, addresses, seed=1) for n in (0, 1))
    assert first.address == second.address == spec.resolvers[0]
    assert first.ports == (8080, 53)


@pytest.mark.parametrize("style", [Style.PROXY, Style.LOOPBACK, Style.PORTS])
def test_without_a_network_of_its_own_nobody_resolves_names(style: Style) -> None:
    spec = spec_of(Slot("dns", "us-east-1", "us-east-1b", 0), 0, Addresses(style), seed=1)
    assert spec.resolvers == ()
    assert spec.dns_port == spec.port + 6400


def test_store_nodes_know_the_other_regions_and_keep_their_disk() -> None:
    specs = list(specs_of(slots_of(SIZES["normal"]), Addresses(), seed=1))
    nodes = [spec for spec in specs if spec.service == "cassandra"]
    assert len({spec.volume for spec in nodes}) == len({spec.zone for spec in nodes}) == 6
    assert all(spec.ports == (8080, 14000) for spec in nodes)
    assert {spec.remote[0][0] for spec in nodes} == {"us-east-1", "us-west-2"}
    assert not any(spec.volume for spec in specs if spec.service != "cassandra")


def test_viewers_live_in_no_zone_and_know_how_many_share_the_traffic() -> None:
    for slot in viewer_slots_of(SIZES["normal"]):
        spec = spec_of(slot, 0, Addresses(), seed=1)
        assert spec.zone == spec.region
        assert dict(spec.labels) == {"regions": "us-east-1,us-west-2"}


def test_behind_proxies_instances_listen_where_nobody_looks() -> None:
    slots = slots_of(SIZES["small"])
    plain, proxied = (
        list(specs_of(slots, Addresses(style), seed=1)) for style in (Style.LOOPBACK, Style.PROXY)
    )
    assert [spec.address for spec in plain] == [spec.address for spec in proxied]
    assert all(spec.bound(80) == (spec.address, 80) for spec in plain)
    hidden = {spec.bound(spec.port) for spec in proxied}
    assert len(hidden) == len(proxied)
    assert not hidden & {(spec.address, spec.port) for spec in proxied}
    assert all(address.startswith("127.101.") for address, _ in hidden)
