"""The HTTP side of a cache node: its health, and the changes that regions tell each other.

GET  /healthcheck
POST /relay/changes   from services of this region; told to every other region
POST /relay/apply     from another region; forgotten in every zone of this one
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from demo_platform.evcache.client import CacheClient, Quorum
from demo_platform.evcache.relay import APPLY_PATH, CHANGES_PATH, TAKEN, Relay, parse_changes
from demo_platform.http_message import JSON, HttpRequest, HttpResponse
from demo_platform.metrics import Ipc, Meters, counted_calls

HEALTH_PATH = "/healthcheck"


class Sidecar:
    """What stands beside one node."""

    def __init__(self, client: CacheClient, relays: Sequence[Relay], meters: Meters) -> None:
        self._client = client
        self._relays = relays
        self._calls = counted_calls(meters)
        meters.counter("server.seconds")
        self._applied = meters.counter("evcache.relay.applied")

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer one request."""
        response = self._answer(request)
        self._calls[Ipc.SUCCESS if response.status < 400 else Ipc.BAD_REQUEST].add()
        return response

    def _answer(self, request: HttpRequest) -> HttpResponse:
        if request.path == HEALTH_PATH:
            return HttpResponse(b'{"status":"up"}', content_type=JSON)
        if request.method != "POST" or request.path not in {CHANGES_PATH, APPLY_PATH}:
            text = f"no route {request.method} {request.path}; there are: "
            text += f"GET {HEALTH_PATH}, POST {CHANGES_PATH}, POST {APPLY_PATH}\n"
            return HttpResponse.of_text(text, status=404)
        try:
            changes = parse_changes(request.body)
        except msgspec.MsgspecError as error:
            return HttpResponse.of_text(f"not a list of changes: {error}\n", status=400)
        for change in changes:
            if request.path == CHANGES_PATH:
                for relay in self._relays:
                    relay.add(change)
            else:
                self._client.carry_out(change, quorum=Quorum.ANY)
                self._applied.add()
        return HttpResponse(TAKEN)
