"""Numbers with prefixes, and how they are rounded."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.expr.number_format import (
    binary_unit,
    decimal_unit,
    duration_unit,
    is_extreme,
    rounded,
    scientific_text,
    statistic_text,
    unit_text,
)

DECIMAL = [
    (0.0, "0.0"),
    (1.0, "1.0"),
    (-42.25, "-42.3"),
    (19.4189, "19.4"),
    (999.94, "999.9"),
    (999.96, "1000.0"),  # the unit is chosen before rounding
    (1000.0, "1.0k"),
    (1250.0, "1.3k"),
    (-1.2e6, "-1.2M"),
    (7e9, "7.0G"),
    (7e12, "7.0T"),
    (7e15, "7.0P"),
    (7e18, "7.0E"),
    (7e21, "7.0Z"),
    (9.99e26, "999.0Y"),
    (1e27, " 1e+27"),
    (-1e27, "-1e+27"),
    (2.5e30, " 3e+30"),
    (1.7976931348623157e308, " 2e+308"),
    (0.5, "500.0m"),
    (0.001, "1.0m"),
    (2e-6, "2.0μ"),
    (2e-9, "2.0n"),
    (2e-12, "2.0p"),
    (9e-13, "0.0"),  # nearly zero, though there are smaller prefixes
    (-9e-13, "-0.0"),
    (1e-27, " 1e-27"),
    (-5e-324, "-5e-324"),
    (math.nan, "NaN"),
    (math.inf, "Infinity"),
    (-math.inf, "-Infinity"),
]
BINARY = [
    (0.25, "250.0m"),
    (1000.0, "1000.0"),
    (1024.0, "1.0Ki"),
    (1536.0, "1.5Ki"),
    (-3 * 1024.0**2, "-3.0Mi"),
    (1024.0**8, "1.0Yi"),
    (math.nan, "NaN"),
]
DURATION = [
    (0.0, "0.0s"),
    (2e-12, "2.0ps"),
    (2e-9, "2.0ns"),
    (2e-6, "2.0μs"),
    (0.25, "250.0ms"),
    (1.0, "1.0s"),
    (90.0, "1.5m"),
    (5400.0, "1.5h"),
    (86_400.0, "1.0d"),
    (604_800.0, "1.0w"),
    (365 * 86_400.0, "1.0y"),
]


@pytest.mark.parametrize(("value", "text"), DECIMAL)
def test_decimal_prefixes(value, text):
    assert statistic_text(value) == text


@pytest.mark.parametrize(("value", "text"), BINARY)
def test_binary_prefixes(value, text):
    assert statistic_text(value, binary_unit) == text


@pytest.mark.parametrize(("value", "text"), DURATION)
def test_durations(value, text):
    assert statistic_text(value, duration_unit) == text


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (0.15, 1, "0.2"),
        (2.5, 0, "3"),
        (-2.5, 0, "-3"),
        (1.005, 2, "1.01"),
        (1e22, 1, f"{1e22:.1f}"),
    ],
)
def test_halves_are_rounded_up(value, digits, text):
    assert rounded(value, digits) == text


@pytest.mark.parametrize(
    ("value", "digits", "text"), [(1e300, 1, "1.0e+300"), (-9.96e-40, 1, "-1.0e-39")]
)
def test_extreme_numbers_carry_an_exponent(value, digits, text):
    assert scientific_text(value, digits) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_text_tells_the_number(value):
    unit = decimal_unit(value)
    if is_extreme(value):
        said, exact = Decimal(statistic_text(value).strip()), Decimal(value)
        assert abs(said - exact) <= abs(exact) / 2
    else:
        number = float(unit_text(value, unit, 3).removesuffix(unit.symbol))
        assert abs(number - value / unit.factor) <= 0.000_501 * max(1, abs(number) * 1e-9)
