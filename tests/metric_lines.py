"""What a process' meters send in a step, as tests look at it."""

from __future__ import annotations

from collections import defaultdict
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


def counted(meters: Meters) -> dict[str, float]:
    """Series that are not 0, by the values of their tags in the order of their keys, nf.* left out.

    A timer counts its values. `i-1 server.slots` would be a gauge with the tag `id`.
    """
    found: defaultdict[str, float] = defaultdict(float)
    for metric in metrics_of(meters):
        tags = metric["tags"]
        is_timer = tags.pop("statistic", "") == "value"
        key = " ".join(tags[key] for key in sorted(tags) if not key.startswith("nf."))
        found[key] += 1 if is_timer else metric["value"]
    return {key: round(value, 6) for key, value in found.items() if value}


def metric_of(line: str) -> dict[str, Any]:
    """A line of spectatord's protocol."""
    symbol, identity, value = parse_protocol_line(line)
    more = {"statistic": "value"} if symbol == "T" else {}
    return {"tags": {"name": identity.name(), **more, **identity.tags()}, "value": float(value)}
