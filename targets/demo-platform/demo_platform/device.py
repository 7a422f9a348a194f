"""A member's device: how it asks an edge for something, and how often it asks again.

A step (sign in, home, play, heartbeat) is up to three tries, each against another edge and rather
in another zone, within one deadline for all; between tries it waits a little, at random, so that
devices that failed together do not come back together.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass

import msgspec

from demo_platform.balancer import Peer
from demo_platform.knobs import Knobs
from demo_platform.pool import Pool
from demo_platform.resilience.deadline import DEADLINE_HEADER, header_for
from demo_platform.resilience.retry import backoff_s
from demo_platform.service import REQUEST_ID_HEADER, RETRY_HEADER, Body
from demo_platform.transport import Ending

TRIES = 3
TRY_TIMEOUT_S = 1.0
TRY_MARGIN_S = 0.03
STEP_S = 3.0
UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a step ended. cause: the service that failed, "unreachable", or "none"."""

    is_ok: bool
    cause: str


class Devices:
    """What the devices of a region share: connections, and what they know of the edges.

    Real devices share no memory; but each has asked its edge thousands of times before, and one
    process that plays them all can only know what they know together.
    """

    def __init__(self, pool: Pool, knobs: Knobs, rng: random.Random) -> None:
        self._pool = pool
        self._knobs = knobs
        self._rng = rng
        self._now = asyncio.get_running_loop().time

    async def step(
        self, route: str, body: Body, *, request_id: str, within_s: float = STEP_S
    ) -> Outcome:
        """Ask the edges for a route until one answers well, or it has been long enough."""
        encoded = msgspec.json.encode(body)
        ends_at = self._now() + within_s
        tried: list[Peer] = []
        avoid_zones: frozenset[str] = frozenset()
        cause = UNREACHABLE
        for attempt in range(TRIES):
            pause_s = backoff_s(attempt, jitter=self._rng.random()) if attempt else 0.0
            left_s = min(TRY_TIMEOUT_S, ends_at - self._now() - pause_s)
            if left_s <= TRY_MARGIN_S:
                break
            if attempt:
                await asyncio.sleep(pause_s)
            edge = self._pool.choose("edge", tried=tried, avoid_zones=avoid_zones)
            if edge is None:
                break
            tried.append(edge)
            headers = self._headers(request_id, left_s, attempt)
            reply = await self._pool.post(
                edge, route, body=encoded, headers=headers, timeout_s=left_s
            )
            if reply.ending is Ending.ANSWERED:
                return Outcome(True, "none")
            # An edge that names a service says more than one that does not answer.
            cause = reply.cause or cause
            avoid_zones |= {edge.zone}
        return Outcome(False, cause)

    def _headers(self, request_id: str, left_s: float, attempt: int) -> dict[str, str]:
        headers = {
            "Content-Type": "application/json",
            REQUEST_ID_HEADER: request_id,
            RETRY_HEADER: str(attempt),
        }
        if not self._knobs.is_on("long-timeouts"):
            headers[DEADLINE_HEADER] = header_for(left_s - TRY_MARGIN_S)
        return headers
