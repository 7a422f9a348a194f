"""The HTTP side of a store node: its health, and what it knows of the others.

GET /healthcheck
GET /ring          every place: its status, whether it is up, how unlikely its silence is, hints
"""

from __future__ import annotations

import msgspec

from demo_platform.http_message import JSON, HttpRequest, HttpResponse
from demo_platform.metrics import Ipc, Meters, counted_calls
from demo_platform.widecolumn.node import StoreNode

HEALTH_PATH = "/healthcheck"
RING_PATH = "/ring"


class Door:
    """What stands beside one node."""

    def __init__(self, node: StoreNode, meters: Meters) -> None:
        self._node = node
        self._calls = counted_calls(meters)
        meters.counter("server.seconds")

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer one request."""
        answers = {HEALTH_PATH: {"status": "up"}, RING_PATH: self._ring()}
        answer = answers.get(request.path) if request.method == "GET" else None
        self._calls[Ipc.BAD_REQUEST if answer is None else Ipc.SUCCESS].add()
        if answer is None:
            text = f"no route {request.method} {request.path}; there are: "
            text += f"GET {HEALTH_PATH}, GET {RING_PATH}\n"
            return HttpResponse.of_text(text, status=404)
        return HttpResponse(msgspec.json.encode(answer), content_type=JSON)

    def _ring(self) -> dict[str, object]:
        node, now = self._node, self._node.now()
        waiting = node.hints.counts()
        found: dict[str, object] = {}
        for name in node.membership.ring.places:
            state = node.membership.state(name)
            found[name] = {
                "address": f"{state.address}:{state.port}" if state else None,
                "status": state.status if state else "never seen",
                "is_up": node.membership.is_up(name, now),
                "phi": min(1000.0, round(node.membership.phi(name, now), 2)),
                "hints": waiting.get(name, 0),
            }
        return found
