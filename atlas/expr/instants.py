"""Instants as requests write them: `e-3h`, `now`, `1325408160`, `2012-01-12T01:37-07:00`.

Source: Atlas `Strings.parseDate`, `Strings.range`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from atlas.errors import BadData, requirement_failed
from atlas.expr.text import parse_duration

_UNIX = re.compile(r"\d{1,19}")
_UNIX_RELATIVE = re.compile(r"(?!\d{4}-\d\d-)(\d{1,19})([+-])(.+)")
_NAMED = re.compile(r"[a-z]+")
_RELATIVE = re.compile(r"([a-z]+)([+-])(.+)")
_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)?"
    r"(Z|[+-]\d\d(?::?\d\d(?::?\d\d)?)?)?"
)
_OFFSET = re.compile(r"([+-])(\d\d?)(?::?(\d\d))?(?::?(\d\d))?")

_SECONDS_MAX = 2_147_483_647
_YEAR_2400_MS = 13_569_465_600_000
_LONG_MAX = 2**63 - 1


def parse_window(start: str, end: str, zone: tzinfo, now_ms: int) -> tuple[int, int]:
    """Start and end of a request, of which one may be relative to the other."""
    known = {"now": now_ms, "epoch": 0}
    if reference_of(start) not in (None, "now", "epoch", "s"):
        if reference_of(end) in ("s", "e"):
            raise requirement_failed("start and end are both relative")
        end_ms = parse_instant(end, zone, known)
        start_ms = parse_instant(start, zone, known | {"e": end_ms})
    else:
        start_ms = parse_instant(start, zone, known)
        end_ms = parse_instant(end, zone, known | {"s": start_ms})
    if start_ms > end_ms:
        raise requirement_failed("end time is before start time")
    return start_ms, end_ms


def parse_instant(text: str, zone: tzinfo, known: Mapping[str, int]) -> int:
    """Epoch milliseconds. `known` are names and their instants; any other name is now."""
    if _UNIX.fullmatch(text):
        return _from_unix(int(text))
    if _NAMED.fullmatch(text):
        return known.get(text, known["now"])
    relative = _RELATIVE.fullmatch(text) or _UNIX_RELATIVE.fullmatch(text)
    if relative is not None:
        name, sign, duration = relative.groups()
        base_ms = _from_unix(int(name)) if name.isdigit() else known.get(name, known["now"])
        shift_ms = parse_duration(duration)
        return base_ms + shift_ms if sign == "+" else base_ms - shift_ms
    return _from_iso(text, zone)


def parse_zone(text: str) -> tzinfo:
    """A zone by its Java name: `UTC`, `US/Pacific`, `GMT+2`, `-07:00`."""
    if text in ("Z", "UTC", "GMT"):
        return UTC
    offset = _OFFSET.fullmatch(re.sub(r"^(GMT|UTC|UT)(?=[+-])", "", text))
    if offset is not None:
        return _fixed(offset)
    try:
        return ZoneInfo(text)
    except (KeyError, ValueError, OSError) as error:
        raise BadData(
            f"Unknown time-zone ID: {text}",
            fix="use a name such as 'UTC' or 'Europe/Berlin'",
            original_class="ZoneRulesException",
        ) from error


def reference_of(text: str) -> str | None:
    """What an instant is, or is relative to: `s`, `e`, or any other name; None for a date."""
    if _NAMED.fullmatch(text):
        return text if text in ("s", "e") else "now"
    relative = _RELATIVE.fullmatch(text)
    return relative.group(1) if relative is not None else None


def _from_unix(number: int) -> int:
    if number > _LONG_MAX:
        raise BadData(f"invalid date {number}", fix="write seconds or milliseconds since 1970")
    if number <= _SECONDS_MAX:
        return number * 1000
    if number <= _YEAR_2400_MS:
        return number
    return number // 1000 if number <= _YEAR_2400_MS * 1000 else number // 1_000_000


def _from_iso(text: str, zone: tzinfo) -> int:
    match = _ISO.fullmatch(text)
    if match is None:
        raise _invalid_date(text)
    year, month, day, hour, minute, second, fraction, offset = match.groups()
    parts = _OFFSET.fullmatch(offset or "")
    own = zone if offset is None else UTC if parts is None else _fixed(parts)
    try:
        date = datetime(int(year), int(month), int(day), tzinfo=own)
        moment = date.replace(hour=int(hour or 0), minute=int(minute or 0), second=int(second or 0))
    except ValueError as error:
        raise _invalid_date(text) from error
    return int(moment.timestamp()) * 1000 + int((fraction or "0").ljust(3, "0")[:3])


def _invalid_date(text: str) -> BadData:
    return BadData(f"invalid date {text}", fix="write '2026-01-12T01:37' or 'e-3h'")


def _fixed(match: re.Match[str]) -> tzinfo:
    sign, hours, minutes, seconds = match.groups()
    shift = timedelta(hours=int(hours), minutes=int(minutes or 0), seconds=int(seconds or 0))
    return timezone(shift if sign == "+" else -shift)
