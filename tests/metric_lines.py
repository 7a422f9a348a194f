"""What a process' meters send in a step, as tests look at it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from spectator.protocol_parser import parse_protocol_line

from demo_platform.metrics import Meters


def metrics_of(meters: Meters) -> Iterator[dict[str, Any]]:
    """Each line that the meters write now, as tags, among them its name, and value.

    Of a timer each value has a line, whose tag `statistic` is `value`.
    """
    for line in meters.take():
        yield metric_of(line)


def metric_of(line: str) -> dict[str, Any]:
    """A line of spectatord's protocol."""
    symbol, identity, value = parse_protocol_line(line)
    more = {"statistic": "value"} if symbol == "T" else {}
    return {"tags": {"name": identity.name(), **more, **identity.tags()}, "value": float(value)}
