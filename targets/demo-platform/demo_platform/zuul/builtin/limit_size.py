"""Turns away requests that are too long."""

from __future__ import annotations

from typing import TYPE_CHECKING

from demo_platform.zuul.context import Refused, SessionContext

if TYPE_CHECKING:
    from demo_platform.zuul.edge import Edge
    from demo_platform.zuul.filters import Apply
    from demo_platform.zuul.routes import EdgeRoute

TYPE = "inbound"
ORDER = 20


def bind(edge: Edge, route: EdgeRoute) -> Apply:
    """As long as the property says."""
    del route
    most = edge.settings.number("zuul.security.bodyBytesMax")

    def apply(context: SessionContext) -> None:
        if len(context.body) > most:
            raise Refused(413, f"{len(context.body)} bytes, at most {most}", kind="size")

    return apply
