"""Ticks of time axes as tables: round by the clocks of a zone, whatever those do."""

from __future__ import annotations

from datetime import datetime

import pytest

from atlas.expr.instants import parse_zone
from atlas.render.png.time_ticks import instant_text, time_ticks, zone_name

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


CASES = [
    ("UTC", "2026-03-14T09:19:00Z", 60_000 * 60, 6, "09:20 09:30 09:40 09:50 10:00 10:10"),
    ("UTC", "2026-03-14T22:30:00Z", 3 * HOUR_MS, 3, "23:00 Mar 15 01:00"),
    ("UTC", "2026-03-14T09:19:58Z", 4_000, 4, "09:19:58 09:19:59 09:20:00 09:20:01 09:20:02"),
    ("Asia/Kolkata", "2026-03-14T09:00:00Z", 2 * HOUR_MS, 2, "15:00 16:00"),
    ("-07:30", "2026-03-14T09:00:00Z", 2 * HOUR_MS, 2, "02:00 03:00"),
    # An hour that does not exist, and one that there is twice.
    ("Europe/Berlin", "2026-03-28T23:00:00Z", 4 * HOUR_MS, 4, "Mar 29 01:00 03:00 04:00 05:00"),
    ("Europe/Berlin", "2026-10-24T22:00:00Z", 4 * HOUR_MS, 4, "Oct 25 01:00 02:00 02:00 03:00"),
    (
        "Australia/Lord_Howe",
        "2026-04-04T14:00:00Z",
        2 * HOUR_MS,
        4,
        "01:00 01:30 01:30 02:00 02:30",
    ),
    # Days of 23 and 25 hours are days, and a midnight that does not exist is a day's start.
    ("Europe/Berlin", "2026-03-27T23:00:00Z", 3 * DAY_MS, 3, "Mar 28 Mar 29 Mar 30 Mar 31"),
    ("America/Sao_Paulo", "2018-11-03T03:00:00Z", 2 * DAY_MS, 2, "Nov 3 Nov 4 Nov 5"),
    ("UTC", "2026-03-14T00:00:00Z", 20 * DAY_MS, 4, "Mar 16 Mar 23 Mar 30"),
    ("UTC", "2025-11-14T00:00:00Z", 120 * DAY_MS, 4, "Dec 2026 Feb Mar"),
    ("UTC", "2023-11-14T00:00:00Z", 1200 * DAY_MS, 4, "2024 2025 2026 2027"),
    ("UTC", "1969-12-31T23:58:00Z", 180_000, 3, "23:58 23:59 Jan 1 00:01"),
]


@pytest.mark.parametrize(("zone", "start", "length_ms", "count", "labels"), CASES)
def test_labels(zone, start, length_ms, count, labels):
    start_ms = ms(start)
    found = time_ticks(start_ms, start_ms + length_ms, parse_zone(zone), count)
    assert " ".join(found.labels) == labels
    assert all(start_ms <= at_ms <= start_ms + length_ms for at_ms in found.instants_ms)
    assert list(found.instants_ms) == sorted(set(found.instants_ms))


def test_fine_lines_divide_what_is_labelled():
    found = time_ticks(0, HOUR_MS, parse_zone("UTC"), 6)
    assert set(found.instants_ms) < set(found.minor_ms)
    assert len(found.minor_ms) == 31


@pytest.mark.parametrize("start_ms", [-(10**17), 10**17])
def test_where_calendars_end_there_are_no_ticks(start_ms):
    zone = parse_zone("UTC")
    assert time_ticks(start_ms, start_ms + HOUR_MS, zone, 5).labels == ()
    assert zone_name(start_ms, start_ms, zone) == ""
    assert instant_text(start_ms, zone) == f"{start_ms} ms"


def test_a_zone_is_called_as_its_clocks_are():
    zone = parse_zone("Europe/Berlin")
    winter, summer = ms("2026-03-28T00:00:00Z"), ms("2026-03-30T00:00:00Z")
    assert zone_name(winter, winter, zone) == "CET"
    assert zone_name(winter, summer, zone) == "CET/CEST"
    assert instant_text(summer, zone) == "2026-03-30 02:00:00 CEST"
