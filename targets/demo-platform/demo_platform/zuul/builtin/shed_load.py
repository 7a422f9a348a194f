"""Gives up the least important requests when the edge, or the origin they are for, gets full."""

from __future__ import annotations

from typing import TYPE_CHECKING

from demo_platform.fragility import sheds_by_priority
from demo_platform.zuul.context import Refused, SessionContext
from demo_platform.zuul.shedding import score, threshold

if TYPE_CHECKING:
    from demo_platform.zuul.edge import Edge
    from demo_platform.zuul.filters import Apply
    from demo_platform.zuul.routes import EdgeRoute

TYPE = "inbound"
ORDER = 70


def bind(edge: Edge, route: EdgeRoute) -> Apply | None:
    """Nothing to do where nobody is to be shed."""
    if not sheds_by_priority(edge.knobs) or not edge.settings.is_on("zuul.shedding.enabled"):
        return None
    start = edge.settings.number("zuul.shedding.startPercent") / 100
    origin = edge.origins.get(route.vip)

    def apply(context: SessionContext) -> None:
        busy = edge.in_flight / edge.concurrency_max
        if origin is not None:
            busy = max(busy, origin.in_flight / origin.limit)
        if busy <= start:
            return
        context.score = score(context.priority, context.request_id)
        if context.score > threshold(busy, start=start):
            edge.shed[context.priority].add()
            why = f"priority {context.score} of 100 at {busy:.0%} of the limit"
            raise Refused(503, why, kind="shed")

    return apply
