"""The instances that one process may call: chooses among them, calls one, and learns from it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Protocol

from demo_platform.balancer import Peer, choose
from demo_platform.eureka.directory import Directory
from demo_platform.fragility import ChoicePolicy, choice_policy
from demo_platform.knobs import Knobs
from demo_platform.metrics import Meters
from demo_platform.resilience.outlier_ejection import EjectionRule, OutlierEjection
from demo_platform.transport import Ending, Reply


class Transport(Protocol):
    """A protocol that instances are called by."""

    async def post(
        self, peer: Peer, route: str, *, body: bytes, headers: Mapping[str, str], timeout_s: float
    ) -> Reply:
        """One try at an instance."""


class Pool:
    """What discovery says, what the last calls showed, and the connections.

    http: calls the services that are not in `transports`, which has others' protocols by service.
    keeps_to_zone: whether other zones' instances are never called, asked at each choice.
    knobs: without them, instances are chosen as is right.
    """

    def __init__(
        self,
        http: Transport,
        directory: Directory,
        *,
        own_zone: str,
        rng: random.Random,
        transports: Mapping[str, Transport] = MappingProxyType({}),
        knobs: Knobs | None = None,
    ) -> None:
        self._http = http
        self._transports = transports
        self._directory = directory
        self._own_zone = own_zone
        self.keeps_to_zone: Callable[[], bool] = lambda: False
        self._rng = rng
        self._ejection = OutlierEjection(EjectionRule())
        self._now = asyncio.get_running_loop().time
        self._knobs = knobs
        self._switches = b""
        self._policy = ChoicePolicy()

    def publish(self, meters: Meters) -> None:
        """Have it seen how many instances are left alone."""
        meters.gauge("client.ejected", self._ejected)

    def _ejected(self) -> float:
        if not self._rules().leaves_alone:
            return 0.0
        if self._ejection.ejected():
            self._ejection.forget_all_but(self._directory.ids())
        return float(self._ejection.ejected())

    def choose(
        self,
        service: str,
        *,
        tried: Sequence[Peer],
        avoid_zones: frozenset[str],
        among: frozenset[str] | None = None,
    ) -> Peer | None:
        """The instance for the next try, at one of these addresses; see balancer.choose."""
        peers = self._directory.peers(service)
        return choose(
            peers if among is None else [peer for peer in peers if peer.address in among],
            own_zone=self._own_zone,
            tried=tried,
            avoid_zones=avoid_zones,
            ejection=self._ejection,
            now=self._now(),
            rng=self._rng,
            keeps_to_zone=self.keeps_to_zone(),
            policy=self._rules(),
        )

    def is_good(self, service: str, peer: Peer) -> bool:
        """Whether a peer that was chosen before is still there, and answers as far as is known."""
        is_there = peer in self._directory.peers(service)
        return is_there and self._ejection.is_available(peer.id, self._now())

    def _rules(self) -> ChoicePolicy:
        """How to choose right now."""
        if self._knobs is not None:
            switches = self._knobs.switch_bits()
            if switches != self._switches:
                self._switches = switches
                self._policy = choice_policy(self._knobs)
        return self._policy

    async def post(
        self, peer: Peer, route: str, *, body: bytes, headers: dict[str, str], timeout_s: float
    ) -> Reply:
        """One try at an instance."""
        self._ejection.note_chosen(peer.id, self._now())
        peer.in_flight += 1
        try:
            wire = self._transports.get(peer.service, self._http)
            reply = await wire.post(peer, route, body=body, headers=headers, timeout_s=timeout_s)
        finally:
            peer.in_flight -= 1
        has_failed = reply.ending is not Ending.ANSWERED and reply.cause in ("", peer.service)
        if has_failed and not self._policy.leaves_alone:
            return reply
        if has_failed:
            peer.note_failure(self._now())
        match reply.ending:
            case Ending.UNREACHABLE:
                self._ejection.note_unreachable(peer.id, self._now())
                self._ejection.forget_all_but(self._directory.ids())
            case Ending.TIMED_OUT:
                self._ejection.note_timeout(peer.id, self._now())
            case _:
                self._ejection.note_answer(peer.id)
        return reply
