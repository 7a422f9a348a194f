"""Lets so many requests a second through of a route, of a customer and of an address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from demo_platform.zuul.addresses import address_of
from demo_platform.zuul.context import Refused, SessionContext
from demo_platform.zuul.rate_limit import Buckets, retry_after

if TYPE_CHECKING:
    from demo_platform.zuul.edge import Edge
    from demo_platform.zuul.filters import Apply
    from demo_platform.zuul.routes import EdgeRoute

TYPE = "inbound"
ORDER = 50


def bind(edge: Edge, route: EdgeRoute) -> Apply | None:
    """Nothing to do while no rate is limited."""
    settings = edge.settings
    of_route = settings.number("zuul.ratelimit.route.NAME.perSecond", route.name)
    of_customer = settings.number("zuul.ratelimit.customer.perSecond")
    of_address = settings.number("zuul.ratelimit.ip.perSecond")
    limits: list[tuple[Buckets, str]] = []
    if of_route:
        limits.append((edge.buckets(f"route {route.name}", of_route), "route"))
    if of_customer:
        limits.append((edge.buckets("customer", of_customer), "customer"))
    if of_address:
        limits.append((edge.buckets("address", of_address), "address"))
    if not limits:
        return None

    def apply(context: SessionContext) -> None:
        for buckets, what in limits:
            key = _key(what, context)
            wait_s = buckets.take(key, edge.now()) if key is not None else 0.0
            if wait_s:
                raise Refused(
                    429,
                    f"too many requests of this {what}",
                    kind="rate",
                    headers={"Retry-After": retry_after(wait_s)},
                )

    return apply


def _key(what: str, context: SessionContext) -> str | None:
    """Whose bucket a request is charged to; nobody's where it does not say who asks."""
    if what == "route":
        return ""
    return (context.member or None) if what == "customer" else address_of(context)
