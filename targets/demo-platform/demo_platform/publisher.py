"""Publishes a process' metrics each second, over HTTP on the store's unix socket.

A step ends on a whole second of the wall clock. After a stall (the process was stopped, the machine
slept) publishing goes on with the present: what was counted meanwhile is spread over the whole
span, and the seconds missed stay gaps, as they would for anything that really was not there. A
store that is away costs a dropped body a second and nothing else.
"""

from __future__ import annotations

import asyncio
import time
import zlib
from collections.abc import Callable

import aiohttp

from demo_platform.metrics import Meters

PUBLISH_URL = "http://store/api/v1/publish"
SEND_TIMEOUT_S = 0.5
SPREAD_S = 0.25


class Publisher:
    """The loop that publishes; `dropped` counts the bodies that no store took."""

    def __init__(
        self,
        meters: Meters,
        socket_path: str,
        *,
        instance_id: str,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._meters = meters
        self._socket_path = socket_path
        # All processes end their step at the same instant; each sends at its own moment after it,
        # so that a store and two cores do not meet sixty bodies at once.
        self._delay_s = SPREAD_S * (zlib.crc32(instance_id.encode()) % 1000) / 1000
        self._wall = wall
        self.dropped = 0
        meters.gauge("publish.dropped", lambda: self.dropped)

    async def run(self) -> None:
        """Publish until cancelled."""
        connector = aiohttp.UnixConnector(self._socket_path)
        timeout = aiohttp.ClientTimeout(total=SEND_TIMEOUT_S)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
            ended_s = int(self._wall())
            while True:
                await asyncio.sleep(ended_s + 1 - self._wall())
                ends_s = step_end_s(ended_s, self._wall())
                body = self._meters.take(timestamp_ms=ends_s * 1000, span_s=ends_s - ended_s)
                ended_s = ends_s
                await asyncio.sleep(self._delay_s)
                await self._send(session, body)

    async def _send(self, session: aiohttp.ClientSession, body: bytes) -> None:
        headers = {"Content-Type": "application/json"}
        try:
            async with session.post(PUBLISH_URL, data=body, headers=headers) as reply:
                if reply.status >= 300:
                    self.dropped += 1
        except (aiohttp.ClientError, TimeoutError, OSError):
            self.dropped += 1


def step_end_s(last_s: int, now_s: float) -> int:
    """The end of the step to publish: the next one, or the latest after a stall.

    A timer may fire a hair early, so the next step is never put off.

    >>> step_end_s(100, 100.9999), step_end_s(100, 101.2), step_end_s(100, 125.7)
    (101, 101, 125)
    """
    return max(last_s + 1, int(now_s))
