"""Ticks of a time axis: instants that are round in its zone, and what is written at them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

DAY_S = 86_400
INTERVALS_S = (
    *(1, 2, 5, 10, 15, 30),
    *(60 * m for m in (1, 2, 5, 10, 15, 20, 30)),
    *(3_600 * h for h in (1, 2, 3, 4, 6, 12)),
)
INTERVALS_DAYS = (1, 2, 7)
INTERVALS_MONTHS = (1, 2, 3, 6, *(12 * y for y in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)))
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
FIRST_MONDAY = 4  # days of 1970-01-05 since the epoch
MINOR_PER_MAJOR = 5
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Interval:
    """The distance of two ticks, in one of three units; the other two are 0."""

    seconds: int = 0
    days: int = 0
    months: int = 0

    @property
    def length_s(self) -> int:
        """About how long it is."""
        return self.seconds + DAY_S * self.days + 30 * DAY_S * self.months


INTERVALS = (
    *(Interval(seconds=s) for s in INTERVALS_S),
    *(Interval(days=d) for d in INTERVALS_DAYS),
    *(Interval(months=m) for m in INTERVALS_MONTHS),
)


@dataclass(frozen=True, slots=True)
class TimeTicks:
    """Instants in epoch milliseconds with a label, and instants between them without."""

    instants_ms: tuple[int, ...]
    labels: tuple[str, ...]
    minor_ms: tuple[int, ...] = ()


def time_ticks(start_ms: int, end_ms: int, zone: tzinfo, count_max: int) -> TimeTicks:
    """About `count_max` labelled ticks at most from start to end; none where calendars end."""
    seconds = max(end_ms - start_ms, 1) / 1000
    major = _interval(seconds / max(count_max, 1))
    minor = _interval(seconds / max(count_max, 1) / MINOR_PER_MAJOR)
    try:
        instants = tuple(_instants(major, start_ms, end_ms, zone))
        labels = tuple(_label(_local(at_ms, zone), major) for at_ms in instants)
        fine = tuple(_instants(minor, start_ms, end_ms, zone)) if _divides(minor, major) else ()
    except (OverflowError, ValueError):
        return TimeTicks((), ())
    return TimeTicks(instants, labels, fine)


def zone_name(start_ms: int, end_ms: int, zone: tzinfo) -> str:
    """What clocks call the zone at the start and at the end, once if that is the same."""
    try:
        names = [_local(at_ms, zone).tzname() or "" for at_ms in (start_ms, end_ms)]
    except (OverflowError, ValueError):
        return ""
    return "/".join(dict.fromkeys(names))


def instant_text(at_ms: int, zone: tzinfo) -> str:
    """An instant as clocks in the zone show it."""
    try:
        local = _local(at_ms, zone)
    except (OverflowError, ValueError):
        return f"{at_ms} ms"
    return f"{local:%Y-%m-%d %H:%M:%S} {local.tzname()}"


def _interval(least_s: float) -> Interval:
    return next((i for i in INTERVALS if i.length_s >= least_s), INTERVALS[-1])


def _divides(minor: Interval, major: Interval) -> bool:
    if major.seconds:
        return minor.seconds > 0 and major.seconds % minor.seconds == 0 and minor != major
    return minor != major


def _instants(interval: Interval, start_ms: int, end_ms: int, zone: tzinfo) -> Iterator[int]:
    if interval.seconds:
        return iter(_within_days(interval.seconds, start_ms, end_ms, zone))
    first, last = _local(start_ms, zone).date(), _local(end_ms, zone).date()
    days = _days(interval.days, first, last) if interval.days else _months(interval, first, last)
    midnights = (_epoch_ms(datetime(d.year, d.month, d.day, tzinfo=zone)) for d in days)
    return (at_ms for at_ms in midnights if start_ms <= at_ms <= end_ms)


def _within_days(interval_s: int, start_ms: int, end_ms: int, zone: tzinfo) -> list[int]:
    """Instants at which clocks show a multiple of the interval.

    For each offset that the zone has in the window, the multiples under that offset, kept where it
    is in force: so an hour that is skipped has no ticks, and one that is repeated has them twice.
    """
    noons = range(start_ms, end_ms, DAY_S * 1000 // 2)
    offsets_s = {_offset_s(at_ms, zone) for at_ms in (*noons, end_ms)}
    found = {
        at_s * 1000
        for offset_s in offsets_s
        for at_s in range(
            -(-(start_ms // 1000 + offset_s) // interval_s) * interval_s - offset_s,
            end_ms // 1000 + 1,
            interval_s,
        )
        if at_s * 1000 >= start_ms and _offset_s(at_s * 1000, zone) == offset_s
    }
    return sorted(found)


def _days(count: int, first: date, last: date) -> Iterator[date]:
    """Every so many days, weeks from Monday on."""
    epoch_day = (first - date(1970, 1, 1)).days
    phase = FIRST_MONDAY if count == 7 else 0
    day = first + timedelta(days=-(epoch_day - phase) % count)
    while day <= last:
        yield day
        day += timedelta(days=count)


def _months(interval: Interval, first: date, last: date) -> Iterator[date]:
    """The first day of every so many months."""
    start = -(-(first.year * 12 + first.month - 1) // interval.months) * interval.months
    for month in range(start, last.year * 12 + last.month, interval.months):
        yield date(month // 12, month % 12 + 1, 1)


def _label(local: datetime, interval: Interval) -> str:
    is_midnight = (local.hour, local.minute, local.second) == (0, 0, 0)
    if interval.seconds and not is_midnight:
        return f"{local:%H:%M:%S}" if interval.seconds % 60 else f"{local:%H:%M}"
    if (local.month, local.day) == (1, 1) and not interval.seconds:
        return f"{local.year}"
    month = MONTHS[local.month - 1]
    return month if interval.months else f"{month} {local.day}"


def _local(at_ms: int, zone: tzinfo) -> datetime:
    return (_EPOCH + timedelta(milliseconds=at_ms)).astimezone(zone)


def _epoch_ms(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(milliseconds=1)


def _offset_s(at_ms: int, zone: tzinfo) -> int:
    offset = _local(at_ms, zone).utcoffset()
    return 0 if offset is None else offset // timedelta(seconds=1)
