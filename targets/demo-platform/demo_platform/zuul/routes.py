"""What devices may ask the edge for, and what it knows of each: its origin, and its weight."""

from __future__ import annotations

from dataclasses import dataclass

from demo_platform.services.edge import CAUSES, ORIGINS
from demo_platform.zuul.shedding import Priority


@dataclass(frozen=True, slots=True)
class EdgeRoute:
    """A row. vip: the origin; empty where a function of services/edge.py answers.

    is_idempotent: asking twice does no more than asking once, so the edge may.
    """

    name: str
    vip: str
    priority: Priority
    is_idempotent: bool = True


PRIORITIES = {
    "heartbeat": Priority.BEST_EFFORT,
    "home": Priority.DEGRADED_EXPERIENCE,
    "search": Priority.DEGRADED_EXPERIENCE,
    "stop": Priority.NON_CRITICAL,
    "title": Priority.DEGRADED_EXPERIENCE,
}
"""Of routes whose loss does not stop a stream from starting; all others are critical."""

ROUTES: dict[str, EdgeRoute] = {
    # A play may be repeated: the stream's name is made of the request's id.
    name: EdgeRoute(name, ORIGINS.get(name, ""), PRIORITIES.get(name, Priority.CRITICAL))
    for name in sorted(CAUSES)
}
