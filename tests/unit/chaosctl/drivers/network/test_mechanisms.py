"""Which prefixes a partition cuts."""

from __future__ import annotations

import pytest

from chaosctl.drivers.network.mechanisms import prefixes_of
from monkeys.selection import matches
from monkeys.target import Instance

EVERYBODY = [
    Instance(
        f"i-{zone}{number}",
        service,
        service,
        "r",
        f"z{zone}",
        address=f"10.1.{zone}.{number}",
    )
    for zone in (1, 2)
    for number, service in ((10, "api"), (11, "edge"))
]


@pytest.mark.parametrize(
    ("where", "hit", "expected"),
    [
        ({"zone": ("z2",)}, {"zone": ("z1",)}, ["10.1.2.0/24"]),
        ({"region": ("r",)}, {"zone": ("z1",)}, ["10.1.2.0/24"]),
        ({"service": ("api",)}, {"service": ("edge",)}, ["10.1.1.10/32", "10.1.2.10/32"]),
        ({"zone": ("z1",)}, {"id": ("i-110",)}, ["10.1.1.11/32"]),
        ({"zone": ("z1",)}, {"zone": ("z1",)}, []),
        ({"zone": ("nowhere",)}, {"zone": ("z1",)}, []),
    ],
)
def test_prefixes_hold_every_peer_and_nobody_else(where, hit, expected):
    peers = [each for each in EVERYBODY if matches(each, where)]
    spared = [each for each in EVERYBODY if matches(each, hit)]

    def network_of(instance):
        return instance.address.rpartition(".")[0] + ".0/24"

    assert prefixes_of(peers, EVERYBODY, spared, network_of) == expected
