"""Where a request comes from."""

from __future__ import annotations

from demo_platform.zuul.context import SessionContext

FORWARDED_HEADER = "x-forwarded-for"


def address_of(context: SessionContext) -> str:
    """The device's address: what the balancer before the edge says, or the connection's other end.

    There is one process for all devices of a region; it stands where the balancer would.
    """
    if not context.address:
        forwarded = context.headers.get(FORWARDED_HEADER)
        first = forwarded.partition(",")[0].strip() if forwarded else ""
        context.address = first or context.incoming.remote
    return context.address
