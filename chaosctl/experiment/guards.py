"""The guards of a document, or of a machine: when nobody may break anything."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from chaosctl.experiment import units
from chaosctl.experiment.calendars import BadCalendar, read_calendar
from chaosctl.experiment.forms import (
    BoolForm,
    ChoiceForm,
    CountForm,
    Fields,
    Form,
    Key,
    ListForm,
    MapForm,
    Notes,
    TextForm,
    UnitForm,
    did_you_mean,
)
from chaosctl.experiment.model import Guards, Hours
from chaosctl.experiment.nodes import Node, Scalar
from chaosctl.experiment.probes import PROBE_FORM

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

HOURS_PATTERN = r"^([01]?[0-9]|2[0-4]):([0-5][0-9])\s*-\s*([01]?[0-9]|2[0-4]):([0-5][0-9])$"
_HOURS = re.compile(HOURS_PATTERN)
_HOURS_SHAPES: tuple[dict[str, Any], ...] = (
    {"type": "string", "pattern": HOURS_PATTERN, "examples": ["09:00-17:00"]},
)
_SHARE_SHAPES: tuple[dict[str, Any], ...] = (
    {"type": "string", "pattern": units.SHARE_PATTERN, "examples": ["50%"]},
    {"type": "number", "minimum": 0, "maximum": 1},
)


def parse_hours(written: object) -> Hours:
    """A part of the day.

    >>> parse_hours("22:00-06:00")
    Hours(from_minute=1320, to_minute=360, text='22:00-06:00')
    """
    text = str(written).strip()
    match = _HOURS.match(text)
    if match is None:
        raise units.BadUnit(f"'{text}' are no hours", "as in 09:00-17:00")
    from_minute, to_minute = (int(match[i]) * 60 + int(match[i + 1]) for i in (1, 3))
    if max(from_minute, to_minute) > 24 * 60:
        raise units.BadUnit(f"'{text}' is later than 24:00", "as in 09:00-17:00")
    if from_minute % (24 * 60) == to_minute % (24 * 60):
        raise units.BadUnit(f"'{text}' is the whole day or none of it", "leave 'hours' out")
    return Hours(from_minute % (24 * 60), to_minute, text)


@dataclass(frozen=True, slots=True)
class _CalendarForm:
    """A country or a file; files are looked for beside the document."""

    def read(self, node: Node, notes: Notes) -> Any:
        """The calendar, read."""
        text = TextForm("a country or a file").read(node, notes)
        if not isinstance(text, str):
            return text
        try:
            return read_calendar(text, Path(node.place.text.name).parent)
        except BadCalendar as bad:
            return notes.add(node.place, bad.what, bad.fix)

    def schema(self) -> dict[str, Any]:
        """A string."""
        return {"type": "string", "minLength": 1, "examples": ["US", "DE-BY", "freeze.ics"]}


def _check_timezone(text: str, node: Scalar, notes: Notes) -> bool:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        fix = did_you_mean(text, available_timezones()) + "as in Europe/Berlin or UTC"
        notes.add(node.place, f"unknown timezone '{text}'", fix)
        return False
    return True


def _build_healthy(fields: Fields, notes: Notes) -> Any:
    name, probe = fields.values["name"], fields.values["probe"]
    if "take" in probe.parameters:
        what = "the probe of a guard says yes or no"
        return notes.add(fields.places["probe"], what, "leave 'take' out")
    return name, probe


def _build_budget(fields: Fields, _notes: Notes) -> Any:
    return fields.get("per-day", 0), fields.get("per-day-in-all", 0)


def _build_capacity(fields: Fields, _notes: Notes) -> Any:
    return fields.values["min-healthy-share"]


def _build_guards(fields: Fields, notes: Notes) -> Any:
    for condition in fields.get("outage", ()):
        # Neither would a forecast, whose limit is no number.
        if any(each.of_baseline or math.isnan(each.value) for each in condition.when.limits):
            what = "a guard is asked before there is a baseline"
            return notes.add(fields.places["outage"], what, "compare with a number, as in 5%")
    per_day, per_day_in_all = fields.get("budget", (0, 0))
    return Guards(
        hours=fields.get("hours"),
        days=tuple(sorted({DAYS.index(day) for day in fields.get("days", ())})),
        timezone=fields.get("timezone", ""),
        holidays=fields.get("holidays"),
        outage=fields.get("outage", ()),
        healthy=fields.get("healthy", ()),
        per_day=per_day,
        per_day_in_all=per_day_in_all,
        min_healthy_ratio=fields.get("capacity", 0.0),
        is_leashed=fields.get("leash", False),
    )


_BUDGET: Mapping[str, Key] = MappingProxyType(
    {
        "per-day": Key(CountForm(1), "runs of this experiment in a day that put a fault in"),
        "per-day-in-all": Key(CountForm(1), "runs of any experiment in a day"),
    }
)
_CAPACITY: Mapping[str, Key] = MappingProxyType(
    {
        "min-healthy-share": Key(
            UnitForm(units.parse_share, _SHARE_SHAPES),
            "of each service's instances, so many must be up before",
            True,
        ),
    }
)


_HEALTHY = MapForm(
    "a probe of a guard",
    {
        "name": Key(TextForm("a name", length_max=120), "what must be well, in a few words", True),
        "probe": Key(PROBE_FORM, "a question to the system itself", True),
    },
    "{name: the status page, probe: {http: {url: 'http://127.0.0.1:8080/health'}}}",
    _build_healthy,
)


def guards_form(outage: Form) -> MapForm:
    """The guards, given the form of a condition that must not be true."""
    days = ListForm(ChoiceForm("day", DAYS), "days", most=len(DAYS), or_one=True)
    return MapForm(
        "the guards",
        {
            "hours": Key(UnitForm(parse_hours, _HOURS_SHAPES), "only then, as in 09:00-17:00"),
            "days": Key(days, "only on these, as in [mon, tue, wed, thu]"),
            "timezone": Key(
                TextForm("a timezone", _check_timezone),
                "of all of these; the machine's own unless said",
            ),
            "holidays": Key(_CalendarForm(), "not on these: a country, or a file of days"),
            "outage": Key(ListForm(outage, "conditions"), "not while one of these is true"),
            "healthy": Key(ListForm(_HEALTHY, "probes"), "only while all of these say yes"),
            "budget": Key(
                MapForm("the budget", dict(_BUDGET), "{per-day: 3}", _build_budget),
                "no more often than this",
            ),
            "capacity": Key(
                MapForm(
                    "the capacity", dict(_CAPACITY), "{min-healthy-share: 80%}", _build_capacity
                ),
                "not while too little is up",
            ),
            "leash": Key(BoolForm(), "only plan, explain and record; touch nothing"),
        },
        "{hours: 09:00-17:00, days: [mon, tue, wed, thu]}",
        _build_guards,
    )
