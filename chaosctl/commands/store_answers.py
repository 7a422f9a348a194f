"""Where `atlas query` and `atlas tags` ask, and how the answer looks."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from chaosctl.judge.verdict import EXIT_CODES, Verdict

if TYPE_CHECKING:
    from atlas.model import TimeSeries
    from chaosctl.context import Context
    from chaosctl.stores.atlas import AtlasStore


def store_at(context: Context, address: str) -> AtlasStore:
    """The store at an address; the demo platform's own when there is none."""
    from chaosctl.demo import demo_paths
    from chaosctl.stores.atlas import AtlasStore

    return AtlasStore(address or f"unix:{demo_paths(context.runtime_dir).store}")


def print_lines(lines: Sequence[TimeSeries], *, as_json: bool) -> int:
    """Print each line; exit code `inconclusive` when none has a value."""
    from chaosctl.report.json_lines import to_json_line

    has_data = any(line.points() for line in lines)
    if as_json:
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
        print(to_json_line({"schema": "chaosctl/lines/v1", "lines": rows}))
    else:
        width = max((len(line.label) for line in lines), default=0)
        for line in lines:
            print(f"{line.label:<{width}}  {summary(line)}")
    if not has_data:
        print("no data", file=sys.stderr)
    return 0 if has_data else EXIT_CODES[Verdict.INCONCLUSIVE]


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
