"""`chaosctl schema`: JSON Schemas of what we read and write."""

from __future__ import annotations

from typing import Annotated

import typer

NAMES = ("baseline", "experiment", "report", "result", "series")


def schema(
    name: Annotated[str, typer.Argument(metavar="|".join(NAMES), help="Of what.")] = "experiment",
) -> int:
    """Print a JSON Schema, for editors and other programs.

    Of the experiment document; of a run's result.json and series.json; of what `chaosctl report
    --json` prints and an HTML report embeds; of a gate's baseline file.

    Examples: chaosctl schema > experiment.schema.json | chaosctl schema report
    """
    import json

    from chaosctl.errors import ChaosctlError
    from chaosctl.experiment.forms import did_you_mean
    from chaosctl.experiment.schema import experiment_schema
    from chaosctl.report.schemas import (
        baseline_schema,
        report_schema,
        result_schema,
        series_schema,
    )
    from monkeys.faults import FAULTS

    if name not in NAMES:
        raise ChaosctlError(
            f"no schema of {name!r}",
            where="chaosctl schema",
            fix=f"{did_you_mean(name, NAMES)}there is: {', '.join(NAMES)}",
        )
    schemas = {
        "baseline": baseline_schema,
        "experiment": lambda: experiment_schema(FAULTS),
        "report": report_schema,
        "result": result_schema,
        "series": series_schema,
    }
    print(json.dumps(schemas[name](), indent=2))
    return 0
