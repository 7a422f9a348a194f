"""The endpoint of what another region's edge is to answer, while members are moved there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from demo_platform.zuul.context import SessionContext
from demo_platform.zuul.forwarding import FROM_HEADER

if TYPE_CHECKING:
    from demo_platform.zuul.edge import Edge
    from demo_platform.zuul.filters import Apply
    from demo_platform.zuul.routes import EdgeRoute

TYPE = "endpoint"
ORDER = 900
"""Before the endpoints that answer here."""


def bind(edge: Edge, route: EdgeRoute) -> Apply | None:
    """For every route, while anything is passed on at all."""
    forwarding = edge.forwarding
    if not forwarding.share():
        return None
    members, is_idempotent = forwarding.members(), route.is_idempotent

    async def apply(context: SessionContext) -> None:
        if FROM_HEADER in context.headers or not members.has(context.member, ""):
            return
        neighbour = forwarding.neighbour()
        if neighbour is not None:
            context.answer = await forwarding.ask(neighbour, context, is_idempotent=is_idempotent)

    return apply
