"""The endpoint of what an origin answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from demo_platform.zuul.context import SessionContext

if TYPE_CHECKING:
    from demo_platform.zuul.edge import Edge
    from demo_platform.zuul.filters import Apply
    from demo_platform.zuul.routes import EdgeRoute

TYPE = "endpoint"
ORDER = 1000


def bind(edge: Edge, route: EdgeRoute) -> Apply | None:
    """For routes that have an origin."""
    if not route.vip:
        return None
    origin = edge.origins[route.vip]
    is_idempotent = route.is_idempotent

    async def apply(context: SessionContext) -> None:
        context.answer = await origin.ask(context, is_idempotent=is_idempotent)

    return apply
