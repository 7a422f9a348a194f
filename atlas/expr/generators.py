"""Lines made from the clock alone: noise, calendar fields, spans of time."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from atlas.errors import AslError, AtlasError, requirement_failed
from atlas.expr.instants import parse_instant, parse_zone, reference_of
from atlas.expr.text import encode
from atlas.expr.tree import TimeSeriesExpr
from atlas.model import EvalContext

SECONDS_BY_UNIT = MappingProxyType(
    {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86_400, "weeks": 604_800}
)
"""Modes of `:time` that count since 1970, in fractions."""

FIELDS_BY_MODE = MappingProxyType(
    {
        "secondOfMinute": "SECOND_OF_MINUTE",
        "secondOfDay": "SECOND_OF_DAY",
        "minuteOfHour": "MINUTE_OF_HOUR",
        "minuteOfDay": "MINUTE_OF_DAY",
        "hourOfDay": "HOUR_OF_DAY",
        "dayOfWeek": "DAY_OF_WEEK",
        "dayOfMonth": "DAY_OF_MONTH",
        "dayOfYear": "DAY_OF_YEAR",
        "monthOfYear": "MONTH_OF_YEAR",
        "yearOfCentury": "YEAR",
        "yearOfEra": "YEAR_OF_ERA",
    }
)
"""Modes of `:time` that have a short name, and the calendar field that each shows."""

CALENDAR_FIELDS = (
    *("NANO_OF_SECOND", "MICRO_OF_SECOND", "MILLI_OF_SECOND", "MILLI_OF_DAY"),
    *("SECOND_OF_MINUTE", "SECOND_OF_DAY", "MINUTE_OF_HOUR", "MINUTE_OF_DAY"),
    *("HOUR_OF_AMPM", "CLOCK_HOUR_OF_AMPM", "HOUR_OF_DAY", "CLOCK_HOUR_OF_DAY", "AMPM_OF_DAY"),
    *("DAY_OF_WEEK", "ALIGNED_DAY_OF_WEEK_IN_MONTH", "ALIGNED_DAY_OF_WEEK_IN_YEAR"),
    *("DAY_OF_MONTH", "DAY_OF_YEAR", "ALIGNED_WEEK_OF_MONTH", "ALIGNED_WEEK_OF_YEAR"),
    *("MONTH_OF_YEAR", "YEAR_OF_ERA", "YEAR", "ERA", "OFFSET_SECONDS"),
)
"""The fields of a calendar that `:time` can show, as Java names them."""

WIDE_FIELDS = MappingProxyType(
    {
        "NANO_OF_DAY": "NanoOfDay",
        "MICRO_OF_DAY": "MicroOfDay",
        "EPOCH_DAY": "EpochDay",
        "PROLEPTIC_MONTH": "ProlepticMonth",
        "INSTANT_SECONDS": "InstantSeconds",
    }
)
"""Fields that Java knows but does not show, being wider than an int, with their display names."""


@dataclass(frozen=True, slots=True)
class Random(TimeSeriesExpr):
    """Noise: a hash of the time, in thousandths from 0 to 0.999."""

    def __str__(self) -> str:
        return ":random"


@dataclass(frozen=True, slots=True)
class SeededRandom(TimeSeriesExpr):
    """Noise that differs from that of another seed."""

    seed: int

    def __str__(self) -> str:
        return f"{self.seed},:srandom"


@dataclass(frozen=True, slots=True)
class Time(TimeSeriesExpr):
    """A field of the calendar, always in UTC, or the time since 1970."""

    mode: str

    def __post_init__(self) -> None:
        if self.mode not in SECONDS_BY_UNIT and self.field not in (*CALENDAR_FIELDS, *WIDE_FIELDS):
            raise AslError(
                f"No enum constant java.time.temporal.ChronoField.{self.mode}",
                fix=f"use one of {' '.join((*FIELDS_BY_MODE, *SECONDS_BY_UNIT))}",
                original_class="IllegalArgumentException",
            )

    @property
    def field(self) -> str:
        """The calendar field as Java names it."""
        return FIELDS_BY_MODE.get(self.mode, self.mode)

    def __str__(self) -> str:
        return f"{encode(self.mode)},:time"


@dataclass(frozen=True, slots=True)
class TimeSpan(TimeSeriesExpr):
    """1 from `start` to `end`, both included, else 0.

    Instants are as requests write them, in the zone; `gs` and `ge` are the ends of the window, and
    one instant may be relative to the other, as in `e-30m`.
    """

    start: str
    end: str
    zone: str = "UTC"

    def __post_init__(self) -> None:
        parse_zone(self.zone)

    def instants_ms(self, context: EvalContext) -> tuple[int, int]:
        """First and last instant of the span, when the window is that of `context`."""
        start_of, end_of = reference_of(self.start), reference_of(self.end)
        if (start_of, end_of) == ("e", "s"):
            raise _unrelated("start and end time are relative to each other")
        if start_of == "s":
            raise _unrelated("start time is relative to itself")
        if end_of == "e":
            raise _unrelated("end time is relative to itself")
        zone = parse_zone(self.zone)
        known = {
            "gs": context.start_ms,
            "ge": context.end_ms,
            "now": context.end_ms if context.now_ms is None else context.now_ms,
            "epoch": 0,
        }
        if start_of == "e":
            end_ms = parse_instant(self.end, zone, known)
            start_ms = parse_instant(self.start, zone, known | {"e": end_ms})
        else:
            start_ms = parse_instant(self.start, zone, known)
            end_ms = parse_instant(self.end, zone, known | {"s": start_ms})
        if start_ms > end_ms:
            raise requirement_failed("start must be <= end")
        return start_ms, end_ms

    def __str__(self) -> str:
        return f"{encode(self.start)},{encode(self.end)},:time-span"


def _unrelated(what: str) -> AtlasError:
    return AtlasError(what, fix="give one of the two in full, as in 'e-30m,ge,:time-span'")
