"""The endpoint of what the edge itself does: the functions of services/edge.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from demo_platform.service import Request
from demo_platform.zuul.context import Answer, Refused, SessionContext

if TYPE_CHECKING:
    from demo_platform.zuul.edge import Edge
    from demo_platform.zuul.filters import Apply
    from demo_platform.zuul.routes import EdgeRoute

TYPE = "endpoint"
ORDER = 1000

_body = msgspec.json.Decoder(dict[str, object])


def bind(edge: Edge, route: EdgeRoute) -> Apply | None:
    """For routes that have no origin."""
    if route.vip:
        return None
    function, node = edge.functions[route.name], edge.node

    async def apply(context: SessionContext) -> None:
        try:
            body = _body.decode(context.body)
        except msgspec.MsgspecError as error:
            raise Refused(400, f"{route.name}: body is not a JSON object: {error}") from error
        request = Request(
            route.name, body, context.deadline, context.request_id, context.faults, context.trace
        )
        context.answer = Answer(200, msgspec.json.encode(await function(request, node)))

    return apply
