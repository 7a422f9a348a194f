"""The instances that one process may call: chooses among them, calls one, and learns from it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence

import aiohttp

from demo_platform import transport
from demo_platform.balancer import Peer, choose
from demo_platform.discovery_client import Directory
from demo_platform.resilience.outlier_ejection import EjectionRule, OutlierEjection
from demo_platform.transport import Ending, Reply


class Pool:
    """What discovery says, what the last calls showed, and the connections."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        directory: Directory,
        *,
        own_zone: str,
        rng: random.Random,
    ) -> None:
        self._session = session
        self._directory = directory
        self._own_zone = own_zone
        self._rng = rng
        self._ejection = OutlierEjection(EjectionRule())
        self._now = asyncio.get_running_loop().time

    def choose(
        self, service: str, *, tried: Sequence[Peer], avoid_zones: frozenset[str]
    ) -> Peer | None:
        """The instance for the next try; see balancer.choose."""
        return choose(
            self._directory.peers(service),
            own_zone=self._own_zone,
            tried=tried,
            avoid_zones=avoid_zones,
            ejection=self._ejection,
            now=self._now(),
            rng=self._rng,
        )

    async def post(
        self, peer: Peer, route: str, *, body: bytes, headers: dict[str, str], timeout_s: float
    ) -> Reply:
        """One try at an instance."""
        self._ejection.note_chosen(peer.id, self._now())
        peer.in_flight += 1
        try:
            reply = await transport.post(
                self._session, peer.base + route, body=body, headers=headers, timeout_s=timeout_s
            )
        finally:
            peer.in_flight -= 1
        match reply.ending:
            case Ending.UNREACHABLE:
                self._ejection.note_unreachable(peer.id, self._now())
                self._ejection.forget_all_but(self._directory.ids())
            case Ending.TIMED_OUT:
                self._ejection.note_timeout(peer.id, self._now())
            case _:
                self._ejection.note_answer(peer.id)
        return reply
