"""Which instance of a service to call. Pure but for the random generator it is handed.

Own zone first: a hop inside a zone is quicker, and a zone that depends on no other fails alone.
Among the candidates two are drawn and the one with fewer calls under way is taken: nearly as good
as knowing the least loaded, without everybody running to the same one. What an instance has failed
of late counts as if it were under way. A zone spills over to the others when it has no available
instance, or when each of them has failed or refused a call in the last second; when everybody is
ejected anybody is better than nobody.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from demo_platform.eureka.listing import Registered
from demo_platform.fragility import ChoicePolicy
from demo_platform.resilience.outlier_ejection import OutlierEjection

FAILURES_MAX = 8.0
HALVED_S = 1.0
STRUGGLING = 0.5
"""Who has failed as much of late is left alone by its own zone, too, while others have room."""

FORGOTTEN = 0.05


class Peer:
    """An instance that may be called, and how many calls to it are under way."""

    __slots__ = (
        "_failed_at",
        "_failures",
        "address",
        "base",
        "id",
        "in_flight",
        "port",
        "service",
        "zone",
    )

    def __init__(self, instance: Registered) -> None:
        self.id = instance.id
        self.service = instance.service
        self.zone = instance.zone
        self.address = instance.address
        self.port = instance.port
        self.in_flight = 0
        self.base = f"http://{instance.address}:{instance.port}/"
        self._failures = 0.0
        self._failed_at = 0.0

    def note_failure(self, now: float) -> None:
        """It has failed a call by its own fault, and so weighs more for some seconds."""
        self._failures = min(FAILURES_MAX, self._recent(now) + 1.0)
        self._failed_at = now

    def load(self, now: float) -> float:
        """Calls under way, and as many more as it has failed lately."""
        if self._failures == 0.0:
            return self.in_flight
        recent = self._recent(now)
        if recent < FORGOTTEN:
            self._failures = recent = 0.0
        return self.in_flight + recent

    def is_struggling(self, now: float) -> bool:
        """Whether it has failed a call within about a second."""
        return self._failures > 0.0 and self._recent(now) >= STRUGGLING

    def _recent(self, now: float) -> float:
        return float(self._failures * 0.5 ** ((now - self._failed_at) / HALVED_S))


def choose(
    peers: Sequence[Peer],
    *,
    own_zone: str,
    tried: Sequence[Peer],
    avoid_zones: frozenset[str],
    ejection: OutlierEjection,
    now: float,
    rng: random.Random,
    keeps_to_zone: bool = False,
    policy: ChoicePolicy = ChoicePolicy(),
) -> Peer | None:
    """The instance for the next try, or None when there is none at all.

    keeps_to_zone: no other zone's is called, whatever becomes of the own one.
    tried: instances that this call has tried already; they come last of those available.
    avoid_zones: zones where a try went unanswered; they come after all others.
    """
    if keeps_to_zone and own_zone:
        peers = [peer for peer in peers if peer.zone == own_zone]
    available = peers
    if policy.leaves_alone:
        available = [peer for peer in peers if ejection.is_available(peer.id, now)]
    left = [peer for peer in available if peer not in tried]
    if not policy.is_informed:
        return _any(left or peers, rng)
    pool = [peer for peer in left if peer.zone not in avoid_zones] or left
    if not tried:
        own = [peer for peer in pool if peer.zone == own_zone]
        pool = own if any(not peer.is_struggling(now) for peer in own) else pool
    return _less_loaded(pool or available or peers, rng, now)


def _any(pool: Sequence[Peer], rng: random.Random) -> Peer | None:
    return pool[int(rng.random() * len(pool))] if pool else None


def _less_loaded(pool: Sequence[Peer], rng: random.Random, now: float) -> Peer | None:
    if len(pool) < 2:
        return pool[0] if pool else None
    first = int(rng.random() * len(pool))
    second = int(rng.random() * (len(pool) - 1))
    one, other = pool[first], pool[second if second < first else second + 1]
    return one if one.load(now) <= other.load(now) else other
