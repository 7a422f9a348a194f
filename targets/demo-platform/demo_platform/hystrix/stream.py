"""`/hystrix.stream`: a process' frames twice a second, as server-sent events, to whoever listens.

Frames are made for listeners only: without one there is no timer and nothing is computed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping

import msgspec

from demo_platform.http_message import Answer, HttpRequest, HttpResponse, HttpStream
from demo_platform.hystrix.frames import Frame, frames
from demo_platform.hystrix.runtime import Runtime

STREAM_PATH = "/hystrix.stream"
INTERVAL_MS = 500
INTERVAL_MS_RANGE = (100, 60_000)
LISTENERS_MAX = 5
PING = b"ping: \n\n"

_HEADERS = {
    "Content-Type": "text/event-stream;charset=UTF-8",
    "Cache-Control": "no-cache, no-store, max-age=0, must-revalidate",
    "Pragma": "no-cache",
}


class Listeners:
    """Those who listen to one stream; no more than LISTENERS_MAX."""

    def __init__(self) -> None:
        self.count = 0

    def listen(
        self, query: Mapping[str, str], tell: Callable[[], Iterable[Frame]]
    ) -> HttpResponse | HttpStream:
        """What one more listener is answered: the stream, until it goes away."""
        interval_s = _interval_s(query)
        if interval_s is None:
            low, high = INTERVAL_MS_RANGE
            text = f"delay is a whole number of milliseconds from {low} to {high}\n"
            return HttpResponse.of_text(text, status=400)
        if self.count >= LISTENERS_MAX:
            text = f"{LISTENERS_MAX} listen already: stop one of them\n"
            return HttpResponse.of_text(text, status=503)
        return HttpStream(self._chunks(tell, interval_s), headers=_HEADERS)

    async def _chunks(
        self, tell: Callable[[], Iterable[Frame]], interval_s: float
    ) -> AsyncGenerator[bytes, None]:
        self.count += 1
        try:
            while True:
                yield encode(tell())
                await asyncio.sleep(interval_s)
        finally:
            self.count -= 1


class HystrixStream:
    """The stream of one process."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._listeners = Listeners()

    @property
    def listening(self) -> int:
        """How many listen."""
        return self._listeners.count

    async def handle(self, request: HttpRequest) -> Answer:
        """Answer GET /hystrix.stream."""
        return self._listeners.listen(request.query, self._frames)

    def _frames(self) -> Iterable[Frame]:
        return frames(self._runtime, wall_ms=int(time.time() * 1000))


def encode(told: Iterable[Frame]) -> bytes:
    """Frames as server-sent events; a ping when there are none."""
    return b"".join(b"data: " + msgspec.json.encode(frame) + b"\n\n" for frame in told) or PING


def _interval_s(query: Mapping[str, str]) -> float | None:
    """The parameter `delay`, which the dashboard sends; None when it cannot be."""
    text = query.get("delay", "") or str(INTERVAL_MS)
    low, high = INTERVAL_MS_RANGE
    if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
        return None
    return int(text) / 1000
