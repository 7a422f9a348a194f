"""What the platform's store says a metric was: one small question over HTTP on its unix socket."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from typing import Any

import aiohttp

GRAPH_URL = "http://store/api/v1/graph"
ANSWER_WITHIN_S = 1.0
NO_GROUP = ""
GROUPED_BY = ("nf.node", "nf.asg", "nf.region")

_log = logging.getLogger(__name__)


class StoreMetrics:
    """Asks the store; an answer that does not come is no data."""

    def __init__(self, socket_path: str) -> None:
        self._socket_path = socket_path

    async def means(self, query: str, *, end_ms: int, steps: int) -> dict[str, float]:
        """Means of a query's lines over the last steps of a second, by the value by which they
        are grouped (NO_GROUP where they are not); gaps and lines without data are left out.
        """
        parameters = {
            "q": query,
            "s": str(end_ms - (steps - 1) * 1000),
            "e": str(end_ms),
            "step": "1s",
            "format": "json",
        }
        connector = aiohttp.UnixConnector(self._socket_path)
        timeout = aiohttp.ClientTimeout(total=ANSWER_WITHIN_S)
        try:
            async with (
                aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
                session.get(GRAPH_URL, params=parameters) as answer,
            ):
                if answer.status != 200:
                    _log.warning("the store refuses %r: %s", query, await answer.text())
                    return {}
                return means_of(await answer.json(content_type=None))
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            _log.info("no answer from the store: %s", error)
            return {}


def means_of(document: Mapping[str, Any]) -> dict[str, float]:
    """The means of a graph's lines; see `StoreMetrics.means`. Raises ValueError for no graph."""
    try:
        columns = zip(*document["values"], strict=True)
        lines = list(zip(document["metrics"], columns, strict=True))
    except (KeyError, TypeError) as error:
        raise ValueError(f"the answer is not a graph: {error!r}") from error
    means: dict[str, float] = {}
    for tags, column in lines:
        known = [value for value in map(float, column) if math.isfinite(value)]
        if known:
            name = next((tags[key] for key in GROUPED_BY if key in tags), NO_GROUP)
            means[name] = sum(known) / len(known)
    return means
