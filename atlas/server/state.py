"""What the routes share: the store, its publisher, the clock and the settings of requests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import cast

from starlette.requests import Request

from atlas.errors import BadData
from atlas.expr.instants import parse_zone
from atlas.ingest.publish_json import JsonPublisher
from atlas.settings import RequestSettings
from atlas.store.memory import MemoryStore


@dataclass(frozen=True, slots=True)
class ServerState:
    """Handed to every route through `app.state.atlas`."""

    store: MemoryStore
    publisher: JsonPublisher
    now_ms: Callable[[], int]
    settings: RequestSettings
    zone_default: tzinfo
    refused: dict[str, int] = field(default_factory=lambda: {"datapoints": 0})

    @property
    def start_default(self) -> str:
        """The start of a request that names none."""
        return self.settings.graph.start


def zone_default_of(settings: RequestSettings) -> tzinfo:
    """The time zone of a request that names none."""
    try:
        return parse_zone(settings.graph.zone)
    except BadData:  # a small machine without time zones still answers
        return UTC


def state_of(request: Request) -> ServerState:
    """The state behind a request."""
    return cast(ServerState, request.app.state.atlas)
