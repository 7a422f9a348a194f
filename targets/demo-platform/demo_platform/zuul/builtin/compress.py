"""Compresses long answers for devices that read them."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

from demo_platform.zuul.context import SessionContext

if TYPE_CHECKING:
    from demo_platform.zuul.edge import Edge
    from demo_platform.zuul.filters import Apply
    from demo_platform.zuul.routes import EdgeRoute

TYPE = "outbound"
ORDER = 900
BYTES_MIN = 1024


def bind(edge: Edge, route: EdgeRoute) -> Apply | None:
    """Nothing to do unless the property says so."""
    del route
    return _compress if edge.settings.is_on("zuul.gzip.enabled") else None


def _compress(context: SessionContext) -> None:
    answer = context.answer
    if answer is None or len(answer.body) < BYTES_MIN:
        return
    if "gzip" in context.headers.get("accept-encoding", ""):
        answer.body = gzip.compress(answer.body, compresslevel=1)
        answer.headers = {**(answer.headers or {}), "Content-Encoding": "gzip"}
