"""What the routes share: the store, its publisher, the clock and the settings of requests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from starlette.requests import Request

from atlas.asl.word import Vocabulary
from atlas.asl.words import CUSTOM
from atlas.errors import BadData
from atlas.expr.instants import parse_zone
from atlas.ingest.publish_json import JsonPublisher
from atlas.server.query_work import QueryWork
from atlas.server.spectatord import Listener
from atlas.settings import RequestSettings, changed
from atlas.store.memory import MemoryStore


@dataclass(frozen=True, slots=True)
class ServerState:
    """Handed to every route through `app.state.atlas`."""

    store: MemoryStore
    publisher: JsonPublisher
    now_ms: Callable[[], int]
    settings: RequestSettings
    work: QueryWork
    vocabulary: Vocabulary = CUSTOM
    refused: dict[str, int] = field(default_factory=lambda: {"datapoints": 0})
    listener: Listener | None = None


def with_known_zone(settings: RequestSettings) -> RequestSettings:
    """The settings, in UTC if this machine does not know the zone: a small one has none."""
    try:
        parse_zone(settings.graph.zone)
    except BadData:
        return changed(settings, {"graph.zone": "UTC"})
    return settings


def state_of(request: Request) -> ServerState:
    """The state behind a request."""
    return cast(ServerState, request.app.state.atlas)
