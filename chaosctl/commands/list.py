"""`chaosctl list`: what there is to use."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any

import typer

from chaosctl.commands.options import AsJson


class Noun(StrEnum):
    """What can be listed."""

    EXPERIMENTS = "experiments"
    LESSONS = "lessons"
    FAULTS = "faults"
    DRIVERS = "drivers"


def list_things(
    noun: Annotated[Noun, typer.Argument(help="What to list.")], as_json: AsJson = False
) -> int:
    """List the bundled experiments, the lessons, the faults with their parameters, or the drivers.

    Examples: chaosctl list faults | chaosctl list experiments --json
    """
    import json

    rows = ROWS[noun]()
    if as_json:
        print(json.dumps({"schema": "chaosctl/list/v1", noun.value: rows}))
        return 0
    width = max(len(row["name"]) for row in rows)
    for row in rows:
        print(f"{row['name']:<{width}}  {row['summary']}")
        for parameter in row.get("parameters", ()):
            unit = f" ({parameter['unit']})" if parameter["unit"] else ""
            print(f"{'':<{width}}    {parameter['name']}{unit}: {parameter['summary']}")
    return 0


def experiments() -> list[dict[str, Any]]:
    """Name and title of each bundled experiment."""
    from chaosctl.experiment.load import bundled_names, load_bundled

    return [{"name": name, "summary": load_bundled(name).title} for name in bundled_names()]


def lessons() -> list[dict[str, Any]]:
    """Name and title of each lesson's two experiments."""
    from chaosctl.experiment.load import lesson_names, load_bundled

    return [{"name": name, "summary": load_bundled(name).title} for name in lesson_names()]


def faults() -> list[dict[str, Any]]:
    """Each fault with its parameters."""
    from monkeys.faults import FAULTS
    from monkeys.parameters import parameters_of

    return [
        {
            "name": name,
            "summary": fault.summary,
            "parameters": [
                {"name": p.name, "unit": p.unit, "summary": p.summary} for p in parameters_of(fault)
            ],
        }
        for name, fault in FAULTS.items()
    ]


def drivers() -> list[dict[str, Any]]:
    """Each kind of target."""
    from chaosctl.drivers import DRIVERS

    return [{"name": name, "summary": SUMMARIES.get(name, "")} for name in DRIVERS]


SUMMARIES = {
    "demo": "the bundled demo platform: processes in networks of their own",
    "toolkit": "whatever the activities of a Chaos Toolkit document reach",
}
ROWS: dict[Noun, Callable[[], list[dict[str, Any]]]] = {
    Noun.EXPERIMENTS: experiments,
    Noun.LESSONS: lessons,
    Noun.FAULTS: faults,
    Noun.DRIVERS: drivers,
}
