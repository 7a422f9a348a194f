"""Who is there, with which ids and addresses."""

from __future__ import annotations

from collections import Counter

import pytest

from demo_platform.topology import (
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


@pytest.mark.parametrize(("size", "count", "viewers"), [("normal", 66, 2), ("small", 27, 1)])
def test_sizes_have_so_many_instances(size: str, count: int, viewers: int) -> None:
    slots = slots_of(SIZES[size])
    assert len(slots) == count
    assert len({slot.key for slot in slots}) == count
    assert len(viewer_slots_of(SIZES[size])) == viewers


def test_each_zone_of_normal_has_the_same_services() -> None:
    zones = Counter((slot.zone, slot.service) for slot in slots_of(SIZES["normal"]))
    assert len({zone for zone, _ in zones}) == 6
    for (_, service), count in zones.items():
        assert count == (2 if service in {"api", "playback"} else 1)


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
    assert len({spec.id for spec in specs}) == len({spec.address for spec in specs}) == 66


def test_address_says_region_and_zone() -> None:
    spec = spec_of(Slot("recs", "us-west-2", "us-west-2c", 0), 0, Addresses(), seed=1)
    assert (spec.address, spec.port) == ("10.2.3.10", 8080)


def test_replaced_instance_gets_a_new_address_and_discovery_keeps_its_own() -> None:
    addresses = Addresses()
    first, second = (spec_of(RECS, n, addresses, seed=1) for n in (0, 1))
    assert first.address != second.address
    discovery = Slot("discovery", "us-east-1", "us-east-1b", 0)
    first, second = (spec_of(discovery, n, addresses, seed=1) for n in (0, 1))
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
    assert len({(spec.address, spec.port) for spec in specs}) == 68
    first_octet = "10." if style is Style.NETNS else "127."
    assert all(spec.address.startswith(first_octet) for spec in specs)


def test_viewers_live_in_no_zone_and_know_how_many_share_the_traffic() -> None:
    for slot in viewer_slots_of(SIZES["normal"]):
        spec = spec_of(slot, 0, Addresses(), seed=1)
        assert spec.zone == spec.region
        assert dict(spec.labels) == {"regions": "2"}
