"""Turns away the addresses of a list."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from demo_platform.zuul.addresses import address_of
from demo_platform.zuul.context import Refused, SessionContext
from demo_platform.zuul.properties import addresses_of

if TYPE_CHECKING:
    from demo_platform.zuul.edge import Edge
    from demo_platform.zuul.filters import Apply
    from demo_platform.zuul.routes import EdgeRoute

TYPE = "inbound"
ORDER = 10
PROPERTY = "zuul.security.blockedAddresses"


def bind(edge: Edge, route: EdgeRoute) -> Apply | None:
    """Nothing to do while the list is empty."""
    del route
    blocked = addresses_of(edge.settings.text(PROPERTY), where=PROPERTY)
    if not blocked:
        return None

    def apply(context: SessionContext) -> None:
        address = address_of(context)
        try:
            parsed = ipaddress.IPv4Address(address)
        except ValueError as error:
            raise Refused(403, f"{address!r} is no address", kind="address") from error
        if any(parsed in network for network in blocked):
            raise Refused(403, f"{address} is blocked", kind="address")

    return apply
