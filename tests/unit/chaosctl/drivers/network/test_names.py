"""What is made for a record is named for it, and found by that."""

from __future__ import annotations

from chaosctl.drivers.network import names

RECORD = "20261121-093000-zone-outage-ab12-3"


def test_link_names_fit_the_kernel_and_differ():
    pairs = [names.pair_names(RECORD, index) for index in range(256)]
    every = [name for pair in pairs for name in pair]
    assert max(map(len, every)) <= 15
    assert len(set(every)) == 512
    assert not set(every) & set(names.pair_names("another", 0))


def test_an_alias_is_only_its_own_records():
    alias = names.alias_of(RECORD, "br0")
    assert names.bridge_in(alias, RECORD) == "br0"
    assert names.bridge_in(alias, RECORD + "1") is None
    assert names.bridge_in(alias, RECORD[:-1]) is None
    assert names.bridge_in("", RECORD) is None
