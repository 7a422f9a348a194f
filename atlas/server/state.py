"""What the routes share: the store, its publisher, the clock and the defaults of requests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import cast

from starlette.requests import Request

from atlas.errors import BadData
from atlas.expr.instants import parse_zone
from atlas.ingest.publish_json import JsonPublisher
from atlas.store.memory import MemoryStore


def _zone_default() -> tzinfo:
    try:
        return parse_zone("US/Pacific")
    except BadData:  # a small machine without time zones still answers
        return UTC


@dataclass(frozen=True, slots=True)
class ServerState:
    """Handed to every route through `app.state.atlas`."""

    store: MemoryStore
    publisher: JsonPublisher
    now_ms: Callable[[], int]
    zone_default: tzinfo = field(default_factory=_zone_default)
    start_default: str = "e-3h"
    body_bytes_max: int = 8 * 1024 * 1024
    refused: dict[str, int] = field(default_factory=lambda: {"datapoints": 0})


def state_of(request: Request) -> ServerState:
    """The state behind a request."""
    return cast(ServerState, request.app.state.atlas)
