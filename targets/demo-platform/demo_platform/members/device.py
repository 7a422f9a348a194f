"""A member's device: how it asks an edge for something, and how often it asks again.

A step is a few tries within one deadline for all. The first goes to the edge that the device is
connected to; each other one to another edge, rather in another zone, and whoever answers is the
device's edge from then on. A device without an edge looks up where they are, and goes to none that
it is not told of; while it has one it needs no name. The second try follows at once, those after it
when a growing time has passed, a part of which is left to chance, so that devices that failed
together do not come back together. How often and how soon is a matter of dials
(`fragility.device_policy`).
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass

import msgspec

from demo_platform.balancer import Peer
from demo_platform.dns.asking import KnownName
from demo_platform.fragility import DevicePolicy, device_policy
from demo_platform.knobs import Knobs
from demo_platform.pool import Pool
from demo_platform.resilience.deadline import DEADLINE_HEADER, header_for
from demo_platform.service import (
    COHORT_HEADER,
    MEMBER_HEADER,
    REQUEST_ID_HEADER,
    RETRY_HEADER,
    Body,
)
from demo_platform.tracing.tracer import NO_TRACER, Span, Tracer
from demo_platform.transport import Ending, Reply, traced

EDGE = "edge"
TRY_TIMEOUT_S = 1.0
TRY_MARGIN_S = 0.03
UNREACHABLE = "unreachable"
DNS = "dns"

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a step ended. cause: the service that failed, "dns", "unreachable", or "none"."""

    is_ok: bool
    cause: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What a step came to: how it ended, what was answered, and how often it was asked."""

    outcome: Outcome
    body: bytes = b""
    tries: int = 1


class _SignedIn(msgspec.Struct):
    """As much of the answer to signing in as a device keeps."""

    token: str | None = None


_decode_signed_in = msgspec.json.Decoder(_SignedIn).decode


class Device:
    """One member's device.

    edge: the one that it is connected to, if it is. authorization: the header that shows the token
    it was signed in with; empty before that, and for who was signed in before we began.
    """

    __slots__ = ("authorization", "cohort", "edge", "member")

    def __init__(self, member: int, cohort: str = "") -> None:
        self.member = str(member)
        self.cohort = cohort
        self.edge: Peer | None = None
        self.authorization = ""

    def keep_token(self, answer: bytes) -> None:
        """Show from now on the token that came with signing in, if one did."""
        try:
            token = _decode_signed_in(answer).token
        except msgspec.MsgspecError:
            token = None
        self.authorization = f"Bearer {token}" if token else ""


OK = Outcome(True, "none")


class _NoAddress(Exception):
    """Nobody says where the edges are."""


class Devices:
    """What the devices of a region share: connections, and what they know of the edges.

    Real devices share no memory; but each has asked its edge thousands of times before, and one
    process that plays them all can only know what they know together. edges: the name that they
    look up; None where names are not resolved.
    """

    def __init__(
        self,
        pool: Pool,
        knobs: Knobs,
        rng: random.Random,
        *,
        edges: KnownName | None = None,
        tracer: Tracer = NO_TRACER,
    ) -> None:
        self._pool = pool
        self._knobs = knobs
        self._rng = rng
        self._edges = edges
        self._tracer = tracer
        self._now = asyncio.get_running_loop().time

    async def step(
        self, device: Device, route: str, body: Body, *, request_id: str, within_s: float
    ) -> Answer:
        """Ask the edges for a route until one answers well, or it has been long enough."""
        encoded = _encode(body)
        policy = device_policy(self._knobs)
        ends_at = self._now() + within_s
        tried: list[Peer] = []
        tries, cause = 0, UNREACHABLE
        trace = self._tracer.begin(route)
        for attempt in range(policy.tries):
            pause_s = pause_before(attempt, policy, chance=self._rng.random()) if attempt else 0.0
            if ends_at - self._now() - pause_s <= TRY_MARGIN_S:
                break
            if pause_s:
                await asyncio.sleep(pause_s)
            try:
                edge = await self._edge(device, tried, ends_at)
            except _NoAddress:
                tries, cause = attempt + 1, DNS
                continue
            left_s = min(TRY_TIMEOUT_S, ends_at - self._now())
            if edge is None or left_s <= TRY_MARGIN_S:
                break
            tries = attempt + 1
            tried.append(edge)
            headers = self._headers(device, request_id, left_s, attempt)
            reply = await self._try(
                edge, route, trace, body=encoded, headers=headers, timeout_s=left_s
            )
            if reply.ending is Ending.ANSWERED:
                trace.end()
                device.edge = edge
                return Answer(OK, reply.body, tries)
            device.edge = None
            # An edge that names a service says more than one that does not answer.
            cause = reply.cause or cause
        trace.end(cause)
        return Answer(Outcome(False, cause), tries=max(1, tries))

    async def _try(
        self,
        edge: Peer,
        route: str,
        trace: Span,
        *,
        body: bytes,
        headers: dict[str, str],
        timeout_s: float,
    ) -> Reply:
        """Ask one edge once."""
        span = trace.call(route, edge.service, edge.address, edge.port)
        span.carry(headers)
        sending = self._pool.post(edge, route, body=body, headers=headers, timeout_s=timeout_s)
        return await traced(span, sending)

    async def _edge(self, device: Device, tried: list[Peer], ends_at: float) -> Peer | None:
        """The device's own edge as long as it is there, else one that was not asked yet.

        Raises _NoAddress when it is not told of any.
        """
        if device.edge is not None and self._pool.is_good(EDGE, device.edge):
            return device.edge
        avoid_zones = frozenset(edge.zone for edge in tried)
        if self._edges is None:
            return self._pool.choose(EDGE, tried=tried, avoid_zones=avoid_zones)
        among = await self._edges.addresses(min(TRY_TIMEOUT_S, ends_at - self._now()))
        if not among:
            raise _NoAddress
        return self._pool.choose(EDGE, tried=tried, avoid_zones=avoid_zones, among=among)

    def _headers(
        self, device: Device, request_id: str, left_s: float, attempt: int
    ) -> dict[str, str]:
        headers = {
            "Content-Type": "application/json",
            REQUEST_ID_HEADER: request_id,
            RETRY_HEADER: str(attempt),
            MEMBER_HEADER: device.member,
        }
        if device.cohort:
            headers[COHORT_HEADER] = device.cohort
        if device.authorization:
            headers["Authorization"] = device.authorization
        if not self._knobs.is_on("long-timeouts"):
            headers[DEADLINE_HEADER] = header_for(left_s - TRY_MARGIN_S)
        return headers


def pause_before(attempt: int, policy: DevicePolicy, *, chance: float) -> float:
    """Seconds to wait before try number `attempt`; 1 is the first retry, which waits for nothing.

    chance: 0…1, a random number of the caller's.

    >>> policy = DevicePolicy(tries=5, first_s=0.1, max_s=0.3, jitter_ratio=0.5)
    >>> [round(pause_before(attempt, policy, chance=0.0), 3) for attempt in (1, 2, 3, 4)]
    [0.0, 0.1, 0.2, 0.3]
    >>> round(pause_before(4, policy, chance=1.0), 3)
    0.15
    """
    if attempt < 2:
        return 0.0
    longest_s = min(policy.max_s, policy.first_s * 2.0 ** (attempt - 2))
    return longest_s * (1 - policy.jitter_ratio * chance)
