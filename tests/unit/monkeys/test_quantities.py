"""Amounts as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monkeys.quantities import QUANTITIES


@pytest.mark.parametrize(
    ("unit", "written", "amount"),
    [
        ("ratio", "7%", 0.07),
        ("ratio", "12.5 %", 0.125),
        ("ratio", 1, 1.0),
        ("ratio", "-5%", None),
        ("ratio", True, None),
        ("kbit", "1.5mbit", 1500.0),
        ("kbit", "64kbit", 64.0),
        ("kbit", 64, None),
        ("mib", "2GiB", 2048.0),
        ("mib", "8MB", None),
        ("count", 16, 16.0),
        ("count", "1.5", None),
        ("count", "", None),
    ],
)
def test_an_amount_is_read_in_the_unit_of_its_field(unit, written, amount):
    assert QUANTITIES[unit].read(written) == amount


@given(st.sampled_from(sorted(QUANTITIES)), st.integers(0, 5000))
def test_what_is_spoken_reads_as_the_same(unit, amount):
    quantity = QUANTITIES[unit]
    assert quantity.read(quantity.spoken(float(amount))) == amount
