"""Days on which nobody breaks anything: a country's holidays, or a file of dates.

A file is an iCalendar (its events are the holidays) or has a day a line: `2026-12-24 Yule`,
`2026-12-24..2026-12-31 freeze`, or `12-24` for every year; `#` begins a comment.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

FILE_BYTES_MAX = 1_000_000
DAYS_MAX = 20_000

_COUNTRY = re.compile(r"^([A-Z]{2})(?:-([A-Za-z0-9]{1,4}))?$")
_LINE = re.compile(r"^(\d{4}-\d{2}-\d{2})(?:\.\.(\d{4}-\d{2}-\d{2}))?(?:\s+(.*))?$")
_EVERY_YEAR = re.compile(r"^(\d{2})-(\d{2})(?:\s+(.*))?$")
_ICAL_DAY = re.compile(r"^(\d{4})(\d{2})(\d{2})")

Span = tuple[date, date, str]
"""First day, last day (in), and the name."""


class BadCalendar(ValueError):
    """No calendar; says what is wrong and how to put it right."""

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(what)
        self.what, self.fix = what, fix


@dataclass(frozen=True, slots=True)
class HolidayCalendar:
    """Either a country (and a part of it), or spans of days and days of every year.

    name: what the user wrote. spans: first and last day, and why.
    """

    name: str
    country: str = ""
    part: str = ""
    spans: tuple[Span, ...] = ()
    every_year: tuple[tuple[int, int, str], ...] = ()

    def on(self, day: date) -> str:
        """Which holiday a day is; empty if it is none."""
        if self.country:
            return str(_holidays_of(self.country, self.part).get(day) or "")
        for first, last, name in self.spans:
            if first <= day <= last:
                return name
        for month, number, name in self.every_year:
            if (day.month, day.day) == (month, number):
                return name
        return ""


def read_calendar(written: str, folder: Path) -> HolidayCalendar:
    """The calendar of a country (`US`, `DE-BY`) or of a file, relative to `folder`.

    Raises BadCalendar.
    """
    if _COUNTRY.match(written):
        return _of_country(written)
    if len(written) <= 3 and written.isalpha():
        raise BadCalendar(
            f"no country '{written}'", "two capital letters, as in US or DE-BY, or a file"
        )
    path = folder / written
    try:
        with path.open("rb") as file:
            data = file.read(FILE_BYTES_MAX + 1)
        text = data.decode("utf-8-sig")
    except OSError as error:
        why = (error.strerror or "unknown error").lower()
        fix = "a file beside the document, or a country as in US or DE-BY"
        raise BadCalendar(f"holidays '{written}' cannot be read: {why}", fix) from error
    except UnicodeDecodeError as error:
        what = f"holidays '{written}' are no text"
        raise BadCalendar(what, "save the file as UTF-8") from error
    if len(data) > FILE_BYTES_MAX:
        what = f"holidays '{written}' are larger than {FILE_BYTES_MAX // 1_000_000} MB"
        raise BadCalendar(what, "keep the days that are still to come")
    if text.lstrip().startswith("BEGIN:VCALENDAR"):
        return _calendar(written, _ical_days(written, _unfolded(text)))
    return _calendar(written, _plain_days(written, text.splitlines()))


@cache
def _holidays_of(country: str, part: str) -> Any:
    import holidays  # noqa: PLC0415 - 60 ms, for the few who ask

    return holidays.country_holidays(country, subdiv=part or None)


def _of_country(written: str) -> HolidayCalendar:
    import holidays  # noqa: PLC0415 - see above

    country, _, part = written.partition("-")
    known = holidays.list_supported_countries(include_aliases=True)
    if country not in known:
        raise BadCalendar(f"no country '{country}' is known", "as in US or DE-BY, or a file")
    if part and part not in known[country]:
        fix = f"one of {', '.join(known[country]) or 'none'}"
        raise BadCalendar(f"'{country}' has no part '{part}'", fix)
    return HolidayCalendar(written, country, part)


_Day = tuple[date, date, str] | tuple[int, int, str]


def _calendar(name: str, days: Iterable[_Day]) -> HolidayCalendar:
    spans: list[Span] = []
    every_year: list[tuple[int, int, str]] = []
    for first, second, text in days:
        if isinstance(first, date) and isinstance(second, date):
            spans.append((first, second, text))
        elif isinstance(first, int) and isinstance(second, int):
            every_year.append((first, second, text))
        if len(spans) + len(every_year) > DAYS_MAX:
            what = f"holidays '{name}' have more than {DAYS_MAX} entries"
            raise BadCalendar(what, "keep the days that are still to come")
    if not spans and not every_year:
        raise BadCalendar(f"holidays '{name}' name no day", "a day a line, as in 2026-12-24")
    return HolidayCalendar(name, spans=tuple(spans), every_year=tuple(every_year))


def _plain_days(name: str, lines: Iterable[str]) -> Iterator[_Day]:
    for number, line in enumerate(lines, 1):
        text = line.partition("#")[0].strip()
        if not text:
            continue
        fix = "as in 2026-12-24, 2026-12-24..2026-12-31 or 12-24, then a name"
        wrong = BadCalendar(f"holidays '{name}', line {number}: '{text[:40]}' is no day", fix)
        try:
            if match := _EVERY_YEAR.match(text):
                month, day = int(match[1]), int(match[2])
                date(2024, month, day)  # a leap year has every day there is
                yield month, day, match[3] or "holiday"
                continue
            if (match := _LINE.match(text)) is None:
                raise wrong
            first = date.fromisoformat(match[1])
            last = date.fromisoformat(match[2]) if match[2] else first
        except ValueError:
            raise wrong from None
        if last < first:
            what = f"holidays '{name}', line {number}: the last day is before the first"
            raise BadCalendar(what, f"did you mean {last}..{first}?")
        yield first, last, match[3] or "holiday"


def _unfolded(text: str) -> list[str]:
    """The lines of an iCalendar: one that begins with a blank goes on with the one before."""
    return re.sub(r"\r?\n[ \t]", "", text).splitlines()


def _ical_days(name: str, lines: Iterable[str]) -> Iterator[_Day]:
    event: dict[str, str] | None = None
    for line in lines:
        head, _, value = line.partition(":")
        key = head.partition(";")[0].upper()
        if (key, value) == ("BEGIN", "VEVENT"):
            event = {}
        elif (key, value) == ("END", "VEVENT") and event is not None:
            yield from _ical_event(name, event)
            event = None
        elif event is not None:
            event[key] = value


def _ical_event(name: str, event: dict[str, str]) -> Iterator[_Day]:
    title = event.get("SUMMARY", "holiday")
    first = _ical_day(name, title, event.get("DTSTART", ""))
    last = first
    if "DTEND" in event:  # the first day after the event, if it is one of whole days
        last = max(first, _ical_day(name, title, event["DTEND"]) - timedelta(days=1))
    rule = event.get("RRULE", "").upper().rstrip(";")
    if not rule:
        yield first, last, title
    elif rule == "FREQ=YEARLY" and last == first:
        yield first.month, first.day, title
    else:
        what = f"holidays '{name}': event '{title[:40]}' repeats by the rule {rule[:60]}"
        raise BadCalendar(what, "write each day; only FREQ=YEARLY of a single day is known")


def _ical_day(name: str, title: str, written: str) -> date:
    match = _ICAL_DAY.match(written)
    try:
        if match:
            return date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        pass
    what = f"holidays '{name}': event '{title[:40]}' has no day that can be read"
    raise BadCalendar(what, "DTSTART;VALUE=DATE:20261224")
