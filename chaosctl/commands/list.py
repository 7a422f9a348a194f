"""`chaosctl list`: what there is to use."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from chaosctl.commands.options import AsJson


class Noun(StrEnum):
    """What can be listed."""

    EXPERIMENTS = "experiments"
    FAULTS = "faults"
    DRIVERS = "drivers"


def list_things(
    noun: Annotated[Noun, typer.Argument(help="What to list.")], as_json: AsJson = False
) -> int:
    """List the bundled experiments, the faults with their parameters, or the drivers.

    Examples: chaosctl list faults | chaosctl list experiments --json
    """
    import json

    rows = {Noun.EXPERIMENTS: experiments, Noun.FAULTS: faults, Noun.DRIVERS: drivers}[noun]()
    if as_json:
        print(json.dumps({"schema": "chaosctl/list/v1", noun.value: rows}))
        return 0
    width = max(len(row["name"]) for row in rows)
    for row in rows:
        print(f"{row['name']:<{width}}  {row['summary']}")
        for line in row.get("details", ()):
            print(f"{'':<{width}}    {line}")
    return 0


def experiments() -> list[dict[str, str]]:
    """Name and title of each bundled experiment."""
    from chaosctl.experiment.load import bundled_names, load_bundled

    return [{"name": name, "summary": load_bundled(name).title} for name in bundled_names()]
