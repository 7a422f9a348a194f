"""Lines of a store as text and as JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from atlas.model import TimeSeries


def lines_as_json(lines: Sequence[TimeSeries]) -> dict[str, Any]:
    """Lines with their values as plain JSON values; NaN where there is a gap."""
    rows = [
        {
            "label": line.label,
            "tags": dict(line.tags),
            "start_ms": line.start_ms,
            "step_ms": line.step_ms,
            "values": list(line.values),
        }
        for line in lines
    ]
    return {"schema": "chaosctl/lines/v1", "lines": rows}


def render_lines(lines: Sequence[TimeSeries]) -> str:
    """A line each: its label and a summary of its values."""
    width = max((len(line.label) for line in lines), default=0)
    return "\n".join(f"{line.label:<{width}}  {summary(line)}" for line in lines)


def summary(line: TimeSeries) -> str:
    """Last, mean, least and greatest value, and how many steps have one."""
    values = list(line.points().values())
    if not values:
        return "no data"
    mean = math.fsum(values) / len(values)
    return (
        f"last {values[-1]:.4g}  avg {mean:.4g}  min {min(values):.4g}  max {max(values):.4g}  "
        f"({len(values)} of {len(line.values)} steps)"
    )
