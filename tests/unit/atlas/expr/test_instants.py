"""Instants as requests write them, and the two ends of a window."""

from __future__ import annotations

from datetime import UTC

import pytest

from atlas.errors import AtlasError
from atlas.expr.instants import parse_instant, parse_window, parse_zone

NOW_MS = 1_325_408_160_000  # 2012-01-01T08:56Z
HOUR_MS = 3_600_000
KNOWN = {"now": NOW_MS, "epoch": 0, "e": NOW_MS + HOUR_MS}


@pytest.mark.parametrize(
    ("text", "expected_ms"),
    [
        ("now", NOW_MS),
        ("anything", NOW_MS),
        ("epoch+PT5H6M", 5 * HOUR_MS + 360_000),
        ("now-1h", NOW_MS - HOUR_MS),
        ("e-1h", NOW_MS),
        ("1325408160", NOW_MS),
        ("1325408160000", NOW_MS),
        ("1325408160000000", NOW_MS),
        ("1325408160000000000", NOW_MS),
        ("1325408160-1h", NOW_MS - HOUR_MS),
        ("2012-01-01T08:56Z", NOW_MS),
        ("2012-01-01T08:56", NOW_MS),
        ("2012-01-01T08:56:00.123", NOW_MS + 123),
        ("2012-01-01T10:56:00+02", NOW_MS),
        ("2012-01-01T01:56:00-07:00", NOW_MS),
        ("1970-01-02", 24 * HOUR_MS),
    ],
)
def test_instant(text, expected_ms):
    assert parse_instant(text, UTC, KNOWN) == expected_ms


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "invalid date "),
        ("2012-13-01", "invalid date 2012-13-01"),
        ("2012-01-15T25:00", "invalid date 2012-01-15T25:00"),
        ("2012-01", "invalid period 01"),
        ("e-1.5h", "invalid period 1.5h"),
        ("e-1foo", "unknown unit foo"),
        ("9" * 20, f"invalid date {'9' * 20}"),
    ],
)
def test_what_is_no_instant_is_refused(text, what):
    with pytest.raises(AtlasError) as caught:
        parse_instant(text, UTC, KNOWN)
    assert caught.value.what == what
    assert caught.value.fix


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("e-1h", "now", (NOW_MS - HOUR_MS, NOW_MS)),
        ("1325408160", "s+1h", (NOW_MS, NOW_MS + HOUR_MS)),
        ("e", "now", (NOW_MS, NOW_MS)),
    ],
)
def test_window_resolves_the_end_that_the_other_needs_first(start, end, expected):
    assert parse_window(start, end, UTC, NOW_MS) == expected


@pytest.mark.parametrize(
    ("start", "end", "what"),
    [
        ("e-1h", "s+1h", "requirement failed: start and end are both relative"),
        ("now", "now-1h", "requirement failed: end time is before start time"),
    ],
)
def test_impossible_window_is_refused(start, end, what):
    with pytest.raises(AtlasError) as caught:
        parse_window(start, end, UTC, NOW_MS)
    assert caught.value.what == what


@pytest.mark.parametrize(
    ("zone", "hours"), [("UTC", 0), ("GMT+2", 2), ("-07:00", -7), ("+05", 5), ("Etc/GMT+3", -3)]
)
def test_zone_moves_a_date_without_one(zone, hours):
    assert parse_instant("1970-01-02", parse_zone(zone), KNOWN) == (24 - hours) * HOUR_MS


def test_unknown_zone_is_refused_in_the_words_of_the_original():
    with pytest.raises(AtlasError) as caught:
        parse_zone("Mars/Olympus")
    assert caught.value.message == "ZoneRulesException: Unknown time-zone ID: Mars/Olympus"
