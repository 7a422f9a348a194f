"""Turns away who shows a token that auth has not signed for him, or that is not good now."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from demo_platform.fragility import token_leeway_s
from demo_platform.tokens import Standing, judge
from demo_platform.zuul.context import Refused, SessionContext

if TYPE_CHECKING:
    from demo_platform.zuul.edge import Edge
    from demo_platform.zuul.filters import Apply
    from demo_platform.zuul.routes import EdgeRoute

TYPE = "inbound"
ORDER = 30
OPEN_ROUTES = ("signin",)
SCHEME = "Bearer "
BELIEVED = (Standing.GOOD, Standing.LEEWAY)
WHY = {
    Standing.EARLY: "the token is not yet valid",
    Standing.LATE: "the token has expired",
    Standing.FORGED: "no token of auth's",
}


def bind(edge: Edge, route: EdgeRoute) -> Apply | None:
    """For routes other than that on which tokens are had.

    Who shows none is turned away only where the property says so.
    """
    if route.name in OPEN_ROUTES:
        return None
    key, leeway_s, counts = edge.token_key, token_leeway_s(edge.knobs), edge.tokens
    is_required = edge.settings.is_on("zuul.security.tokenRequired")

    def apply(context: SessionContext) -> None:
        header = context.headers.get("authorization", "")
        if not header and not is_required:
            return
        token = header.removeprefix(SCHEME)
        claims, standing = judge(token, key=key, now_s=time.time(), leeway_s=leeway_s)
        counts[standing].add()
        if claims is None or standing not in BELIEVED:
            raise Refused(401, WHY[standing], kind="token")
        if context.member not in ("", str(claims.member)):
            raise Refused(401, "the token is another member's", kind="token")

    return apply
