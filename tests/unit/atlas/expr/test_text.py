"""Strings, numbers and durations as programs write them."""

from __future__ import annotations

import math

import pytest

from atlas.errors import AtlasError
from atlas.expr.text import (
    decode,
    duration_text,
    encode,
    iso_duration_text,
    number_text,
    parse_duration,
    parse_number,
)


@pytest.mark.parametrize(
    ("text", "encoded"),
    [
        ("a b", "a b"),
        (" a", "\\u0020a"),
        ("a,b:c", "a\\u002cb\\u003ac"),
        ("(", "\\u0028"),
        (")", "\\u0029"),
        ("f(x)", "f(x)"),
        ("a\tb", "a\\u0009b"),
        ("\\u002c", "\\u005cu002c"),
        ("\\d+", "\\d+"),
        ("/*x", "\\u002f*x"),
        ("x*/", "x\\u002a/"),
    ],
)
def test_text_is_encoded_as_little_as_need_be(text, encoded):
    assert encode(text) == encoded
    assert decode(encoded) == text


def test_characters_beyond_the_basic_plane_are_two_escapes():
    assert decode("\\ud83d\\ude00") == "\U0001f600"


@pytest.mark.parametrize(
    ("text", "number"),
    [("42", 42.0), ("-.5", -0.5), ("1e3", 1000.0), ("5d", 5.0), ("1f", 1.0), ("0x1p3", 8.0)],
)
def test_number_is_read_as_java_reads_it(text, number):
    assert parse_number(text) == number


@pytest.mark.parametrize("text", ["", "nan", "inf", "1_000", "a", "1,5", "0x10", "--1"])
def test_what_java_does_not_read_is_no_number(text):
    assert parse_number(text) is None


def test_not_a_number_and_infinity_are_case_sensitive():
    assert math.isnan(parse_number("NaN"))
    assert parse_number("-Infinity") == -math.inf


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (42.0, "42.0"),
        (9_999_999.0, "9999999.0"),
        (1e7, "1.0E7"),
        (12_345_678.9, "1.23456789E7"),
        (0.001, "0.001"),
        (0.0001, "1.0E-4"),
        (1.5e300, "1.5E300"),
    ],
)
def test_number_is_written_as_java_writes_it(number, text):
    assert number_text(number) == text


@pytest.mark.parametrize(
    ("text", "duration_ms"),
    [
        ("5m", 300_000),
        ("2w", 1_209_600_000),
        ("100ms", 100),
        ("PT1H30M", 5_400_000),
        ("P1D", 86_400_000),
    ],
)
def test_duration_is_read(text, duration_ms):
    assert parse_duration(text) == duration_ms


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("5", "invalid period 5"),
        ("1fortnight", "unknown unit fortnight"),
        ("P1W", "invalid period P1W"),
        ("PT", "invalid period PT"),
        ("9999999999w", "duration out of range: 9999999999w"),
    ],
)
def test_what_is_no_duration_is_refused(text, what):
    with pytest.raises(AtlasError) as caught:
        parse_duration(text)
    assert caught.value.what == what


@pytest.mark.parametrize(
    ("duration_ms", "text"), [(60_000, "1m"), (0, "0w"), (90_000, "90s"), (1500, "PT1.5S")]
)
def test_duration_is_written_in_its_largest_exact_unit(duration_ms, text):
    assert duration_text(duration_ms) == text


@pytest.mark.parametrize(
    ("duration_ms", "text"),
    [
        (300_000, "PT5M"),
        (172_800_000, "PT48H"),
        (5_400_000, "PT1H30M"),
        (59_999, "PT59.999S"),
        (-90_500, "PT-1M-30.5S"),
        (0, "PT0S"),
    ],
)
def test_duration_is_written_as_java_does_and_reads_back(duration_ms, text):
    assert iso_duration_text(duration_ms) == text
    assert parse_duration(text) == duration_ms
